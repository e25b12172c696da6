// SPDX-License-Identifier: BSD-2-Clause
// Tests the shadow of percpu memory: what is a finding and what is not, by every operation and by both
// addresses.
#include "kernel/wait/run_everywhere.hpp"
#include "mm/percpu/this_cpu.hpp"
#include "mm/percpu_report/report.hpp"
#include "mm/percpu_shadow/objects.hpp"
#include "mm/percpu_shadow/places.hpp"
#include "tests/kernel/support/moved_threads.hpp"
#include "tests/kernel/support/percpu_support.hpp"

namespace percival {
namespace {

using percpu::shadow::ExpectedFindings;
using percpu::shadow::Finding;
using percpu::shadow::State;
using percpu::shadow::Wrong;

template <class T>
PerCpu<T>& object_at(VirtAddr local)
{
    return *reinterpret_cast<PerCpu<T>*>(local.raw());
}

// One byte of a CPU's copy, at its global address and at its local one.
volatile u8& global_byte(VirtAddr local, CpuId cpu)
{
    return *reinterpret_cast<volatile u8*>(mm::local_to_global(local, cpu).raw());
}
volatile u8& local_byte(VirtAddr local)
{
    return *reinterpret_cast<volatile u8*>(own_address(local).raw());
}

// A reference alone is no read, even of a volatile object.
void read(const volatile u8& byte)
{
    [[maybe_unused]] const u8 value = byte;
}

State state_of(VirtAddr address)
{
    const VirtAddr own = mm::is_percpu_local(address) ? own_address(address) : address;
    return percpu::shadow::States{reinterpret_cast<u8*>(percpu::shadow::shadow_of(own).raw())}.at(0);
}

// Runs `access` and expects it to be one finding of that kind, at `byte`.
template <class Access>
void expect_finding(Wrong wrong, VirtAddr byte, Access access)
{
    const ExpectedFindings findings;
    access();
    ASSERT_EQ(findings.count(), 1u);
    EXPECT(findings.last().wrong == wrong);
    EXPECT_EQ(findings.last().byte, byte);
}

template <class Access>
void expect_no_finding(Access access)
{
    const ExpectedFindings findings;
    access();
    EXPECT_EQ(findings.count(), 0u);
}

// An object of odd size, so that bytes behind it belong to nobody.
constexpr Bytes kOdd{13};

PERCIVAL_TEST(percpu_shadow, an_access_to_an_object_is_no_finding)
{
    const Percpu object{kOdd};
    ASSERT(object);
    expect_no_finding([&] {
        for_each_possible_cpu([&](CpuId cpu) {
            global_byte(object.address(), cpu) = 1;
            global_byte(object.address() + (kOdd - Bytes{1}), cpu) = 1;
        });
        const PreemptGuard pin;
        local_byte(object.address() + (kOdd - Bytes{1})) = 2;
        object_at<u64>(object.address()).inc();
    });
}

PERCIVAL_TEST(percpu_shadow, an_overrun_by_one_byte_is_found_by_local_and_by_global_address)
{
    const Percpu object{kOdd};
    ASSERT(object);
    const VirtAddr behind = object.address() + kOdd;
    expect_finding(Wrong::OutOfBounds, own_address(behind), [&] { local_byte(behind) = 0; });
    expect_finding(Wrong::OutOfBounds, own_address(behind), [&] { read(local_byte(behind)); });
    for_each_possible_cpu([&](CpuId cpu) {
        expect_finding(Wrong::OutOfBounds, mm::local_to_global(behind, cpu),
                       [&] { global_byte(behind, cpu) = 0; });
    });
    const ExpectedFindings findings;
    object_at<u64>(object.address() + Bytes{8}).inc(); // reaches behind the end
    ASSERT_EQ(findings.count(), 1u);
    EXPECT_EQ(findings.last().byte, behind);
    ASSERT(findings.last().object.has_value());
    EXPECT_EQ(findings.last().object->base, object.address());
    EXPECT_EQ(findings.last().object->size, kOdd);
}

PERCIVAL_TEST(percpu_shadow, a_copy_beyond_the_end_is_found)
{
    const Percpu object{kOdd};
    ASSERT(object);
    std::array<u8, 16> room{};
    // The compiler must not see that nobody looks at the copies.
    const auto keep = [&room] { asm volatile("" : : "r"(room.data()) : "memory"); };
    void* const global = const_cast<u8*>(&global_byte(object.address(), kBootCpu));
    const VirtAddr behind = mm::local_to_global(object.address() + kOdd, kBootCpu);
    const u64 size = kOdd.count() + 1;
    expect_finding(Wrong::OutOfBounds, behind, [&] { __builtin_memset(global, 0, size); });
    expect_finding(Wrong::OutOfBounds, behind, [&] { __builtin_memcpy(global, room.data(), size); });
    expect_finding(Wrong::OutOfBounds, behind, [&] {
        __builtin_memcpy(room.data(), global, size);
        keep();
    });
    expect_finding(Wrong::OutOfBounds, behind, [&] {
        __builtin_memmove(room.data(), global, size);
        keep();
    });
}

PERCIVAL_TEST(percpu_shadow, a_use_after_free_is_found_by_local_and_by_global_address)
{
    // Sizes with a class: the place stays in a stock, so its page is not unmapped.
    for (const Bytes size : {Bytes{8}, kOdd, 4_KiB}) {
        const auto object = percpu::allocate(size, Bytes{8});
        ASSERT(object.has_value());
        const VirtAddr last = *object + (size - Bytes{1});
        percpu::free(*object);
        expect_finding(Wrong::UseAfterFree, *object, [&] { object_at<u64>(*object).inc(); });
        expect_finding(Wrong::UseAfterFree, own_address(last), [&] { local_byte(last) = 1; });
        for_each_possible_cpu([&](CpuId cpu) {
            expect_finding(Wrong::UseAfterFree, mm::local_to_global(last, cpu),
                           [&] { read(global_byte(last, cpu)); });
        });
    }
}

// Runs each operation of a width on bytes that were never written. Those that read make a finding, and the
// bytes count as written after those that write.
template <class T, class Prepare>
void expect_findings_of_width(PerCpu<T>& object, Prepare prepare)
{
    const VirtAddr at = object.local_address();
    const auto reads = [&](auto operation) {
        prepare();
        expect_finding(Wrong::NeverWritten, at, operation);
    };
    reads([&] { object.add(T{1}); });
    reads([&] { object.sub(T{1}); });
    reads([&] { object.add_return(T{1}); });
    reads([&] { object.and_(T{1}); });
    reads([&] { object.or_(T{1}); });
    reads([&] { object.xchg(T{1}); });
    reads([&] { object.cmpxchg(T{1}, T{2}); });
    T expected{1};
    reads([&] { object.try_cmpxchg_release(expected, T{2}); });
    expect_no_finding([&] { static_cast<void>(object.read()); });
    reads([&] { static_cast<void>(object.read()); });
    prepare();
    expect_no_finding([&] {
        object.write(T{3});
        object.inc();
    });
}

template <class T>
void expect_findings_of_new_objects()
{
    const auto place = percpu::allocate_for_overwrite(Bytes{sizeof(T)}, Bytes{sizeof(T)});
    ASSERT(place.has_value());
    const auto renew = [&] {
        percpu::shadow::allocate_object(*place, Bytes{sizeof(T)}, Bytes{sizeof(T)}, State::NeverWritten);
    };
    {
        const PreemptGuard pin;
        expect_findings_of_width(object_at<T>(*place), renew);
    }
    percpu::free(*place);
}

PERCIVAL_TEST(percpu_shadow, every_operation_that_reads_bytes_never_written_is_found)
{
    expect_findings_of_new_objects<u32>();
    expect_findings_of_new_objects<u64>();
    expect_findings_of_new_objects<s64>();
}

PERCIVAL_PERCPU PerCpu<u8> static_byte{};
PERCIVAL_PERCPU PerCpu<u16> static_half{};
PERCIVAL_PERCPU PerCpu<u64> static_word{};

template <class T>
void set_state(PerCpu<T>& variable, State state)
{
    percpu::shadow::allocate_object(variable.local_address(), Bytes{sizeof(T)}, Bytes{sizeof(T)}, state);
}

PERCIVAL_TEST(percpu_shadow, small_and_static_operands_are_checked_with_their_own_width)
{
    {
        const PreemptGuard pin;
        expect_findings_of_width(static_byte, [] { set_state(static_byte, State::NeverWritten); });
        expect_findings_of_width(static_half, [] { set_state(static_half, State::NeverWritten); });
        set_state(static_word, State::NeverWritten);
        expect_finding(Wrong::NeverWritten, static_word.local_address(),
                       [] { static_cast<void>(this_cpu<static_word>.read()); });
        expect_no_finding([] {
            this_cpu<static_word>.write(1);
            static_cast<void>(this_cpu<static_word>.read());
        });
    }
    set_state(static_byte, State::Written);
    set_state(static_half, State::Written);
    set_state(static_word, State::Written);
}

PERCIVAL_TEST(percpu_shadow, a_pair_that_was_never_written_is_found)
{
    using Pair = arch::PercpuPair;
    const auto place = percpu::allocate_for_overwrite(Bytes{sizeof(Pair)}, Bytes{sizeof(Pair)});
    ASSERT(place.has_value());
    auto& pair = object_at<Pair>(*place);
    {
        const PreemptGuard pin;
        expect_finding(Wrong::NeverWritten, *place, [&] { pair.cmpxchg({1, 2}, {3, 4}); });
        expect_no_finding([&] { pair.cmpxchg({1, 2}, {3, 4}); });
    }
    percpu::free(*place);
}

PERCIVAL_TEST(percpu_shadow, each_cpu_has_states_of_its_own)
{
    const auto place = percpu::allocate_for_overwrite(Bytes{8}, Bytes{8});
    ASSERT(place.has_value());
    global_byte(*place, kBootCpu) = 1; // one byte of one copy
    const ExpectedFindings findings;
    run_everywhere([&](CpuId cpu) {
        EXPECT(state_of(*place) == (cpu == kBootCpu ? State::Written : State::NeverWritten));
        EXPECT(state_of(*place + Bytes{1}) == State::NeverWritten);
        if (cpu != kBootCpu)
            object_at<u64>(*place).write(1);
    });
    for_each_online_cpu([&](CpuId cpu) {
        const VirtAddr last = mm::local_to_global(*place, cpu) + Bytes{7};
        EXPECT(state_of(last) == (cpu == kBootCpu ? State::NeverWritten : State::Written));
    });
    EXPECT_EQ(findings.count(), 0u);
    percpu::free(*place);
}

// Threads are moved at any instruction, also between the check of a store and the store.
PERCIVAL_TEST(percpu_shadow, a_moved_store_notes_the_copy_that_it_writes)
{
    SKIP_ABOVE_MAX_MOVED_CPUS();
    const auto place = percpu::allocate_for_overwrite(Bytes{8}, Bytes{8});
    ASSERT(place.has_value());
    // Every turn starts a new life of one CPU's copy: a value that nobody writes, and no byte written.
    u64 unlike = 0;
    for (u32 turn = 0; turn < 20; ++turn) {
        percpu::shadow::allocate_object(*place, Bytes{8}, Bytes{8}, State::Written);
        for_each_possible_cpu([&](CpuId cpu) { object_at<u64>(*place).on(cpu) = ~u64{0}; });
        percpu::shadow::allocate_object(*place, Bytes{8}, Bytes{8}, State::NeverWritten);
        while_moved(4 * thread_count(), thread_count(), [&](u32) { object_at<u64>(*place).write(1); });
        for_each_possible_cpu([&](CpuId cpu) {
            const bool is_noted = state_of(mm::local_to_global(*place, cpu)) == State::Written;
            unlike += is_noted != (object_at<u64>(*place).on(cpu) == 1) ? 1 : 0;
        });
    }
    EXPECT_EQ(unlike, 0u);
    percpu::free(*place);
}

PERCIVAL_TEST(percpu_shadow, a_new_object_ends_where_it_was_asked_to_and_a_freed_one_is_freed)
{
    const arch::InterruptMask masked; // the stock returns the same place
    const auto before = percpu::allocate_atomic(Bytes{64}, Bytes{64});
    ASSERT(before.has_value());
    percpu::free(*before);
    EXPECT(state_of(*before) == State::Freed);
    const auto zeroed = percpu::allocate_atomic(Bytes{62}, Bytes{64});
    ASSERT(zeroed.has_value());
    EXPECT(state_of(*zeroed + Bytes{61}) == State::Written);
    EXPECT(state_of(*zeroed + Bytes{62}) == State::Unallocated);
    percpu::free(*zeroed);
}

// Ends in a panic whose report has the backtraces of the access, of the allocation and of the free.
PERCIVAL_TEST_MANUAL(percpu_shadow, uses_an_object_after_its_free)
{
    const auto object = percpu::create<u64>();
    ASSERT(object.has_value());
    percpu::destroy(*object);
    (*object)->inc();
}

PERCIVAL_TEST_MANUAL(percpu_shadow, overruns_an_object_by_its_global_address)
{
    const Percpu object{kOdd};
    ASSERT(object);
    global_byte(object.address() + kOdd, kBootCpu) = 1;
}

} // namespace
} // namespace percival
