// SPDX-License-Identifier: BSD-2-Clause
#include "arch/arm64/include/arch/exceptions/exception_syndrome.hpp"

#include "arch/arm64/exceptions/syndrome_tables.hpp"

#include <array>

namespace percival::arch {
namespace {

constexpr u64 bits(u64 value, unsigned high, unsigned low)
{
    return (value >> low) & ((u64{1} << (high - low + 1)) - 1);
}

constexpr bool bit(u64 value, unsigned at)
{
    return bits(value, at, at) != 0;
}

void describe_brk(Writer& out, u64 iss)
{
    const u64 comment = bits(iss, 15, 0);
    format(out, " #{:x}", comment);
    if (comment == 1)
        out.put(": trap");
    else if (comment >> 8 == 0x55 && (comment & 0xff) < syndrome_tables::kUbsanChecks.size())
        format(out, ": undefined behaviour: {}", syndrome_tables::kUbsanChecks[comment & 0xff]);
    else if (comment >= 0xc470 && comment <= 0xc473)
        format(out, ": pointer authentication failure, key {}",
               std::array<std::string_view, 4>{"IA", "IB", "DA", "DB"}[comment - 0xc470]);
}

// Describes the fault status of an instruction or data abort.
void describe_fault_status(Writer& out, u64 esr)
{
    const FaultStatus status = fault_status(esr);
    format(out, ": {}", syndrome_tables::name_of(status.kind));
    if (status.kind == FaultKind::Reserved)
        format(out, " {:x}", bits(esr, 5, 0));
    if (status.level)
        format(out, ", level {}", *status.level);
}

void describe_abort_flags(Writer& out, u64 esr)
{
    if (bit(esr, 7))
        out.put("; in a stage 2 walk");
    if (bit(esr, 9))
        out.put("; external abort type 1");
    if (!far_is_valid(esr))
        out.put("; FAR not valid");
}

void describe_data_abort(Writer& out, u64 esr)
{
    describe_fault_status(out, esr);
    if (bit(esr, 8))
        out.put("; by a cache maintenance or address translation instruction");
    else
        out.put(is_write_abort(esr) ? "; write" : "; read");
    if (bit(esr, 24)) { // ISV: the syndrome describes the access
        format(out, " of {} bytes {} {}{}", u64{1} << bits(esr, 23, 22),
               is_write_abort(esr) ? "from" : "into", bit(esr, 15) ? 'x' : 'w', bits(esr, 20, 16));
        if (bit(esr, 21))
            out.put(", sign-extended");
        if (bit(esr, 14))
            out.put(", acquire/release");
    }
    describe_abort_flags(out, esr);
    // ISS2
    if (bit(esr, 40))
        out.put("; guarded control stack access");
    if (bit(esr, 38))
        out.put("; overlay permissions");
    if (bit(esr, 37))
        out.put("; dirty state");
}

void describe_system_register(Writer& out, u64 iss)
{
    format(out, ": {} S{}_{}_C{}_C{}_{}, x{}", bit(iss, 0) ? "read of" : "write of", bits(iss, 21, 20),
           bits(iss, 16, 14), bits(iss, 13, 10), bits(iss, 4, 1), bits(iss, 19, 17), bits(iss, 9, 5));
}

void describe_serror(Writer& out, u64 iss)
{
    if (bit(iss, 24)) {
        format(out, ": implementation defined syndrome {:x}", bits(iss, 23, 0));
        return;
    }
    const u64 status = bits(iss, 5, 0);
    if (status == 0) {
        out.put(": uncategorized");
        return;
    }
    if (status != 0x11) {
        format(out, ": reserved status {:x}", status);
        return;
    }
    constexpr std::array<std::string_view, 8> kTypes{
        "uncontainable",     "unrecoverable state", "restartable state", "recoverable state",
        "reserved severity", "reserved severity",   "corrected",         "reserved severity"};
    format(out, ": asynchronous, {}", kTypes[bits(iss, 12, 10)]);
    if (bit(iss, 9))
        out.put("; external abort type 1");
    if (bit(iss, 13))
        out.put("; at an implicit error synchronization barrier");
}

void describe_floating_point(Writer& out, u64 iss)
{
    if (!bit(iss, 23)) // TFV
        return;
    struct Flag {
        unsigned at;
        std::string_view name;
    };
    constexpr std::array<Flag, 6> kFlags{Flag{0, "invalid operation"}, Flag{1, "divide by zero"},
                                         Flag{2, "overflow"},          Flag{3, "underflow"},
                                         Flag{4, "inexact"},           Flag{7, "input denormal"}};
    std::string_view separator = ": ";
    for (const Flag& flag : kFlags) {
        if (!bit(iss, flag.at))
            continue;
        format(out, "{}{}", separator, flag.name);
        separator = ", ";
    }
}

void describe_watchpoint(Writer& out, u64 esr)
{
    if (bit(esr, 17)) // WPTV
        format(out, " {}", bits(esr, 23, 18));
    if (bit(esr, 8))
        out.put(": by a cache maintenance instruction");
    else
        out.put(bit(esr, 6) ? ": write" : ": read");
    if (!far_is_valid(esr))
        out.put("; FAR not valid");
}

void describe_memory_operation(Writer& out, u64 iss)
{
    format(out, ": {}, {}, x{} x{} x{}", bit(iss, 24) ? "set" : "copy",
           bit(iss, 18) ? "epilogue" : "prologue or main", bits(iss, 14, 10), bits(iss, 9, 5),
           bits(iss, 4, 0));
    if (bit(iss, 17))
        out.put("; wrong option");
}

void describe_control_stack(Writer& out, u64 iss)
{
    constexpr std::array<std::string_view, 5> kTypes{
        "data check", "EXLOCK exception", "trapped GCSSTR or GCSSTTR", "reserved type", "reserved type"};
    const u64 type = bits(iss, 23, 20);
    format(out, ": {}", kTypes[type < kTypes.size() ? type : kTypes.size() - 1]);
}

std::string_view wait_instruction(u64 iss)
{
    return std::array<std::string_view, 4>{": WFI", ": WFE", ": WFIT", ": WFET"}[bits(iss, 1, 0)];
}

std::string_view sme_reason(u64 iss)
{
    constexpr std::array<std::string_view, 6> kReasons{
        ": CPACR_EL1.SMEN",     ": illegal in streaming mode", ": streaming mode is off",
        ": SME storage is off", ": ZT0 access is not enabled", ""};
    const u64 reason = bits(iss, 2, 0);
    return kReasons[reason < kReasons.size() ? reason : kReasons.size() - 1];
}

} // namespace

FaultStatus fault_status(u64 esr)
{
    return syndrome_tables::kFaults[bits(esr, 5, 0)];
}

void describe_exception(Writer& out, u64 esr)
{
    const u64 code = bits(esr, 31, 26);
    const u64 iss = bits(esr, 24, 0);
    if (syndrome_tables::kClassNames[code].empty()) {
        format(out, "reserved exception class {:x}, ISS {:x}", code, iss);
        return;
    }
    out.put(syndrome_tables::kClassNames[code]);
    switch (code) {
    case 0x01:
        return out.put(wait_instruction(iss));
    case 0x0d:
        return format(out, ": BTYPE {}", bits(iss, 1, 0));
    case 0x11:
    case 0x12:
    case 0x15:
    case 0x16:
    case 0x17:
    case 0x38:
        return format(out, " #{:x}", bits(iss, 15, 0));
    case 0x18:
        return describe_system_register(out, iss);
    case 0x1a:
        return out.put(bit(iss, 1) ? (bit(iss, 0) ? ": ERETAB" : ": ERETAA") : ": ERET");
    case 0x1b:
        return format(out, ": x{}", bits(iss, 9, 5));
    case 0x1c:
        return format(out, ": {} key {}", bit(iss, 1) ? "data" : "instruction", bit(iss, 0) ? 'B' : 'A');
    case 0x1d:
        return out.put(sme_reason(iss));
    case 0x20:
    case 0x21:
        describe_fault_status(out, esr);
        return describe_abort_flags(out, esr);
    case 0x24:
    case 0x25:
        return describe_data_abort(out, esr);
    case 0x27:
        return describe_memory_operation(out, iss);
    case 0x28:
    case 0x2c:
        return describe_floating_point(out, iss);
    case 0x2d:
        return describe_control_stack(out, iss);
    case 0x2f:
        return describe_serror(out, iss);
    case 0x32:
    case 0x33:
        if (bit(iss, 24))
            out.put(bit(iss, 6) ? ": of a load-exclusive" : ": of another instruction");
        return;
    case 0x34:
    case 0x35:
        return describe_watchpoint(out, esr);
    case 0x3c:
        return describe_brk(out, iss);
    default:
        return;
    }
}

} // namespace percival::arch
