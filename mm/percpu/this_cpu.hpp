// SPDX-License-Identifier: BSD-2-Clause
// this_cpu<v>: a static PerCpu<T> that is known where this is compiled, and so part of the instruction:
//
//      PERCIVAL_PERCPU PerCpu<u64> faults;
//      this_cpu<faults>.read()        // adrp, ldr: one instruction less than faults.read() where the address is
//      this_cpu<faults>.write(0)      // not in a register yet
//
// What Linux writes this_cpu_read(faults). Like the operations of PerCpu in everything else; restart and guarded mode
// pay for it (arch/percpu/access.hpp). Other operations have no such form: atomics take no part of an address.
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
