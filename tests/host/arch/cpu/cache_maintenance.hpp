// SPDX-License-Identifier: BSD-2-Clause
// The host's version of arch/cpu/cache_maintenance.hpp: the maintenance goes to the model.
#pragma once

#include "arch/simulation/register_model.hpp"

namespace percival::arch {

inline void clean_and_invalidate_line(u64 address)
{
    register_model->maintain(CacheOperation::CleanAndInvalidate, address);
}

inline void invalidate_instruction_line(u64 address)
{
    register_model->maintain(CacheOperation::InvalidateInstructions, address);
}

} // namespace percival::arch
