// SPDX-License-Identifier: BSD-2-Clause
// Runs the kernel's own concurrent code on simulated CPUs with weakly ordered memory, and explores what may
// happen.
//
// How it works. The code is compiled with -fsanitize=thread, so each of its accesses to memory calls a
// function first. Those functions (support/hooks.cpp) are not the sanitizer's but the explorer's. Each
// simulated CPU is a fiber. Before each access that another CPU may notice, the explorer decides which CPU
// goes on, whether a store stays invisible for a while, which of the visible stores a load reads, and whether
// a CPU takes a pending interrupt. Time does not exist. A failing schedule is printed step by step.
//
// Memory model. All stores that have become visible stand in one history (support/weak_memory.hpp).
//
//   plain, relaxed   A store may become visible late, even after later stores of its CPU to other locations.
//                    A load may read any message that is not older than what its CPU must have seen.
//   acquire          Later loads see at least the memory of the time of the message that was read.
//   release          A store becomes visible after all earlier stores of its CPU.
//   seq_cst          A load waits for the CPU's own seq_cst stores and sees at least the latest of them. Both
//                    orders above hold, too.
//   fences           Acquire (and DMB LD) orders earlier loads before later accesses. Release (and DMB ST)
//                    orders earlier stores before later ones. Seq_cst (and DMB, DSB) waits for the CPU's own
//                    stores; later loads see at least what the CPU has read or written. DSB ST waits, too;
//                    later loads see at least what the CPU has written.
//   read-modify-     Reads the newest message, and its store is visible at once: it may pass earlier stores
//   write            if it does not release. A compare-exchange that fails may read an older message.
//
// The memory is multi-copy atomic. What is stronger than Arm: no load is executed after a later store (no
// load buffering), no read-modify-write becomes visible after a later store, and exclusives do not fail
// without a reason. So no scenario shows what a release does for earlier loads and read-modify-writes. What
// is weaker: an acquire load does not wait for an earlier release store (LDAPR instead of LDAR), and
// dependencies order nothing.
//
// Search. explore() goes depth first through all schedules within its Bounds, those with the fewest
// deviations first, and says so if it has to give up. explore_at_random() draws schedules by seed, without
// bounds. A CPU that polls (arch::relax()) waits until something that it read has a newer value; if all CPUs
// wait, that is a deadlock. A CPU that waits takes interrupts; elsewhere an interrupt is a preemption. A late
// store becomes visible when another CPU is about to access its bytes or waits for them, or when its own CPU
// cannot go on before: at all other times, staying late a little longer allows as much.
//
// A scenario is a class. The explorer makes a new object for each schedule, always at the same address, and
// undoes what the code wrote to static variables:
//
//   static constexpr u32 kCpus         the number of CPUs
//   Scenario()                         sets everything up; nothing is interleaved yet
//   void run(u32 cpu)                  does what that CPU does; then the CPU only takes interrupts
//   std::string verdict()              called at the end: returns what is wrong, or an empty string
//
// To add a scenario, write a *_test.cpp in this folder, and name the kernel's sources that it needs in
// tests/host/CMakeLists.txt. What the code needs from below is in doubles/.
#pragma once

