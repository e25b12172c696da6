// SPDX-License-Identifier: BSD-2-Clause
// PerCpu<T>: a variable of which every CPU has its own copy. All copies have the same local address.
//
//      PERCIVAL_PERCPU PerCpu<u64> faults;
//      faults.inc();                      // this CPU's copy, one instruction, any context
//      faults.on(cpu)                     // a plain u64&, that CPU's copy, at its global address
//
// The operations need no pin: each is atomic against migration, interrupts and remote access. PerCpu returns
// a plain reference only for a named CPU, against a Pin or with interrupts masked, and always at the global
// address. A local address that escaped into a list or to another CPU would name a different object there.
// There is deliberately no operator++ and no conversion to T.
//
// mm/percpu/plain.hpp has plain operations, with and without a pin. mm/percpu/this_cpu.hpp has operations on
// a variable that is known at compile time.
//
// Every operation but try_cmpxchg_release() is relaxed. A pointer that another CPU will follow has to be
// written by try_cmpxchg_release(); the other operations do not publish what it points to.
//
// A sequence of operations is not atomic. A caller that needs several operations to be one step uses
// masked().
//
// Static objects are constant-initialized. Those of PERCIVAL_PERCPU are zero at first, which the compiler
// checks. The bytes of those of PERCIVAL_PERCPU_INITIALIZED are the template of every CPU's copy.
#pragma once

#include "arch/cpu/processor.hpp"
#include "arch/percpu/access.hpp"
#include "arch/percpu/ops.hpp"
#include "arch/percpu/register.hpp"
#include "kernel/sync/pin.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu/plain.hpp"

#include <bit>
#include <concepts>
#include <type_traits>

// Attributes of a static PerCpu<T>: place it in one of the two sections that are linked at local addresses.
#define PERCIVAL_PERCPU [[gnu::section(".bss.percpu")]] constinit
#define PERCIVAL_PERCPU_INITIALIZED [[gnu::section(".percpu")]] constinit

namespace percival {

namespace percpu_detail {

template <std::size_t Size>
struct Word {
    using type = void;
};
template <>
struct Word<1> {
    using type = u8;
};
template <>
struct Word<2> {
    using type = u16;
};
template <>
struct Word<4> {
    using type = u32;
};
template <>
struct Word<8> {
    using type = u64;
};
template <>
struct Word<16> {
    using type = arch::PercpuPair;
};

template <class T>
concept Scalar =
    std::is_trivially_copyable_v<T> && (std::integral<T> || std::is_pointer_v<T> || std::is_enum_v<T>) &&
    (sizeof(T) == 1 || sizeof(T) == 2 || sizeof(T) == 4 || sizeof(T) == 8);

// A type of two words without padding: a compare-exchange compares every bit of it.
template <class T>
concept Pair = sizeof(T) == sizeof(arch::PercpuPair) && std::is_trivially_copyable_v<T> &&
               std::has_unique_object_representations_v<T>;

template <class T>
concept Exchangeable = Scalar<T> || Pair<T>;

template <class T>
concept Number = Scalar<T> && std::integral<T> && !std::same_as<T, bool>;

} // namespace percpu_detail

template <class T>
class PerCpu {
public:
    using Value = T;

    constexpr PerCpu() = default;
    constexpr explicit PerCpu(T initial) : value_{initial} {}
    PerCpu(const PerCpu&) = delete;
    PerCpu& operator=(const PerCpu&) = delete;

    // The operations below act on this CPU's copy, relaxed. Any context, once the CPU runs on its own root.
    T read() const
        requires percpu_detail::Scalar<T>
    {
        return from_word(arch::percpu_load(word()));
    }
    void write(T value)
        requires percpu_detail::Scalar<T>
    {
        arch::percpu_store(word(), to_word(value));
    }

    // Arithmetic wraps around, for signed types too.
    void add(T amount)
        requires percpu_detail::Number<T>
    {
        arch::percpu_add(word(), to_word(amount));
    }
    void sub(T amount)
        requires percpu_detail::Number<T>
    {
        arch::percpu_add(word(), negated(amount));
    }
    void inc()
        requires percpu_detail::Number<T>
    {
        add(T{1});
    }
    void dec()
        requires percpu_detail::Number<T>
    {
        sub(T{1});
    }
    // Adds `amount` and returns the new value.
    T add_return(T amount)
        requires percpu_detail::Number<T>
    {
        const auto operand = to_word(amount);
        const auto old = arch::percpu_fetch_add(word(), operand);
        return from_word(static_cast<Word>(u64{old} + u64{operand}));
    }

