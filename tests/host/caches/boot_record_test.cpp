// SPDX-License-Identifier: BSD-2-Clause
// Tests what a CPU that starts finds with its MMU and caches off. It carries out the instructions of
// secondary_entry, as they stand in boot/start.S, and reads the memory itself. What the boot CPU has stored
// there is seen once its lines are clean and a DSB has waited for that.
#include "arch/boot/boot_record.hpp"
#include "arch/cpu/cache_lines.hpp"
#include "mm/image/boot_tables.hpp"
#include "support/assembly_source.hpp"
#include "tests/host/caches/cache_model.hpp"

#include <gtest/gtest.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <map>
#include <stdexcept>

extern "C" {
extern percival::arch::BootRecordTable boot_records;
// What the records do not need: the code of the entry, and what it hands to the MMU.
extern const char secondary_entry[];
const char secondary_entry[4] = {};
}

namespace percival::arch {
namespace {

using percival::testing::instructions_of;

constexpr u64 kGarbage = 0xbad0'bad0'bad0'bad0;

class Memory final : public CacheModel {
public:
    Memory() : CacheModel{0x8444'c004} {}

    // Fills the memory behind the caches with garbage.
    void watch(const void* thing, std::size_t size)
    {
        for (std::size_t offset = 0; offset < size; offset += sizeof(u64))
            words_[address_of(thing).raw() + offset] = kGarbage;
    }
    // Stores what the boot CPU writes with its caches off.
    void set(const u64* thing) { words_[address_of(thing).raw()] = *thing; }
    // An access of a CPU whose caches are off.
    u64 word(u64 address) const
    {
        const auto found = words_.find(address);
        if (found == words_.end())
            throw std::out_of_range{"a CPU reads where nothing was prepared"};
        return found->second;
    }

    void maintain(CacheOperation, u64 address) override
    {
        constexpr u64 kLine = 64;
        const u64 base = address / kLine * kLine;
        for (auto at = words_.lower_bound(base); at != words_.end() && at->first < base + kLine; ++at)
            // SAFETY: these are words of what is watched.
            std::memcpy(&cleaned_[at->first], reinterpret_cast<const void*>(at->first), sizeof(u64));
    }
    void dsb(Shareability shareability, Access access) override
    {
        if (shareability != Shareability::FullSystem || access != Access::Any)
            return; // the CPU that starts is in no shareability domain
        for (const auto& [address, value] : cleaned_)
            words_[address] = value;
        cleaned_.clear();
    }

private:
    std::map<u64, u64> words_{};
    std::map<u64, u64> cleaned_{}; // and not waited for
};

// A CPU that executes secondary_entry.
class SecondaryCpu {
public:
    enum class End : u8 { Main, Stopped, Refused };

    SecondaryCpu(const Memory& memory, u64 mpidr) : memory_{memory}, mpidr_{mpidr} {}

    u64 root{0}; // at enable_mmu
    u64 tpidr{0};
    u64 stack() { return registers_["sp"]; }
    u64 argument() { return registers_["x0"]; }

    End run()
    {
        for (;;) {
            const std::string line = lines_.at(pc_++);
            const std::string instruction = without_label(line);
            if (instruction == "bl secondary_main")
                return End::Main;
            if (instruction == "bl secondary_at_other_level")
                return End::Refused;
            if (instruction == "wfi")
                return End::Stopped;
            if (!instruction.empty())
                execute(instruction);
        }
    }

private:
    // Returns nothing for a condition of the preprocessor: what stands in it holds in the default build.
    static std::string without_label(const std::string& line)
    {
        const auto end = line.find_first_not_of("0123456789");
        if (line.ends_with(":") || line.starts_with("#"))
            return {};
        return end != 0 && line[end] == ':' ? line.substr(end + 2) : line;
    }
    // Writes a shift of numbers, "(3 << 2)", as one number.
    static std::string with_shift_done(std::string instruction)
    {
        const auto open = instruction.find('('), shift = instruction.find(" << ");
        if (open == std::string::npos || shift == std::string::npos)
            return instruction;
        const auto close = instruction.find(')');
        const u64 left = number(instruction.substr(open + 1, shift - open - 1));
        const u64 by = number(instruction.substr(shift + 4, close - shift - 4));
        return instruction.replace(open, close + 1 - open, std::to_string(left << by));
    }
    static std::vector<std::string> words_of(const std::string& instruction)
    {
        std::vector<std::string> words{""};
        for (const char c : instruction) {
            if (c == ' ')
                words.emplace_back();
            else if (c != ',' && c != '[' && c != ']')
                words.back() += c;
        }
        return words;
    }

    static u64 number(const std::string& text)
    {
        static const std::map<std::string, u64> kNames{
            {"BOOT_RECORD_SIZE", sizeof(BootRecord)},
            {"BOOT_RECORD_MPIDR", offsetof(BootRecord, mpidr)},
            {"BOOT_RECORD_ROOT", offsetof(BootRecord, root)},
            {"BOOT_RECORD_TPIDR", offsetof(BootRecord, tpidr)},
            {"BOOT_RECORD_STACK_TOP", offsetof(BootRecord, stack_top)},
            {"HANDOFF_LEVEL", offsetof(boot::Handoff, level)},
        };
        if (const auto named = kNames.find(text); named != kNames.end())
            return named->second;
        const bool is_hex = text.starts_with("0x");
        u64 value = 0;
        const char* const first = text.data() + (is_hex ? 2 : 0);
        const auto read = std::from_chars(first, text.data() + text.size(), value, is_hex ? 16 : 10);
        EXPECT_EQ(read.ptr, text.data() + text.size()) << text;
        return value;
    }
    static u64 symbol(const std::string& name)
    {
        return name == "boot_records" ? address_of(&boot_records).raw()
               : name == "handoff"    ? address_of(&boot::handoff).raw()
                                      : 0;
    }
    u64 value(const std::string& operand)
    {
        if (operand.starts_with("#"))
            return number(operand.substr(1));
        if (operand.starts_with(":lo12:"))
            return symbol(operand.substr(6)) & 0xfff;
        return operand == "xzr" ? 0 : registers_.at(operand);
    }

