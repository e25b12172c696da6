// SPDX-License-Identifier: BSD-2-Clause
// Kernel sources on a simulated machine, with CPUs that the explorer interleaves. Headers of
// tests/host/explored hide those of the kernel through which CPUs meet: percpu variables, spin locks, and the
// kernel's tables. explored/support/explored_atomics.hpp hides atomics. Each of their operations is a step
// (arch/simulation/simulation.hpp) that another CPU may notice, and hands over what its memory order says.
//
// There is one ExploredKernel at a time. It is the base class of scenarios.
#pragma once

#include "mm/address_space/kernel_geometry.hpp"
#include "support/explorer.hpp"
#include "support/simulated_tables.hpp"

#include <array>
#include <atomic>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>

namespace percival::testing {

struct ExploredKernel {
    using Machine = SimulatedMachine<mm::KernelGeometry>;
    static constexpr u32 kMaxCpus = 3;

    // All CPUs use one root.
    ExploredKernel(Explorer& e, u32 count, u64 table_pages);
    ~ExploredKernel();
    ExploredKernel(const ExploredKernel&) = delete;
    ExploredKernel& operator=(const ExploredKernel&) = delete;

    // Returns a new table, or nothing.
    std::optional<PhysAddr> allocate_table();

    // The executing CPU is about to access `object`, which is a step. exchange() stands for any atomic
    // read-modify-write.
    void load(const void* object, std::memory_order order);
    void store(const void* object, std::memory_order order);
    void exchange(const void* object, std::memory_order order);
    // The second half of a compare-exchange, if the load() before has found what was expected.
    void take_over(const void* object, std::memory_order order);
    // The executing CPU, which has loaded an object and looks at nothing else, goes on once that has changed.
    void wait_for_change();

    // Returns whether the kernel believes that leaves may change their size live.
    bool says_it_resizes_live() const { return machine.resizes_live() || never_breaks; }

    // Returns the object itself, or, at an address of the kernel half, what the executing CPU writes there.
    // That must be certain; else there is a complaint.
    template <class T>
    T& reach(T& object)
    {
        if (address_of(&object) < mm::KernelGeometry::kKernelBase)
            return object;
        // SAFETY: the owner of the memory has mapped a T there.
        return *static_cast<T*>(memory(written_at(address_of(&object))));
    }
    PhysAddr written_at(VirtAddr address);

    // Keeps the first complaint.
    void require(bool holds, const char* what);
    // Requires that everything that `cpu` may get at an address is among `allowed`.
    void read(u32 cpu, VirtAddr at, std::initializer_list<std::optional<PhysAddr>> allowed);
    // Returns the first complaint, one of the machine's own included.
    std::string verdict();

    Explorer& explorer;
    Machine machine;
    u32 cpu_count;
    PhysAddr root;
    u64 generation; // differs from that of every kernel before
    // Where the program has the memory that kernel addresses lead to.
    std::function<void*(PhysAddr)> memory{};
    std::string complaint{};
    // CPUs that are off: no broadcast asks them.
    std::array<bool, kMaxCpus> is_off{};
    // What a broken variant of a scenario changes: whether spin locks keep others out, and whether the kernel
    // believes that leaves may change their size live where the machine says that they may not.
    bool locks_exclude{true};
    bool never_breaks{false};
    // How many stores of atomics each CPU has made since a DSB.
    std::array<u32, kMaxCpus> unfinished_stores{};

private:
    void note_change(const void* object);

    struct Looked {
        const void* object{nullptr};
        u64 changes{0};
    };
    std::map<const void*, u64> changes_{};       // how often each object has changed
    std::array<Looked, kMaxCpus> last_looked_{}; // of each CPU
};

// The kernel that runs.
inline ExploredKernel* explored = nullptr;

} // namespace percival::testing