    void and_(T mask)
        requires percpu_detail::Number<T>
    {
        arch::percpu_fetch_clear(word(), static_cast<Word>(~to_word(mask)));
    }
    void or_(T mask)
        requires percpu_detail::Number<T>
    {
        arch::percpu_fetch_set(word(), to_word(mask));
    }

    // Writes `value` and returns the old value.
    T xchg(T value)
        requires percpu_detail::Scalar<T>
    {
        return from_word(arch::percpu_exchange(word(), to_word(value)));
    }
    // Writes `desired` if the value is `expected`. Returns the value found, which equals `expected` exactly
    // when `desired` was written. cmpxchg() and try_cmpxchg() take pairs too.
    T cmpxchg(T expected, T desired)
        requires percpu_detail::Exchangeable<T>
    {
        return from_word(arch::percpu_compare_exchange(word(), to_word(expected), to_word(desired)));
    }
    // Does what cmpxchg() does, stores the value found in `expected`, and returns whether `desired` was
    // written.
    bool try_cmpxchg(T& expected, T desired)
        requires percpu_detail::Exchangeable<T>
    {
        return was_written(cmpxchg(expected, desired), expected);
    }
    // try_cmpxchg() with release order: a CPU that acquires the value sees everything this CPU wrote before.
    // The only operation that may publish a pointer for other CPUs to follow.
    bool try_cmpxchg_release(T& expected, T desired)
        requires percpu_detail::Scalar<T>
    {
        const auto found = arch::percpu_compare_exchange_release(word(), to_word(expected), to_word(desired));
        return was_written(from_word(found), expected);
    }

    // Returns the copy of `cpu` at its global address. Accesses through it are plain: the caller excludes
    // others, or uses atomics on it.
    T& on(CpuId cpu) { return *mm::global_pointer(&value_, cpu); }
    const T& on(CpuId cpu) const { return *mm::global_pointer(&value_, cpu); }

    // Returns this CPU's copy at its global address. While the pin lives, the thread stays on this CPU.
    T& here(const Pin&) { return global_here(); }
    // Does the same for a caller that runs with interrupts masked and has no Pin, as during a switch of
    // threads: the incoming thread finds the copy of the CPU that it comes to.
    T& here_while_masked() { return global_here(); }

    // This CPU's copy at its global address, with interrupts masked for as long as the Masked lives. Plain
    // accesses through it are one step if the copy is changed only in this way: no interrupt handler comes in
    // between, and the thread does not migrate. Other CPUs only read the copy, with atomics.
    class Masked {
    public:
        explicit Masked(PerCpu& variable) : copy_{variable.global_here()} {}
        T& operator*() const { return copy_; }
        T* operator->() const { return &copy_; }

    private:
        arch::InterruptMask masked_; // declared first: the thread must not migrate once `copy_` is found
        T& copy_;
    };
    Masked masked() { return Masked{*this}; }

    // Return plain operations on this CPU's copy (mm/percpu/plain.hpp), with a pin and without one.
    PlainPerCpu<T> pinned(const Pin&) { return PlainPerCpu<T>{global_here()}; }
    PlainPerCpu<T> raw() { return PlainPerCpu<T>{global_here()}; }

    // Returns the local address, which is the same on all CPUs. For tests and dumps.
    VirtAddr local_address() const { return address_of(&value_); }

private:
    using Word = typename percpu_detail::Word<sizeof(T)>::type;

    T& global_here()
    {
        // SAFETY: this CPU's distance leads from the local address to the T in this CPU's slab.
        return *reinterpret_cast<T*>(reinterpret_cast<u64>(&value_) + arch::read_this_cpu_distance());
    }

    // SAFETY: a Word has the size of a T, kAlignment aligns it, and only asm statements access it.
    Word* word() { return reinterpret_cast<Word*>(&value_); }
    const Word* word() const { return reinterpret_cast<const Word*>(&value_); }
    static auto to_word(T value) { return std::bit_cast<Word>(value); }
    static T from_word(auto value) { return std::bit_cast<T>(value); }

    static bool was_written(T found, T& expected)
    {
        const bool written = to_word(found) == to_word(expected);
        expected = found;
        return written;
    }

    // Negates in 64 unsigned bits: a promotion to int could overflow.
    static auto negated(T amount) { return static_cast<Word>(u64{0} - u64{to_word(amount)}); }

    static constexpr std::size_t kAlignment = percpu_detail::Pair<T> ? sizeof(T)
                                              : sizeof(T) <= 8       ? std::bit_ceil(sizeof(T))
                                                                     : alignof(T);
    alignas(kAlignment) T value_{};
};

} // namespace percival
