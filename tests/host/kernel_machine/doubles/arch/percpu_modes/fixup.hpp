// SPDX-License-Identifier: BSD-2-Clause
// The machine's version of arch/percpu_modes/fixup.hpp: no operation notes registers, and the handler's last
// step is noted.
#pragma once

#include "arch/exceptions/registers.hpp"
#include "kernel/lib/types.hpp"

namespace percival::arch {

class NotedOperation : Immovable {
public:
    NotedOperation() = default;
    static void resume(Registers& interrupted) { ++interrupted.resumes; }
};

} // namespace percival::arch
