// SPDX-License-Identifier: BSD-2-Clause
// The functions that code compiled with -fsanitize=thread calls before each access (LLVM's
// ThreadSanitizer.cpp emits the calls). They hand the accesses to the explorer.
#include "memory_order/support/order_explorer.hpp"

#include <atomic>
#include <cstring>

using namespace percival;
using namespace percival::testing;

namespace {

// The sanitizer's codes for memory orders are those of __ATOMIC_*.
Order order_of(int code)
{
    switch (code) {
    case __ATOMIC_RELAXED:
        return Order::Relaxed;
    case __ATOMIC_CONSUME:
    case __ATOMIC_ACQUIRE:
        return Order::Acquire;
    case __ATOMIC_RELEASE:
        return Order::Release;
    case __ATOMIC_ACQ_REL:
        return Order::AcqRel;
    default:
        return Order::SeqCst;
    }
}

Address address_of_pointer(const volatile void* pointer)
{
    return reinterpret_cast<Address>(pointer);
}

const void* return_address(const void* frame)
{
    return static_cast<const void* const*>(frame)[1];
}

// In all of these, `frame` is that of the hook.
void before_load(const void* pointer, u32 size, const void* frame)
{
    order_explorer().enter(frame);
    order_explorer().before_load(address_of_pointer(pointer), size, return_address(frame));
}
void before_store(const void* pointer, u32 size, const void* frame)
{
    order_explorer().enter(frame);
    order_explorer().before_store(address_of_pointer(pointer), size, return_address(frame));
}

// Returns the order that the code asks for, or what remains of it.
Order remaining(int code, const void* frame)
{
    OrderExplorer& explorer = order_explorer();
    return explorer.is_running() ? explorer.orders().remaining(order_of(code), frame) : order_of(code);
}
template <class T>
T load(const volatile T* pointer, int order, const void* frame)
{
    order_explorer().enter(frame);
    return static_cast<T>(order_explorer().load({address_of_pointer(pointer), sizeof(T)},
                                                remaining(order, frame), return_address(frame)));
}
template <class T>
void store(volatile T* pointer, T value, int order, const void* frame)
{
    order_explorer().enter(frame);
    order_explorer().store({address_of_pointer(pointer), sizeof(T)}, value, remaining(order, frame),
                           return_address(frame));
}
template <class T, class Change>
T update(volatile T* pointer, int order, const void* frame, Change change)
{
    order_explorer().enter(frame);
    const auto whole = [&](u64 old) {
        return std::optional<u64>{static_cast<T>(change(static_cast<T>(old)))};
    };
    const Span span{address_of_pointer(pointer), sizeof(T)};
    return static_cast<T>(
        order_explorer().update(span, remaining(order, frame), Order::Relaxed, whole, return_address(frame)));
}
template <class T>
bool compare_exchange(volatile T* pointer, T* expected, T desired, int order, int failed, const void* frame)
{
    order_explorer().enter(frame);
    const T wanted = *expected;
    const auto change = [&](u64 old) {
        return static_cast<T>(old) == wanted ? std::optional<u64>{desired} : std::nullopt;
    };
    const Span span{address_of_pointer(pointer), sizeof(T)};
    *expected = static_cast<T>(order_explorer().update(
        span, remaining(order, frame), remaining(failed, frame), change, return_address(frame)));
    return *expected == wanted;
}

// Copies as many single accesses would.
void copy(void* to, const void* from, std::size_t size, const void* frame)
{
    for (std::size_t done = 0; done < size;) {
        const std::size_t step = size - done < 8 ? size - done : 8;
        std::array<char, 8> word{};
        before_load(static_cast<const char*>(from) + done, static_cast<u32>(step), frame);
        std::memcpy(word.data(), static_cast<const char*>(from) + done, step);
        before_store(static_cast<char*>(to) + done, static_cast<u32>(step), frame);
        std::memcpy(static_cast<char*>(to) + done, word.data(), step);
        done += step;
    }
    order_explorer().settle();
}

} // namespace

#define FRAME __builtin_frame_address(0)

extern "C" {

void __tsan_init() {}
void __tsan_func_entry(void*)
{
    order_explorer().enter(FRAME);
}
void __tsan_func_exit()
{
    order_explorer().leave(FRAME);
}

#define PLAIN(size)                                  \
    void __tsan_read##size(void* pointer)            \
    {                                                \
        before_load(pointer, size, FRAME);           \
    }                                                \
    void __tsan_write##size(void* pointer)           \
    {                                                \
        before_store(pointer, size, FRAME);          \
    }                                                \
    void __tsan_unaligned_read##size(void* pointer)  \
    {                                                \
        before_load(pointer, size, FRAME);           \
    }                                                \
    void __tsan_unaligned_write##size(void* pointer) \
    {                                                \
        before_store(pointer, size, FRAME);          \
    }                                                \
    void __tsan_volatile_read##size(void* pointer)   \
    {                                                \
        before_load(pointer, size, FRAME);           \
    }                                                \
    void __tsan_volatile_write##size(void* pointer)  \
    {                                                \
        before_store(pointer, size, FRAME);          \
    }                                                \
    void __tsan_read_write##size(void* pointer)      \
    {                                                \
        before_load(pointer, size, FRAME);           \
        before_store(pointer, size, FRAME);          \
    }
PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)
#undef PLAIN

