// SPDX-License-Identifier: BSD-2-Clause
// What the models of caches have in common: the code under test asks for the size of lines, and accesses no
// device and no other System register.
#pragma once

#include "arch/simulation/register_model.hpp"

#include <gtest/gtest.h>

namespace percival::arch {

class CacheModel : public RegisterModel {
public:
    explicit CacheModel(u64 type) : cache_type{type} {}

    u64 cache_type; // CTR_EL0

    u64 read(u64, u32) final
    {
        ADD_FAILURE();
        return 0;
    }
    void write(u64, u64, u32) final { ADD_FAILURE(); }
    u64 read_system(std::string_view name) final
    {
        EXPECT_EQ(name, "ctr_el0");
        return cache_type;
    }
    void write_system(std::string_view, u64) final { ADD_FAILURE(); }
};

} // namespace percival::arch
