// SPDX-License-Identifier: BSD-2-Clause
// Decodes ESR_EL1, which says why an exception was taken (Arm ARM, DDI 0487K.a, D24.2.40). Pure functions of
// the register's value: any context, on the host too.
#pragma once

#include "kernel/lib/format.hpp"
#include "kernel/lib/types.hpp"

#include <optional>

namespace percival::arch {

// ESR_ELx.EC. Only the classes on which the kernel decides something have a name here; describe_exception()
// knows all of them.
enum class ExceptionClass : u8 {
    InstructionAbortLower = 0x20,
    InstructionAbort = 0x21,
    PcAlignment = 0x22,
    DataAbortLower = 0x24,
    DataAbort = 0x25,
    WatchpointLower = 0x34,
    Watchpoint = 0x35,
    HardwareBreakpoint = 0x31,
    Breakpoint = 0x3c, // BRK
};

constexpr ExceptionClass exception_class(u64 esr)
{
    return static_cast<ExceptionClass>((esr >> 26) & 0x3f);
}

enum class FaultKind : u8 {
    Reserved,
    AddressSize,
    Translation,
    AccessFlag,
    Permission,
    External,
    ExternalOnWalk,
    TagCheck,
    Parity,
    ParityOnWalk,
    GranuleProtection,
    GranuleProtectionOnWalk,
    Alignment,
    TlbConflict,
    UnsupportedHardwareUpdate,
    Lockdown,
    UnsupportedExclusive,
};

// The decoded fault status code of an abort. The level is that of the table walk: -1 occurs only with
// FEAT_LPA2, -2 only with FEAT_D128.
struct FaultStatus {
    FaultKind kind{FaultKind::Reserved};
    std::optional<s8> level{};
};

// Returns the fault status of an instruction or data abort; for other exceptions the result means nothing.
FaultStatus fault_status(u64 esr);

constexpr bool is_data_abort(u64 esr)
{
    return exception_class(esr) == ExceptionClass::DataAbort ||
           exception_class(esr) == ExceptionClass::DataAbortLower;
}

constexpr bool is_instruction_abort(u64 esr)
{
    return exception_class(esr) == ExceptionClass::InstructionAbort ||
           exception_class(esr) == ExceptionClass::InstructionAbortLower;
}

// True for a data abort caused by a store. Cache maintenance and address translation instructions count as
// reads, although the architecture sets WnR for them.
constexpr bool is_write_abort(u64 esr)
{
    constexpr u64 kWnR = u64{1} << 6;
    constexpr u64 kCm = u64{1} << 8;
    return is_data_abort(esr) && (esr & kWnR) != 0 && (esr & kCm) == 0;
}

// True if FAR_EL1 holds the address that failed. Otherwise the register is UNKNOWN.
constexpr bool far_is_valid(u64 esr)
{
    constexpr u64 kFnV = u64{1} << 10;
    switch (exception_class(esr)) {
    case ExceptionClass::PcAlignment:
        return true;
    case ExceptionClass::InstructionAbortLower:
    case ExceptionClass::InstructionAbort:
    case ExceptionClass::DataAbortLower:
    case ExceptionClass::DataAbort:
    case ExceptionClass::WatchpointLower:
    case ExceptionClass::Watchpoint:
        return (esr & kFnV) == 0;
    case ExceptionClass::HardwareBreakpoint:
    case ExceptionClass::Breakpoint:
        break;
    }
    return false;
}

// Writes the exception in words, for example "data abort from the same exception level: translation fault,
// level 2; write".
void describe_exception(Writer& out, u64 esr);

} // namespace percival::arch
