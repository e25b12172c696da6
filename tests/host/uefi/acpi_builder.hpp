// SPDX-License-Identifier: BSD-2-Clause
// ACPI tables for tests: those of QEMU's virt, which a test may change, or any, in memory where a read beyond
// a table is noticed. The fuzzers share this.
#pragma once

#include "boot/acpi/tables.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace percival::testing {

// The bytes of a table or of an entry.
class AcpiBytes {
public:
    AcpiBytes& put(u64 value, std::size_t bytes)
    {
        for (std::size_t at = 0; at < bytes; ++at)
            bytes_.push_back(static_cast<std::byte>(value >> (8 * at)));
        return *this;
    }
    AcpiBytes& put(std::string_view text)
    {
        for (const char c : text)
            bytes_.push_back(static_cast<std::byte>(c));
        return *this;
    }
    AcpiBytes& zeroes(std::size_t count)
    {
        bytes_.resize(bytes_.size() + count);
        return *this;
    }
    AcpiBytes& put(const AcpiBytes& other)
    {
        bytes_.insert(bytes_.end(), other.bytes_.begin(), other.bytes_.end());
        return *this;
    }
    AcpiBytes& set(std::size_t offset, u64 value, std::size_t bytes)
    {
        for (std::size_t at = 0; at < bytes; ++at)
            bytes_.at(offset + at) = static_cast<std::byte>(value >> (8 * at));
        return *this;
    }
    std::vector<std::byte>& bytes() { return bytes_; }
    const std::vector<std::byte>& bytes() const { return bytes_; }

private:
    std::vector<std::byte> bytes_;
};

// Changes the byte at `checksum_at` such that the sum of all is 0.
void make_sum_zero(std::span<std::byte> bytes, std::size_t checksum_at = 9);

struct AcpiCpu {
    u64 mpidr;
    u32 uid;
    u32 domain{0};
    u32 flags{1};
    u64 redistributor{0};
    u32 parking_version{0};
    u64 mailbox{0};
    u32 interface{0};     // the number of its interface, which the parking protocol writes
    u64 cpu_interface{0}; // 0: the machine's
};

// What the tables say; as constructed, a virt with four CPUs and a GICv3.
struct AcpiMachine {
    std::vector<AcpiCpu> cpus{{0, 0}, {1, 1}, {2, 2}, {3, 3}};
    u16 boot_flags{3}; // PSCI by HVC
    u8 gic_version{3};
    u32 distributors{1};
    u64 distributor{0x0800'0000};
    u64 cpu_interface{0};
    std::vector<std::pair<u64, u32>> redistributors{{0x080a'0000, 0x00f6'0000}};
    u32 timer{27};
    u32 physical_timer_of_el2{26};
    u32 virtual_timer_of_el2{0};
    u8 port{3};
    u64 port_address{0x0900'0000};
    u8 port_width{32};
    u8 port_access{3};
    struct Memory {
        u32 domain;
        u64 base;
        u64 size;
        u32 flags{1};
    };
    std::vector<Memory> memory{};
    // The core of each hardware thread, by the threads' UIDs; empty: there is no PPTT.
    std::vector<std::pair<u32, u32>> threads{};
    std::vector<std::string> left_out{}; // tables
    std::vector<std::string> doubled{};
};

// The tables in memory.
class AcpiTables {
public:
    explicit AcpiTables(const AcpiMachine& machine);
    // These tables, with lengths and checksums of their own, behind a root pointer.
    explicit AcpiTables(const std::vector<std::vector<std::byte>>& tables);

    u64 root_pointer() const { return address_of_block(0); }
    boot::acpi::Memory memory();
    // The pages that the tables are in.
    std::vector<PhysRange> pages() const;

    // A table by its signature, to damage it; RSDP and XSDT, too. fix() makes its checksum right again.
    std::span<std::byte> table(std::string_view signature);
    void fix(std::string_view signature);
    std::vector<std::string> signatures() const;

private:
    struct Block {
        std::string signature;
        std::unique_ptr<std::byte[]> bytes;
        std::size_t size;
    };

    u64 address_of_block(std::size_t at) const;
    Block& add(std::string signature, std::span<const std::byte> bytes);
    // Adds a table, and gives it its length and its checksum.
    void add_whole(const std::string& signature, const AcpiBytes& table);
    void add_roots(std::size_t tables);
    void set_roots(const std::vector<std::string>& left_out);
    Block& block(std::string_view signature);
    static void fix(Block& block);

    static std::span<const std::byte> read(void* self, u64 address, std::size_t size);

    std::vector<Block> blocks_;
};

} // namespace percival::testing
