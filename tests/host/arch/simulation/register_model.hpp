// SPDX-License-Identifier: BSD-2-Clause
// Device registers and System registers on the host: each access goes to the model that the test has made.
#pragma once

#include "kernel/lib/types.hpp"

#include <string_view>

namespace percival::arch {

class RegisterModel {
public:
    RegisterModel();
    virtual ~RegisterModel();
    RegisterModel(const RegisterModel&) = delete;
    RegisterModel& operator=(const RegisterModel&) = delete;

    virtual u64 read(u64 address) = 0;
    virtual void write(u64 address, u64 value) = 0;
    virtual u64 read_system(std::string_view name) = 0;
    virtual void write_system(std::string_view name, u64 value) = 0;
};

// The model that lives, of which there is one at a time.
inline RegisterModel* register_model = nullptr;

inline RegisterModel::RegisterModel()
{
    register_model = this;
}

inline RegisterModel::~RegisterModel()
{
    register_model = nullptr;
}

} // namespace percival::arch