    void execute(const std::string& instruction)
    {
        const std::vector<std::string> words = words_of(with_shift_done(instruction));
        const std::string& name = words[0];
        if (name == "bl")
            call();
        else if (name == "write_distance")
            tpidr = value(words[1]);
        else if (name == "mrs")
            registers_[words[1]] = words[2] == "mpidr_el1" ? mpidr_ | u64{1} << 31 : u64{1} << 2;
        else if (name == "adrp")
            registers_[words[1]] = symbol(words[2]) & ~u64{0xfff};
        else if (name == "ldr" || name == "ldp")
            load(words);
        else if (name == "cmp")
            are_equal_ = value(words[1]) == value(words[2]);
        else if (name.starts_with("b") || name == "cbz")
            branch(words);
        else if (name != "isb" && name != "msr")
            compute(words);
    }
    // The functions that are called keep what the procedure call standard keeps, but for x21.
    void call()
    {
        for (u32 n = 0; n <= 18; ++n)
            registers_["x" + std::to_string(n)] = kGarbage;
        registers_["x21"] = kGarbage;
    }
    void load(const std::vector<std::string>& words)
    {
        if (words[2].starts_with("="))
            return; // what a literal points to counts for nothing
        const bool is_pair = words[0] == "ldp";
        const std::size_t base = is_pair ? 3 : 2;
        const u64 at = value(words[base]) + (words.size() > base + 1 ? value(words[base + 1]) : 0);
        registers_[words[1]] = memory_.word(at);
        if (is_pair)
            registers_[words[2]] = memory_.word(at + sizeof(u64));
    }
    void branch(const std::vector<std::string>& words)
    {
        if ((words[0] == "b.eq" && !are_equal_) || (words[0] == "cbz" && value(words[1]) != 0))
            return;
        const std::string& target = words.back();
        if (target == "enable_mmu") {
            root = value("x1");
            go_to("secondary_virtual:");
        } else {
            go_to(target.substr(0, target.size() - 1) + ": ");
        }
    }
    void go_to(const std::string& label)
    {
        pc_ = 0;
        while (!lines_.at(pc_).starts_with(label))
            ++pc_;
    }
    void compute(const std::vector<std::string>& words)
    {
        const u64 left = value(words[2]);
        const u64 right = words.size() > 3 ? value(words[3]) : 0;
        ASSERT_TRUE(words[0] == "mov" || words[0] == "and" || words[0] == "orr" || words[0] == "add" ||
                    words[0] == "sub")
            << words[0];
        registers_[words[1]] = words[0] == "mov"   ? left
                               : words[0] == "and" ? left & right
                               : words[0] == "orr" ? left | right
                               : words[0] == "add" ? left + right
                                                   : left - right;
    }

    const Memory& memory_;
    u64 mpidr_;
    std::vector<std::string> lines_{instructions_of(boot_source, "secondary_entry")};
    std::size_t pc_{0};
    std::map<std::string, u64> registers_{};
    bool are_equal_{false};
};

constexpr std::array<u64, 3> kMpidrs{0x0, 0x101, 0x12'0000'0100};

class BootRecordTest : public ::testing::Test {
protected:
    BootRecordTest()
    {
        memory.watch(records.data(), sizeof records);
        memory.watch(&boot_records, sizeof boot_records);
        for (u32 n = 0; n < kMpidrs.size(); ++n)
            prepare_secondary(records[n], {.mpidr = kMpidrs[n],
                                           .root = RootRegister{0x4100'0000 + u64{n} * 0x1000},
                                           .percpu_distance = 0x1000'0000 * u64{n + 1},
                                           .stack_top = VirtAddr{0xffff'8000'0000'4000 + u64{n} * 0x8000}});
        publish_boot_records(records, PhysAddr{address_of(records.data()).raw()});
        runs_at(boot::kAtEl1);
    }
    void runs_at(u64 level)
    {
        boot::handoff.level = level;
        memory.set(&boot::handoff.level);
    }

    Memory memory;
    std::array<BootRecord, kMpidrs.size()> records{};
};

TEST_F(BootRecordTest, EachCpuFindsItsOwnRecordWithItsCachesOff)
{
    for (u32 n = 0; n < kMpidrs.size(); ++n) {
        SecondaryCpu cpu{memory, kMpidrs[n]};
        ASSERT_EQ(cpu.run(), SecondaryCpu::End::Main);
        EXPECT_EQ(cpu.root, records[n].root.raw);
        EXPECT_EQ(cpu.tpidr, records[n].tpidr);
        EXPECT_EQ(cpu.stack(), records[n].stack_top);
    }
}

TEST_F(BootRecordTest, ACpuAtEl1IsRefusedWhereTheOthersAreAtEl2)
{
    runs_at(boot::kAtEl2);
    SecondaryCpu cpu{memory, kMpidrs[1]};
    EXPECT_EQ(cpu.run(), SecondaryCpu::End::Refused);
    EXPECT_EQ(cpu.tpidr, 0U) << "it may not touch the register of the distance";
    EXPECT_EQ(cpu.argument(), records[1].tpidr);
}

TEST_F(BootRecordTest, ACpuWithoutARecordStops)
{
    SecondaryCpu cpu{memory, 0x102};
    EXPECT_EQ(cpu.run(), SecondaryCpu::End::Stopped);
}

} // namespace
} // namespace percival::arch
