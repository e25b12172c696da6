// SPDX-License-Identifier: BSD-2-Clause
// The tests write ESR values as the architecture's fields, not as numbers copied from the decoder.
#include "arch/arm64/include/arch/exceptions/exception_syndrome.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace percival::arch {
namespace {

std::string describe(u64 esr)
{
    std::array<char, 400> room;
    Writer out{room};
    describe_exception(out, esr);
    EXPECT_FALSE(out.truncated());
    return std::string{out.text()};
}

constexpr u64 esr(u64 exception_class, u64 iss = 0)
{
    return exception_class << 26 | u64{1} << 25 | iss;
}

constexpr u64 kDataAbort = 0x25;
constexpr u64 kInstructionAbort = 0x21;
constexpr u64 kWrite = 1 << 6;
constexpr u64 kFarNotValid = 1 << 10;

TEST(exception_syndrome, every_defined_class_has_a_name_of_its_own)
{
    constexpr std::array kDefined{
        0x00, 0x01, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0c, 0x0d, 0x0e, 0x11, 0x12, 0x13, 0x14,
        0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x21, 0x22, 0x24, 0x25, 0x26,
        0x27, 0x28, 0x2c, 0x2d, 0x2f, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x38, 0x3a, 0x3c, 0x3d};
    std::set<int> defined{kDefined.begin(), kDefined.end()};
    std::set<std::string> names;
    for (int code = 0; code < 64; ++code) {
        const std::string text = describe(esr(static_cast<u64>(code)));
        if (defined.contains(code)) {
            EXPECT_TRUE(names.insert(text).second) << text;
            EXPECT_EQ(text.find("reserved exception class"), std::string::npos) << code;
        } else {
            EXPECT_NE(text.find("reserved exception class"), std::string::npos) << code;
        }
    }
}

TEST(exception_syndrome, a_write_to_an_unmapped_page_is_described)
{
    EXPECT_EQ(describe(esr(kDataAbort, kWrite | 0b000111)),
              "data abort from the same exception level: translation fault, level 3; write");
    EXPECT_EQ(describe(esr(0x24, 0b000100)),
              "data abort from a lower exception level: translation fault, level 0; read");
}

TEST(exception_syndrome, a_jump_to_data_is_described)
{
    EXPECT_EQ(describe(esr(kInstructionAbort, 0b001111)),
              "instruction abort from the same exception level: permission fault, level 3");
}

TEST(exception_syndrome, negative_levels_are_named)
{
    EXPECT_NE(describe(esr(kDataAbort, 0b101011)).find("translation fault, level -1"), std::string::npos);
    EXPECT_NE(describe(esr(kDataAbort, 0b101010)).find("translation fault, level -2"), std::string::npos);
    EXPECT_NE(describe(esr(kDataAbort, 0b101001)).find("address size fault, level -1"), std::string::npos);
    EXPECT_NE(describe(esr(kDataAbort, 0b010011)).find("external abort on a table walk, level -1"),
              std::string::npos);
}

TEST(exception_syndrome, fault_status_tells_kind_and_level)
{
    struct Case {
        u64 code;
        FaultKind kind;
        std::optional<s8> level;
    };
    const std::array cases{
        Case{0b000000, FaultKind::AddressSize, s8{0}},
        Case{0b000110, FaultKind::Translation, s8{2}},
        Case{0b001000, FaultKind::AccessFlag, s8{0}},
        Case{0b001011, FaultKind::AccessFlag, s8{3}},
        Case{0b001101, FaultKind::Permission, s8{1}},
        Case{0b010000, FaultKind::External, {}},
        Case{0b010001, FaultKind::TagCheck, {}},
        Case{0b010111, FaultKind::ExternalOnWalk, s8{3}},
        Case{0b011000, FaultKind::Parity, {}},
        Case{0b011100, FaultKind::ParityOnWalk, s8{0}},
        Case{0b011011, FaultKind::ParityOnWalk, s8{-1}},
        Case{0b100001, FaultKind::Alignment, {}},
        Case{0b100101, FaultKind::GranuleProtectionOnWalk, s8{1}},
        Case{0b101000, FaultKind::GranuleProtection, {}},
        Case{0b110000, FaultKind::TlbConflict, {}},
        Case{0b110001, FaultKind::UnsupportedHardwareUpdate, {}},
        Case{0b110100, FaultKind::Lockdown, {}},
        Case{0b110101, FaultKind::UnsupportedExclusive, {}},
        Case{0b111111, FaultKind::Reserved, {}},
        Case{0b101101, FaultKind::Reserved, {}},
    };
    for (const Case& c : cases) {
        const FaultStatus status = fault_status(esr(kDataAbort, c.code));
        EXPECT_EQ(status.kind, c.kind) << c.code;
        EXPECT_EQ(status.level, c.level) << c.code;
    }
}

TEST(exception_syndrome, a_described_access_has_its_size_and_register)
{
    constexpr u64 kIsv = 1 << 24;
    constexpr u64 kDoubleword = 3 << 22;
    constexpr u64 kHalfword = 1 << 22;
    constexpr u64 kSixtyFour = 1 << 15;
    EXPECT_NE(describe(esr(kDataAbort, kIsv | kDoubleword | kSixtyFour | 7 << 16 | kWrite | 5))
                  .find("write of 8 bytes from x7"),
              std::string::npos);
    EXPECT_NE(describe(esr(kDataAbort, kIsv | kHalfword | 1 << 21 | 3 << 16 | 5))
                  .find("read of 2 bytes into w3, sign-extended"),
              std::string::npos);
}

TEST(exception_syndrome, cache_maintenance_is_not_a_write)
{
    constexpr u64 kCacheMaintenance = 1 << 8;
    EXPECT_TRUE(is_write_abort(esr(kDataAbort, kWrite)));
    EXPECT_FALSE(is_write_abort(esr(kDataAbort, kWrite | kCacheMaintenance)));
    EXPECT_FALSE(is_write_abort(esr(kInstructionAbort, kWrite)));
    EXPECT_NE(describe(esr(kDataAbort, kWrite | kCacheMaintenance)).find("by a cache maintenance"),
              std::string::npos);
}

TEST(exception_syndrome, far_is_used_only_where_the_architecture_sets_it)
{
    EXPECT_TRUE(far_is_valid(esr(kDataAbort, 0b000111)));
    EXPECT_FALSE(far_is_valid(esr(kDataAbort, kFarNotValid | 0b010000)));
    EXPECT_NE(describe(esr(kDataAbort, kFarNotValid | 0b010000)).find("FAR not valid"), std::string::npos);
    EXPECT_TRUE(far_is_valid(esr(0x22)));
    EXPECT_TRUE(far_is_valid(esr(0x35)));
    EXPECT_FALSE(far_is_valid(esr(0x00)));
    EXPECT_FALSE(far_is_valid(esr(0x3c, 1)));
    EXPECT_FALSE(far_is_valid(esr(0x2f)));
}

TEST(exception_syndrome, ubsan_traps_name_the_check)
{
    EXPECT_EQ(describe(esr(0x3c, 0x5500)), "BRK #0x5500: undefined behaviour: add overflow");
    EXPECT_EQ(describe(esr(0x3c, 0x5512)), "BRK #0x5512: undefined behaviour: index out of bounds");
    EXPECT_EQ(describe(esr(0x3c, 0x5516)),
              "BRK #0x5516: undefined behaviour: null, misaligned or too small object");
    EXPECT_EQ(describe(esr(0x3c, 0x5519)), "BRK #0x5519: undefined behaviour: bounds safety check failed");
    EXPECT_EQ(describe(esr(0x3c, 0x551a)), "BRK #0x551a");
    EXPECT_EQ(describe(esr(0x3c, 1)), "BRK #0x1: trap");
    EXPECT_EQ(describe(esr(0x3c, 0xc471)), "BRK #0xc471: pointer authentication failure, key IB");
}

TEST(exception_syndrome, a_trapped_system_register_is_named_in_assembler_syntax)
{
    // MRS x5, S3_0_C2_C0_1 (TTBR1_EL1): op0 3, op1 0, CRn 2, CRm 0, op2 1
    EXPECT_EQ(describe(esr(0x18, 3 << 20 | 1 << 17 | 0 << 14 | 2 << 10 | 5 << 5 | 0 << 1 | 1)),
              "trapped MSR, MRS or system instruction: read of S3_0_C2_C0_1, x5");
    EXPECT_EQ(describe(esr(0x18, 3 << 20 | 5 << 17 | 7 << 14 | 15 << 10 | 30 << 5 | 9 << 1)),
              "trapped MSR, MRS or system instruction: write of S3_7_C15_C9_5, x30");
}

TEST(exception_syndrome, control_flow_protection_failures_name_their_kind)
{
    EXPECT_EQ(describe(esr(0x0d, 2)), "branch target exception: BTYPE 2");
    EXPECT_EQ(describe(esr(0x1c, 0b00)), "pointer authentication failure: instruction key A");
    EXPECT_EQ(describe(esr(0x1c, 0b11)), "pointer authentication failure: data key B");
    EXPECT_EQ(describe(esr(0x2d, 1 << 20)), "guarded control stack exception: EXLOCK exception");
}

TEST(exception_syndrome, serror_has_its_severity)
{
    EXPECT_EQ(describe(esr(0x2f)), "SError: uncategorized");
    EXPECT_EQ(describe(esr(0x2f, 0b000 << 10 | 0x11)), "SError: asynchronous, uncontainable");
    EXPECT_EQ(describe(esr(0x2f, 0b110 << 10 | 1 << 13 | 0x11)),
              "SError: asynchronous, corrected; at an implicit error synchronization barrier");
    EXPECT_EQ(describe(esr(0x2f, 1 << 24 | 0xbeef)), "SError: implementation defined syndrome 0xbeef");
}

TEST(exception_syndrome, calls_and_debug_events_have_their_operands)
{
    EXPECT_EQ(describe(esr(0x15, 0x1234)), "SVC #0x1234");
    EXPECT_EQ(describe(esr(0x16, 0)), "HVC #0x0");
    EXPECT_EQ(describe(esr(0x17, 0xffff)), "SMC #0xffff");
    EXPECT_EQ(describe(esr(0x01, 1)), "trapped WFI or WFE: WFE");
    EXPECT_EQ(describe(esr(0x33, 1 << 24 | 1 << 6)),
              "software step from the same exception level: of a load-exclusive");
    EXPECT_EQ(describe(esr(0x35, 2 << 18 | 1 << 17 | kWrite)),
              "watchpoint from the same exception level 2: write");
    EXPECT_EQ(describe(esr(0x2c, 1 << 23 | 0b10010)),
              "trapped floating-point exception: divide by zero, inexact");
}

} // namespace
} // namespace percival::arch