#include "memory_order/support/choices.hpp"
#include "memory_order/support/orders.hpp"
#include "memory_order/support/touched_memory.hpp"
#include "memory_order/support/trace.hpp"
#include "memory_order/support/weak_memory.hpp"
#include "support/fiber.hpp"

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace percival::testing {

// How far from a sequentially consistent run without preemptions a schedule may be.
struct Bounds {
    u32 preemptions{3};
    u32 late_stores{2};
    u32 stale_reads{2};
    u32 deviations{7};      // all of these together
    u64 schedules{300'000}; // more are a failure
};

struct OrderExplored {
    u64 schedules{0};
    std::string failure; // of the first schedule that failed, with its steps
};

inline constexpr std::string_view kTooManySchedules = "too many schedules";

class OrderExplorer {
public:
    static constexpr u32 kMaxCpus = 8;
    static constexpr u32 kMaxSteps = 5'000; // of a schedule

    template <class Scenario>
    OrderExplored explore(const Bounds& bounds = {})
    {
        return explore(operations<Scenario>(), bounds);
    }
    template <class Scenario>
    OrderExplored explore_at_random(u64 seed, u64 schedules)
    {
        return explore_at_random(operations<Scenario>(), seed, schedules);
    }

    // --- For scenarios and doubles of the layers below the kernel's code

    u32 executing() const { return executing_; }
    bool is_running() const { return running_; }
    // Ends the schedule as a failure.
    [[noreturn]] void fail(std::string what);
    // Waits until something that this CPU has read since its last poll() has changed.
    void poll(const void* pc);
    // `frame` is the frame of the function that the code has called for the fence.
    void fence(Fence fence, const void* frame);
    // What the code asks for, and goes without.
    Orders& orders() { return orders_; }
    // Makes `handler` an interrupt of `cpu` that is pending. The handler sees the caller's earlier stores. It
    // runs once for all calls that come before it begins, as for an SGI.
    void interrupt(u32 cpu, void (*handler)(), const void* pc);
    void mask_interrupts() { ++cpu().masks; }
    void unmask_interrupts() { --cpu().masks; }
    bool interrupts_masked() { return cpu().masks != 0; }
    // From now on, touching the object is a failure.
    void say_gone(const void* object, std::size_t size);
    // Returns the value that everybody may see by now: what a table walk finds.
    u64 visible(const u64* word) const { return read_bytes({reinterpret_cast<Address>(word), 8}); }
    // Returns the memory of the thread that the executing CPU runs: zeros when a schedule begins.
    void* thread() { return cpu().thread.data(); }

    // --- For the hooks: accesses of the instrumented code

    // Precede the access itself.
    void before_load(Address address, u32 size, const void* pc);
    void before_store(Address address, u32 size, const void* pc);
    // Do the access. `update` returns the value to store, or nothing if the access fails.
    u64 load(Span span, Order order, const void* pc);
    void store(Span span, u64 value, Order order, const void* pc);
    u64 update(Span span, Order order, Order failed, std::function<std::optional<u64>(u64)> change,
               const void* pc);
    // The first thing that every hook does: completes what before_load() and before_store() began, and notes
    // where the stack of the instrumented code ends. `frame` is that of the hook.
    void enter(const void* frame);
    // Ends the life of the local objects of the function that has called the hook.
    void leave(const void* frame);
    void settle();

private:
    static constexpr std::size_t kStack = std::size_t{256} << 10; // of a Fiber
    struct Operations {
        u32 cpus;
        std::function<void()> set_up;
        std::function<void(u32)> run;
        std::function<std::string()> verdict;
        std::function<void()> tear_down;
    };
    struct Interrupt {
        void (*handler)();
        Time sent;
    };
    struct Read {
        Span span;
        Time time;
    };
    // The step before which a CPU waits.
    struct Step {
        enum class Kind : u8 {
            None,
            Load,
            SequentialLoad,
            Store,
            Update,
            ReleasingUpdate,
            Fence,
            Poll,
            Idle
        };
        Kind kind{Kind::None};
        Span span{0, 0};
    };
    struct Cpu {
        std::unique_ptr<Fiber> fiber{};
        Step step{};
        bool idle{false};
        Address stack_base{0};
        Address stack_pointer{0}; // of the instrumented code while it waits before a step
        u32 masks{0};
        bool takes_interrupt{false};
        std::vector<Interrupt> interrupts{};
        std::vector<Read> reads{}; // since the last poll
        alignas(64) std::array<std::byte, 1024> thread{};
    };
    struct Action {
        enum class Kind : u8 { Go, Interrupt, Drain };
        Kind kind;
        u32 cpu;
        std::size_t late;
        bool preempts;
    };

    template <class Scenario>
    Operations operations()
    {
        static_assert(Scenario::kCpus <= kMaxCpus);
        const auto room = [] { return static_cast<Scenario*>(scenario_room<Scenario>()); };
        return {Scenario::kCpus, [=] { new (room()) Scenario; }, [=](u32 cpu) { room()->run(cpu); },
                [=] { return room()->verdict(); }, [=] { room()->~Scenario(); }};
    }
    template <class Scenario>
    static void* scenario_room()
    {
        alignas(Scenario) static std::array<std::byte, sizeof(Scenario)> room;
        return room.data();
    }

    OrderExplored explore(const Operations& scenario, const Bounds& bounds);
    void explore_within_bounds(const Operations& scenario, OrderExplored& result);
    OrderExplored explore_at_random(const Operations& scenario, u64 seed, u64 schedules);
    std::string run_schedule(const Operations& scenario);
    void run_cpus(const Operations& scenario);
    void live(u32 cpu, const Operations& scenario);
    void resume(u32 cpu);

    Cpu& cpu() { return cpus_[executing_]; }
    Observer& self() { return memory_->observer(executing_); }
    // Waits until the explorer lets this CPU take its step.
    void wait_before(Step step);
    std::vector<Action> actions();
    // Returns whether the bounds leave another deviation of this kind.
    bool may_deviate(u32 Bounds::* kind);
    void deviate(u32 Bounds::* kind);
    // Decides who goes on, and lets late stores become visible. Returns nothing if nobody can.
    std::optional<Action> decide();
    bool is_ready(u32 cpu);
    bool has_news(u32 cpu);
    bool is_awaited(u32 cpu, std::size_t late);
    bool is_next_for_others(u32 cpu, const LateStore& store);
    void serve_interrupt();
    void drain(u32 cpu, std::size_t index);

    // Records the access. Returns whether another CPU may notice it.
    bool is_step(Span span, bool writes);
    void complain(std::string what);
    // Returns whether the bytes are of a function on the stack of `cpu` that has returned.
    bool is_dead_stack(u32 cpu, Span span) const;
    bool is_on_stack(Span span, Address end);
    void check_alive(Span span);
    bool becomes_late(Span span, bool after_all);
    void store_now(Cell& cell, u64 value, Order order, const void* pc);
    void store_late(const Cell& cell, u64 value, Order order, const void* pc);
    u64 read(const Cell& cell, Order order, bool newest_only, const void* pc);
    void do_fence(Fence fence, const void* pc);
    void note(const char* what, Span span, u64 value, const void* pc, const char* how = "");

    Choices choices_;
    Bounds bounds_{};
    Bounds left_{};
    // Whether more deviations would have been possible in one of the schedules so far.
    bool has_bound_deviations_{false};
    TouchedMemory touched_;
    Trace trace_;
    Orders orders_;
    std::optional<WeakMemory> memory_;
    std::array<Cpu, kMaxCpus> cpus_{};
    u32 cpu_count_{0};
    u32 executing_{0};
    u32 steps_{0};
    bool preparing_{false};
    bool starting_{false};
    bool running_{false};
    bool in_fiber_{false};
    std::optional<Action> next_; // what a CPU has decided for another
    std::string failure_;

    // What settle() completes.
    struct PlainStore {
        Span span;
        bool late;
        const void* pc;
    };
    std::vector<PlainStore> plain_stores_;
    std::vector<Span> plain_loads_; // where the real memory shows what the load is to read
};

// The explorer that tests and hooks use: there is one, as there is one real memory.
OrderExplorer& order_explorer();

} // namespace percival::testing
