// SPDX-License-Identifier: BSD-2-Clause
// Device registers, System registers and the instructions that order and publish accesses to them, on the
// host: the host's arch headers pass each of these events to the model that the test has made. The model is
// the only owner of their order.
#pragma once

#include "arch/simulation/simulation.hpp"
#include "kernel/lib/types.hpp"

#include <string_view>

namespace percival::arch {

// Maintenance of one cache line by address.
enum class CacheOperation : u8 { CleanAndInvalidate, InvalidateInstructions };

class RegisterModel {
public:
    RegisterModel();
    virtual ~RegisterModel();
    RegisterModel(const RegisterModel&) = delete;
    RegisterModel& operator=(const RegisterModel&) = delete;

    virtual u64 read(u64 address, u32 bits) = 0;
    virtual void write(u64 address, u64 value, u32 bits) = 0;
    virtual u64 read_system(std::string_view name) = 0;
    virtual void write_system(std::string_view name, u64 value) = 0;
    virtual void dsb(Shareability, Access) {}
    virtual void dmb(Shareability, Access) {}
    virtual void isb() {}
    virtual void send_event() {}
    virtual void maintain(CacheOperation, u64 /* address */) {}
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
