// SPDX-License-Identifier: BSD-2-Clause
// A writable view of one page of kernel text, for as long as the object lives. Text itself is mapped
// read-only, and so is its alias in the linear map, so this is the only way to change an instruction.
//
// Boot CPU, one at a time, the other CPUs held: the mapping is in the shared fixmap.
#pragma once

#include "kernel/types.hpp"

namespace percival::mm {

class PatchWindow : Immovable {
public:
    explicit PatchWindow(const u32* instruction);
    ~PatchWindow();

    // The same instruction, writable.
    u32* writable() const { return writable_; }

private:
    u32* writable_;
};

} // namespace percival::mm
