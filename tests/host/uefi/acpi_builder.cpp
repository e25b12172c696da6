// SPDX-License-Identifier: BSD-2-Clause
#include "tests/host/uefi/acpi_builder.hpp"

#include <cstdlib>
#include <cstring>
#include <map>

namespace percival::testing {
namespace {

AcpiBytes header(std::string_view signature, u8 revision)
{
    AcpiBytes bytes;
    bytes.put(signature).put(0, 4).put(revision, 1).put(0, 1);
    return bytes.put("BOCHS ").put("BXPC    ").put(1, 4).put("BXPC").put(1, 4);
}

AcpiBytes fadt(const AcpiMachine& machine)
{
    AcpiBytes bytes = header("FACP", 6);
    return bytes.zeroes(276 - 36).set(129, machine.boot_flags, 2);
}

AcpiBytes gicc(const AcpiMachine& machine, const AcpiCpu& cpu)
{
    AcpiBytes bytes;
    bytes.put(0xb, 1).put(80, 1).zeroes(78);
    bytes.set(4, cpu.interface, 4).set(8, cpu.uid, 4).set(12, cpu.flags, 4).set(16, cpu.parking_version, 4);
    return bytes.set(24, cpu.mailbox, 8)
        .set(32, cpu.cpu_interface != 0 ? cpu.cpu_interface : machine.cpu_interface, 8)
        .set(60, cpu.redistributor, 8)
        .set(68, cpu.mpidr, 8);
}

AcpiBytes madt(const AcpiMachine& machine)
{
    AcpiBytes bytes = header("APIC", 4);
    bytes.zeroes(8);
    for (u32 at = 0; at < machine.distributors; ++at) {
        bytes.put(0xc, 1).put(24, 1).zeroes(6).put(machine.distributor, 8).put(0, 4);
        bytes.put(machine.gic_version, 1).zeroes(3);
    }
    for (const AcpiCpu& cpu : machine.cpus)
        bytes.put(gicc(machine, cpu));
    for (const auto& [base, size] : machine.redistributors)
        bytes.put(0xe, 1).put(16, 1).zeroes(2).put(base, 8).put(size, 4);
    return bytes.put(0xf, 1).put(20, 1).zeroes(18); // an ITS, which is ignored
}

AcpiBytes gtdt(const AcpiMachine& machine)
{
    AcpiBytes bytes = header("GTDT", 3);
    return bytes.zeroes(104 - 36)
        .set(64, machine.timer, 4)
        .set(72, machine.physical_timer_of_el2, 4)
        .set(96, machine.virtual_timer_of_el2, 4);
}

AcpiBytes spcr(const AcpiMachine& machine)
{
    AcpiBytes bytes = header("SPCR", 2);
    bytes.put(machine.port, 1).zeroes(3);
    bytes.put(0, 1).put(machine.port_width, 1).put(0, 1).put(machine.port_access, 1);
    return bytes.put(machine.port_address, 8).zeroes(28);
}

AcpiBytes srat(const AcpiMachine& machine)
{
    AcpiBytes bytes = header("SRAT", 3);
    bytes.zeroes(12);
    for (const AcpiCpu& cpu : machine.cpus)
        bytes.put(3, 1).put(18, 1).put(cpu.domain, 4).put(cpu.uid, 4).put(1, 4).zeroes(4);
    for (const auto& memory : machine.memory) {
        bytes.put(1, 1).put(40, 1).put(memory.domain, 4).zeroes(2).put(memory.base, 8);
        bytes.put(memory.size, 8).zeroes(4).put(memory.flags, 4).zeroes(8);
    }
    return bytes;
}

// A node for each core, and behind it its threads.
AcpiBytes pptt(const AcpiMachine& machine)
{
    constexpr u32 kThread = 1 << 1 | 1 << 2 | 1 << 3;
    AcpiBytes bytes = header("PPTT", 2);
    std::map<u32, u64> cores;
    for (const auto& [uid, core] : machine.threads) {
        if (cores.try_emplace(core, bytes.bytes().size()).second)
            bytes.put(0, 1).put(20, 1).zeroes(18);
        bytes.put(0, 1).put(20, 1).zeroes(2).put(kThread, 4).put(cores[core], 4).put(uid, 4).zeroes(4);
    }
    return bytes;
}

} // namespace

void make_sum_zero(std::span<std::byte> bytes, std::size_t checksum_at)
{
    u32 sum = 0;
    for (const std::byte byte : bytes)
        sum += std::to_integer<u32>(byte);
    bytes[checksum_at] = static_cast<std::byte>(std::to_integer<u32>(bytes[checksum_at]) - sum);
}

AcpiTables::AcpiTables(const AcpiMachine& machine)
{
    const std::pair<std::string, AcpiBytes> all[] = {{"FACP", fadt(machine)}, {"APIC", madt(machine)},
                                                     {"GTDT", gtdt(machine)}, {"SPCR", spcr(machine)},
                                                     {"SRAT", srat(machine)}, {"PPTT", pptt(machine)}};
    add_roots(std::size(all) + machine.doubled.size());
    for (const auto& [signature, table] : all) {
        if (signature == "PPTT" && machine.threads.empty())
            continue;
        add_whole(signature, table);
        if (std::ranges::find(machine.doubled, signature) != machine.doubled.end())
            add_whole(signature, table);
    }
    set_roots(machine.left_out);
}

AcpiTables::AcpiTables(const std::vector<std::vector<std::byte>>& tables)
{
    add_roots(tables.size());
    for (const auto& table : tables) {
        std::string signature;
        for (std::size_t at = 0; at < 4 && at < table.size(); ++at)
            signature += static_cast<char>(table[at]);
        add(signature, table);
    }
    set_roots({});
}

void AcpiTables::add_roots(std::size_t tables)
{
    AcpiBytes pointer;
    pointer.put("RSD PTR ").put(0, 1).put("BOCHS ").put(2, 1).put(0, 4).put(36, 4).put(0, 8).put(0, 4);
    add("RSDP", pointer.bytes());
    AcpiBytes roots = header("XSDT", 1).zeroes(8 * tables);
    add("XSDT", roots.set(4, roots.bytes().size(), 4).bytes());
}

void AcpiTables::set_roots(const std::vector<std::string>& left_out)
{
    const auto put = [](std::span<std::byte> bytes, std::size_t offset, u64 value) {
        std::memcpy(&bytes[offset], &value, sizeof(value));
    };
    put(table("RSDP"), 24, address_of_block(1));
    for (std::size_t at = 2; at < blocks_.size(); ++at) {
        if (std::ranges::find(left_out, blocks_[at].signature) == left_out.end())
            put(table("XSDT"), 36 + 8 * (at - 2), address_of_block(at));
    }
    fix("XSDT");
    fix("RSDP");
}

u64 AcpiTables::address_of_block(std::size_t at) const
{
    return address_of(blocks_[at].bytes.get()).raw();
}

AcpiTables::Block& AcpiTables::add(std::string signature, std::span<const std::byte> bytes)
{
    auto copy = std::make_unique<std::byte[]>(bytes.size());
    std::ranges::copy(bytes, copy.get());
    return blocks_.emplace_back(std::move(signature), std::move(copy), bytes.size());
}

void AcpiTables::add_whole(const std::string& signature, const AcpiBytes& table)
{
    AcpiBytes whole = table;
    whole.set(4, whole.bytes().size(), 4);
    fix(add(signature, whole.bytes()));
}

AcpiTables::Block& AcpiTables::block(std::string_view signature)
{
    for (Block& each : blocks_) {
        if (each.signature == signature)
            return each;
    }
    std::abort();
}

std::span<std::byte> AcpiTables::table(std::string_view signature)
{
    const Block& found = block(signature);
    return {found.bytes.get(), found.size};
}

void AcpiTables::fix(Block& block)
{
    const bool is_pointer = block.signature == "RSDP";
    const std::span bytes{block.bytes.get(), block.size};
    if (is_pointer)
        make_sum_zero(bytes.first(20), 8);
    make_sum_zero(bytes, is_pointer ? 32 : 9);
}

void AcpiTables::fix(std::string_view signature)
{
    fix(block(signature));
}

std::vector<std::string> AcpiTables::signatures() const
{
    std::vector<std::string> all;
    for (const Block& each : blocks_)
        all.push_back(each.signature);
    return all;
}

boot::acpi::Memory AcpiTables::memory()
{
    return {read, this};
}

std::span<const std::byte> AcpiTables::read(void* self, u64 address, std::size_t size)
{
    for (const Block& each : static_cast<AcpiTables*>(self)->blocks_) {
        const u64 base = address_of(each.bytes.get()).raw();
        if (address >= base && address - base <= each.size && size <= each.size - (address - base))
            return {each.bytes.get() + (address - base), size};
    }
    return {};
}

std::vector<PhysRange> AcpiTables::pages() const
{
    constexpr Bytes kPage = 4_KiB;
    std::vector<PhysRange> pages;
    for (std::size_t at = 0; at < blocks_.size(); ++at) {
        const PhysAddr start{address_of_block(at)};
        const PhysAddr base = start.align_down(kPage);
        pages.push_back({base, (start + Bytes{blocks_[at].size}).align_up(kPage) - base});
    }
    return pages;
}

} // namespace percival::testing
