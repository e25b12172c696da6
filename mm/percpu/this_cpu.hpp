// SPDX-License-Identifier: BSD-2-Clause
// this_cpu<v>: reads and writes a static PerCpu<T> that is known at compile time, so that the low part of its
// address goes into the load or store:
//
//      PERCIVAL_PERCPU PerCpu<u64> faults;
//      this_cpu<faults>.read()        // adrp, ldr: one instruction less than faults.read(), unless the
//      this_cpu<faults>.write(0)      // address is in a register already
//
// Linux writes this_cpu_read(faults). In everything else the operations are like those of PerCpu. Restart and
// guarded mode cost more (arch/percpu/access.hpp). Other operations have no such form, because atomic
// instructions take no address offset.
#pragma once

#include "mm/percpu/percpu.hpp"

#include <bit>
#include <type_traits>

namespace percival {

template <auto& Variable>
class ThisCpu {
    using Value = typename std::remove_reference_t<decltype(Variable)>::Value;
    static_assert(percpu_detail::Scalar<Value>);
    using Word = typename percpu_detail::Word<sizeof(Value)>::type;

public:
    static Value read() { return std::bit_cast<Value>(arch::percpu_load<Word, Variable>()); }
    static void write(Value value) { arch::percpu_store<Word, Variable>(std::bit_cast<Word>(value)); }
};

template <auto& Variable>
inline constexpr ThisCpu<Variable> this_cpu{};

} // namespace percival
