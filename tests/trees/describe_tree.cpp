// SPDX-License-Identifier: BSD-2-Clause
// Reads device trees as the kernel does and prints what it found, one line for each file: `name=value` fields
// with tabs between them. `violation` is a broken promise of the reader (INV-device_tree-1).
#include "tests/host/support/device_tree_blob.hpp"

#include <cstddef>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <span>
#include <vector>

namespace percival::testing {
namespace {

std::vector<char> contents(const char* path)
{
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
}

PhysAddr address_of(const InterruptControllerDescription& controller)
{
    const bool is_gic = controller.kind != InterruptControllerKind::Bcm2836;
    return is_gic ? controller.distributor.base : controller.local.base;
}

void describe(const char* path)
{
    const std::vector<char> bytes = contents(path);
    const Reading reading{std::as_bytes(std::span{bytes})};
    const MachineDescription& machine = *reading.machine;
    std::printf("file=%s\terror=%s\tviolation=%s", path, reading.sentence.c_str(), reading.violation.c_str());
    const bool has_uart = machine.uart.kind != UartKind::None;
    std::printf("\tconsole=%llx",
                has_uart ? static_cast<unsigned long long>(machine.uart.registers.base.raw()) : 0);
    if (reading.ok()) {
        std::printf("\tcontroller=%llx",
                    static_cast<unsigned long long>(address_of(machine.interrupt_controller).raw()));
        unsigned long long memory = 0;
        for (const MemoryBank& bank : machine.memory)
            memory += bank.range.size.count();
        std::printf("\tmemory=%llx\tcpus=", memory);
        for (const CpuDescription& cpu : machine.cpus)
            std::printf("%llx ", static_cast<unsigned long long>(cpu.mpidr));
    }
    std::printf("\n");
}

} // namespace
} // namespace percival::testing

int main(int count, char** arguments)
{
    for (const char* path : std::span{arguments, static_cast<std::size_t>(count)}.subspan(1))
        percival::testing::describe(path);
    return 0;
}