void __tsan_vptr_update(void** pointer, void*)
{
    before_store(static_cast<const void*>(pointer), 8, FRAME);
}
void __tsan_vptr_read(void** pointer)
{
    before_load(static_cast<const void*>(pointer), 8, FRAME);
}
void __tsan_read_range(void* pointer, unsigned long size)
{
    before_load(pointer, static_cast<u32>(size), FRAME);
}
void __tsan_write_range(void* pointer, unsigned long size)
{
    before_store(pointer, static_cast<u32>(size), FRAME);
}

void* __tsan_memcpy(void* to, const void* from, unsigned long size)
{
    copy(to, from, size, FRAME);
    return to;
}
void* __tsan_memmove(void* to, const void* from, unsigned long size)
{
    if (address_of_pointer(to) - address_of_pointer(from) < size && to != from) {
        // From the end on, so that nothing is overwritten before it is read.
        for (std::size_t left = size; left-- > 0;)
            copy(static_cast<char*>(to) + left, static_cast<const char*>(from) + left, 1, FRAME);
    } else {
        copy(to, from, size, FRAME);
    }
    return to;
}
void* __tsan_memset(void* to, int value, unsigned long size)
{
    for (unsigned long done = 0; done < size;) {
        const unsigned long step = size - done < 8 ? size - done : 8;
        before_store(static_cast<char*>(to) + done, static_cast<u32>(step), FRAME);
        std::memset(static_cast<char*>(to) + done, value, step);
        done += step;
    }
    order_explorer().settle();
    return to;
}

#define ATOMIC(bits, T)                                                                                     \
    T __tsan_atomic##bits##_load(const volatile T* pointer, int order)                                      \
    {                                                                                                       \
        return load(pointer, order, FRAME);                                                                 \
    }                                                                                                       \
    void __tsan_atomic##bits##_store(volatile T* pointer, T value, int order)                               \
    {                                                                                                       \
        store(pointer, value, order, FRAME);                                                                \
    }                                                                                                       \
    T __tsan_atomic##bits##_exchange(volatile T* pointer, T value, int order)                               \
    {                                                                                                       \
        return update(pointer, order, FRAME, [=](T) { return value; });                                     \
    }                                                                                                       \
    T __tsan_atomic##bits##_fetch_add(volatile T* pointer, T value, int order)                              \
    {                                                                                                       \
        return update(pointer, order, FRAME, [=](T old) { return old + value; });                           \
    }                                                                                                       \
    T __tsan_atomic##bits##_fetch_sub(volatile T* pointer, T value, int order)                              \
    {                                                                                                       \
        return update(pointer, order, FRAME, [=](T old) { return old - value; });                           \
    }                                                                                                       \
    T __tsan_atomic##bits##_fetch_and(volatile T* pointer, T value, int order)                              \
    {                                                                                                       \
        return update(pointer, order, FRAME, [=](T old) { return old & value; });                           \
    }                                                                                                       \
    T __tsan_atomic##bits##_fetch_or(volatile T* pointer, T value, int order)                               \
    {                                                                                                       \
        return update(pointer, order, FRAME, [=](T old) { return old | value; });                           \
    }                                                                                                       \
    T __tsan_atomic##bits##_fetch_xor(volatile T* pointer, T value, int order)                              \
    {                                                                                                       \
        return update(pointer, order, FRAME, [=](T old) { return old ^ value; });                           \
    }                                                                                                       \
    T __tsan_atomic##bits##_fetch_nand(volatile T* pointer, T value, int order)                             \
    {                                                                                                       \
        return update(pointer, order, FRAME, [=](T old) { return ~(old & value); });                        \
    }                                                                                                       \
    int __tsan_atomic##bits##_compare_exchange_strong(volatile T* pointer, T* expected, T desired,          \
                                                      int order, int failed)                                \
    {                                                                                                       \
        return compare_exchange(pointer, expected, desired, order, failed, FRAME);                          \
    }                                                                                                       \
    int __tsan_atomic##bits##_compare_exchange_weak(volatile T* pointer, T* expected, T desired, int order, \
                                                    int failed)                                             \
    {                                                                                                       \
        return compare_exchange(pointer, expected, desired, order, failed, FRAME);                          \
    }                                                                                                       \
    T __tsan_atomic##bits##_compare_exchange_val(volatile T* pointer, T expected, T desired, int order,     \
                                                 int failed)                                                \
    {                                                                                                       \
        compare_exchange(pointer, &expected, desired, order, failed, FRAME);                                \
        return expected;                                                                                    \
    }
ATOMIC(8, u8)
ATOMIC(16, u16)
ATOMIC(32, u32)
ATOMIC(64, u64)
#undef ATOMIC

void __tsan_atomic_thread_fence(int order)
{
    OrderExplorer& explorer = order_explorer();
    const Order wanted = order_of(order);
    if (wanted == Order::SeqCst)
        return explorer.fence(Fence::Full, FRAME);
    if (wanted == Order::Acquire || wanted == Order::AcqRel)
        explorer.fence(Fence::Acquire, FRAME);
    if (wanted == Order::Release || wanted == Order::AcqRel)
        explorer.fence(Fence::Release, FRAME);
}
void __tsan_atomic_signal_fence(int) {}

} // extern "C"
