// SPDX-License-Identifier: BSD-2-Clause
// The version of mm/percpu/percpu.hpp for CPUs that the explorer interleaves. The copies are new for each
// ExploredKernel.
#pragma once

#include "arch/cpu/processor.hpp"
#include "mm/percpu/area.hpp"

#include <array>

#define PERCIVAL_PERCPU constinit
#define PERCIVAL_PERCPU_INITIALIZED constinit

namespace percival {

template <class T>
class PerCpu {
public:
    using Value = T;

    T read()
    {
        testing::explored->load(&here(), std::memory_order_relaxed);
        return here();
    }
    void write(T value)
    {
        testing::explored->store(&here(), std::memory_order_relaxed);
        here() = value;
    }
    T add_return(T amount)
    {
        testing::explored->exchange(&here(), std::memory_order_relaxed);
        return here() += amount;
    }
    void add(T amount) { add_return(amount); }
    void inc() { add_return(1); }
    bool try_cmpxchg(T& expected, T desired)
    {
        return exchange_if(expected, desired, std::memory_order_relaxed);
    }
    bool try_cmpxchg_release(T& expected, T desired)
    {
        return exchange_if(expected, desired, std::memory_order_release);
    }

    T& on(CpuId cpu)
    {
        if (generation_ != testing::explored->generation) {
            generation_ = testing::explored->generation;
            copies_ = {};
        }
        return copies_.at(cpu.index());
    }

    // Only the CPU itself accesses the copy, so that nothing else notices an access.
    class Masked {
    public:
        explicit Masked(T& copy) : copy_{copy} {}
        T* operator->() const { return &copy_; }

    private:
        arch::InterruptMask masked_;
        T& copy_;
    };
    Masked masked() { return Masked{here()}; }

private:
    T& here() { return on(this_cpu_id()); }
    bool exchange_if(T& expected, T desired, std::memory_order order)
    {
        T& copy = here();
        testing::explored->load(&copy, std::memory_order_relaxed);
        if (copy != expected) {
            expected = copy;
            return false;
        }
        testing::explored->take_over(&copy, order);
        copy = desired;
        return true;
    }

    std::array<T, testing::ExploredKernel::kMaxCpus> copies_{};
    u64 generation_{0};
};

} // namespace percival
