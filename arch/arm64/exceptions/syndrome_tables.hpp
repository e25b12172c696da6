// SPDX-License-Identifier: BSD-2-Clause
// Tables of the codes in a syndrome (ESR_EL1, Arm ARM D24.2.40). exception_syndrome.cpp reads them.
#pragma once

#include "arch/arm64/include/arch/exceptions/exception_syndrome.hpp"

#include <array>
#include <string_view>

namespace percival::arch::syndrome_tables {

// Names of exception classes, indexed by ESR_ELx.EC; an empty name is a reserved class. The classes that only
// EL2 or EL3 report are included: they cost little, and a kernel that was entered at EL2 may need them.
inline constexpr auto kClassNames = [] {
    std::array<std::string_view, 64> names{};
    names[0x00] = "unknown reason (undefined instruction, mostly)";
    names[0x01] = "trapped WFI or WFE";
    names[0x03] = "trapped MCR or MRC, coproc 15";
    names[0x04] = "trapped MCRR or MRRC, coproc 15";
    names[0x05] = "trapped MCR or MRC, coproc 14";
    names[0x06] = "trapped LDC or STC";
    names[0x07] = "trapped SVE, Advanced SIMD or floating-point access";
    names[0x08] = "trapped VMRS";
    names[0x09] = "trapped pointer authentication instruction";
    names[0x0a] = "trapped instruction of no other class";
    names[0x0c] = "trapped MRRC, coproc 14";
    names[0x0d] = "branch target exception";
    names[0x0e] = "illegal execution state";
    names[0x11] = "SVC from AArch32";
    names[0x12] = "HVC from AArch32";
    names[0x13] = "SMC from AArch32";
    names[0x14] = "trapped MSRR, MRRS or 128-bit system instruction";
    names[0x15] = "SVC";
    names[0x16] = "HVC";
    names[0x17] = "SMC";
    names[0x18] = "trapped MSR, MRS or system instruction";
    names[0x19] = "trapped SVE access";
    names[0x1a] = "trapped ERET";
    names[0x1b] = "exception from TSTART";
    names[0x1c] = "pointer authentication failure";
    names[0x1d] = "trapped SME access";
    names[0x1e] = "granule protection check exception";
    names[0x1f] = "implementation defined exception to EL3";
    names[0x20] = "instruction abort from a lower exception level";
    names[0x21] = "instruction abort from the same exception level";
    names[0x22] = "PC alignment fault";
    names[0x24] = "data abort from a lower exception level";
    names[0x25] = "data abort from the same exception level";
    names[0x26] = "SP alignment fault";
    names[0x27] = "memory copy or set exception";
    names[0x28] = "trapped floating-point exception in AArch32";
    names[0x2c] = "trapped floating-point exception";
    names[0x2d] = "guarded control stack exception";
    names[0x2f] = "SError";
    names[0x30] = "breakpoint from a lower exception level";
    names[0x31] = "breakpoint from the same exception level";
    names[0x32] = "software step from a lower exception level";
    names[0x33] = "software step from the same exception level";
    names[0x34] = "watchpoint from a lower exception level";
    names[0x35] = "watchpoint from the same exception level";
    names[0x38] = "BKPT in AArch32";
    names[0x3a] = "vector catch in AArch32";
    names[0x3c] = "BRK";
    names[0x3d] = "profiling exception";
    return names;
}();

// Decoded fault status codes, indexed by the code.
inline constexpr auto kFaults = [] {
    using enum FaultKind;
    std::array<FaultStatus, 64> faults{};
    for (s8 level = 0; level <= 3; ++level) {
        const auto at = static_cast<std::size_t>(level);
        faults[0x00 + at] = {AddressSize, level};
        faults[0x04 + at] = {Translation, level};
        faults[0x08 + at] = {AccessFlag, level};
        faults[0x0c + at] = {Permission, level};
        faults[0x14 + at] = {ExternalOnWalk, level};
        faults[0x1c + at] = {ParityOnWalk, level};
        faults[0x24 + at] = {GranuleProtectionOnWalk, level};
    }
    faults[0x10] = {External, {}};
    faults[0x11] = {TagCheck, {}};
    faults[0x12] = {ExternalOnWalk, s8{-2}};
    faults[0x13] = {ExternalOnWalk, s8{-1}};
    faults[0x18] = {Parity, {}};
    faults[0x1b] = {ParityOnWalk, s8{-1}};
    faults[0x21] = {Alignment, {}};
    faults[0x22] = {GranuleProtectionOnWalk, s8{-2}};
    faults[0x23] = {GranuleProtectionOnWalk, s8{-1}};
    faults[0x28] = {GranuleProtection, {}};
    faults[0x29] = {AddressSize, s8{-1}};
    faults[0x2a] = {Translation, s8{-2}};
    faults[0x2b] = {Translation, s8{-1}};
    faults[0x2c] = {AddressSize, s8{-2}};
    faults[0x30] = {TlbConflict, {}};
    faults[0x31] = {UnsupportedHardwareUpdate, {}};
    faults[0x34] = {Lockdown, {}};
    faults[0x35] = {UnsupportedExclusive, {}};
    return faults;
}();

// Returns the name of a kind of fault.
constexpr std::string_view name_of(FaultKind kind)
{
    switch (kind) {
    case FaultKind::Reserved:
        return "reserved fault status";
    case FaultKind::AddressSize:
        return "address size fault";
    case FaultKind::Translation:
        return "translation fault";
    case FaultKind::AccessFlag:
        return "access flag fault";
    case FaultKind::Permission:
        return "permission fault";
    case FaultKind::External:
        return "synchronous external abort";
    case FaultKind::ExternalOnWalk:
        return "synchronous external abort on a table walk";
    case FaultKind::TagCheck:
        return "tag check fault";
    case FaultKind::Parity:
        return "parity or ECC error";
    case FaultKind::ParityOnWalk:
        return "parity or ECC error on a table walk";
    case FaultKind::GranuleProtection:
        return "granule protection fault";
    case FaultKind::GranuleProtectionOnWalk:
        return "granule protection fault on a table walk";
    case FaultKind::Alignment:
        return "alignment fault";
    case FaultKind::TlbConflict:
        return "TLB conflict abort";
    case FaultKind::UnsupportedHardwareUpdate:
        return "unsupported atomic hardware update of a descriptor";
    case FaultKind::Lockdown:
        return "implementation defined fault (lockdown)";
    case FaultKind::UnsupportedExclusive:
        return "implementation defined fault (unsupported exclusive or atomic)";
    }
    return "";
}

// Names of the checks in Clang 19's SanitizerHandler, in its order. -fsanitize-trap puts the index into the
// low byte of BRK #0x55xx.
inline constexpr std::array<std::string_view, 26> kUbsanChecks{"add overflow",
                                                               "reached __builtin_unreachable",
                                                               "CFI check failed",
                                                               "division overflow or by zero",
                                                               "dynamic type mismatch",
                                                               "float cast overflow",
                                                               "function type mismatch",
                                                               "implicit conversion changes value",
                                                               "invalid builtin use",
                                                               "invalid Objective-C cast",
                                                               "load of an invalid value",
                                                               "missing return",
                                                               "multiply overflow",
                                                               "negate overflow",
                                                               "null passed as nonnull (nullability)",
                                                               "null returned as nonnull (nullability)",
                                                               "null passed as nonnull",
                                                               "null returned as nonnull",
                                                               "index out of bounds",
                                                               "pointer overflow",
                                                               "shift out of bounds",
                                                               "subtract overflow",
                                                               "null, misaligned or too small object",
                                                               "alignment assumption violated",
                                                               "bound of variable array not positive",
                                                               "bounds safety check failed"};

} // namespace percival::arch::syndrome_tables
