// SPDX-License-Identifier: BSD-2-Clause
// A machine of a few CPUs, on which the kernel's own sources run. Everything that happens on it follows from
// a seed.
//
// Each CPU executes a context (a kernel thread is one). The program is instrumented: before each load and
// store and in each basic block, the machine may stop the CPU and let another one go on. So CPUs interleave
// anywhere, in sequentially consistent memory. tests/host/memory_order is for weaker memory.
//
// Time is exact. Code takes no time, however CPUs interleave. The clock moves only when every CPU waits for
// an interrupt, spins in vain, or is in compute(), which is how a thread spends time; then it moves to the
// next event. The run fails when there is none, or when it takes more than a hundred seconds. A CPU that
// spins and reads the clock sees every count of it, or every n-th if the test says so.
//
// An interrupt is taken where it is not masked: at once if the CPU waits, spins or computes, and otherwise
// soon. The state of the kernel is as at the start of the program when a run begins.
#pragma once

#include "kernel/lib/types.hpp"
#include "kernel_machine/support/aside.hpp"
#include "kernel_machine/support/fiber_context.hpp"

#include <array>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace percival::testing {

inline constexpr u32 kMaxMachineCpus = 12;
inline constexpr u32 kIpis = 5;
inline constexpr u64 kNever = ~u64{0};

// The frequency of the clock. A count is a microsecond.
inline constexpr u64 kCountsPerSecond = 1'000'000;

// What the machine calls back. All but handle_interrupt() run outside of any CPU.
struct Software {
    std::function<void()> handle_interrupt; // interrupts masked
    std::function<std::string()> at_rest;   // before the clock moves: returns what is wrong, or nothing
    std::function<std::string()> describe;  // describes the threads, when a run fails
};

class Machine {
public:
    Machine(u32 cpus, u64 seed, Software software);
    ~Machine();
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    // Runs until end() is called. Returns what went wrong, or nothing.
    std::string run();
    // Ends the run. On a CPU.
    [[noreturn]] void end();
    // Ends the run, which has failed. From outside of any CPU, it returns.
    void fail(const std::string& why);

    u32 cpus() const { return static_cast<u32>(cpus_.size()); }
    u64 now() const { return now_; }
    u64 choose(u64 count) { return random() % count; }

    // Turns CPU `index` on. It executes a new context on `stack`, interrupts masked.
    void turn_on(u32 index, std::byte* stack, void (*entry)(), void* thread_pointer);
    bool is_off(u32 cpu) const { return cpus_[cpu].state == State::Off; }
    FiberContext& new_context(std::byte* stack, void (*entry)());

    // --- On a CPU

    u32 executing() const { return executing_; }
    // Returns whether a CPU executes, and not the machine between its steps.
    bool is_on_cpu() const { return on_cpu_; }
    void*& thread_pointer() { return cpus_[executing_].thread_pointer; }
    void* switch_context(FiberContext*& save, FiberContext& next, void* thread_pointer, void* before);
    // Called first by the entry of a context. Returns what the context that continued it passed on.
    void* begin_context();
    [[noreturn]] void turn_off();

    // Each is one instruction of a CPU: the thread does not move in the middle.
    bool interrupts_masked() const;
    void mask_interrupts();
    void unmask_interrupts();
    void wait_for_interrupt();
    void relax(const void* site);
    // A CPU that spins has done something for which others may wait.
    void make_progress() { made_progress(); }
    // Spends time on the CPU: `counts` in all, however often the thread is interrupted or replaced.
    void compute(u64 counts);
    u64 read_clock();
    // From now on a CPU that spins and reads the clock sees only the multiples of `counts`, besides the times
    // of other events: else a time limit of seconds takes millions of steps.
    void set_spin_step(u64 counts) { spin_step_ = counts; }
    // From now on the count that a CPU reads stands still, or goes on.
    void stop_count() { stopped_count_ = now_; }
    void resume_count() { stopped_count_.reset(); }

    void send_ipi(u32 cpu, u32 ipi);
    void set_alarm(u64 when) { cpus_[executing_].alarm = when; }
    bool alarm_rings() const { return cpus_[executing_].alarm <= now_; }
    u64 alarm_of(u32 cpu) const { return cpus_[cpu].alarm; }
    void mute_alarm(bool muted) { cpus_[executing_].muted = muted; }
    void enable_alarm_interrupt(bool enabled) { cpus_[executing_].alarm_enabled = enabled; }
    bool alarm_interrupt_enabled() const { return cpus_[executing_].alarm_enabled; }
    // Takes a pending interrupt: the number of the IPI, kIpis for the alarm, or more if there is none.
    u32 acknowledge();
    void complete_alarm() { cpus_[executing_].alarm_active = false; }
    // Starts and stops taking interrupts. A CPU that is turned on takes none at first.
    void connect() { cpus_[executing_].connected = true; }
    void disconnect() { cpus_[executing_].connected = false; }
    bool is_connected(u32 cpu) const { return cpus_[cpu].connected; }

    // Calls `before` before each store of four bytes to `address`, in one step with the store. There is one
    // such address at a time, or none: null.
    void watch_stores(const void* address, std::function<void()> before);

    // How often a CPU has slept in wait_for_interrupt().
    u64 sleeps(u32 cpu) const { return cpus_[cpu].sleeps; }
    bool sleeps_now(u32 cpu) const { return cpus_[cpu].state == State::Waits; }
    bool masks(u32 cpu) const { return cpus_[cpu].masked; }
    // How many counts a CPU has computed.
    u64 computed(u32 cpu) const
    {
        const Aside aside; // one step: the CPU goes on between two loads
        const Cpu& each = cpus_[cpu];
        return each.computed + (each.state == State::Computes ? now_ - each.busy_since : 0);
    }
    void* thread_pointer_of(u32 cpu) const { return cpus_[cpu].thread_pointer; }

    // Executes `f` as if on `cpu`, outside of the run.
    template <class F>
    auto as(u32 cpu, F f)
    {
        struct Restore {
            Machine& machine;
            u32 executing;
            ~Restore() { machine.executing_ = executing; }
        } restore{*this, executing_};
        executing_ = cpu;
        return f();
    }

    // Called after the steps of a slice.
    void stop_here();

private:
    enum class State : u8 { Off, Runs, Spins, Waits, Computes };

    // A CPU spins in vain once it has come to the same relax() so often, with few steps in between, and no
    // other CPU has done anything.
    static constexpr u32 kSpinsInVain = 8;
    static constexpr u64 kStepsOfSpinning = 20'000;
    // More pauses than this without the clock moving: the kernel does not come to rest.
    static constexpr u64 kMaxPausesAtOneTime = 500'000;

    struct Cpu {
        State state{State::Off};
        FiberContext* context{nullptr};
        void* thread_pointer{nullptr};
        bool masked{true};
        bool connected{false};
        std::array<bool, kIpis> ipis{};
        u64 alarm{kNever};
        bool alarm_enabled{false};
        bool alarm_active{false};
        bool muted{false};
        u64 busy_since{0};
        u64 busy_until{0};
        const void* spin_site{nullptr};
        u32 spins{0};
        bool has_looked_alone{false}; // since anybody made progress
        u64 points{0};                // executed since it last spun
        bool reads_clock{false};
        u64 sleeps{0};
        u64 computed{0};
    };

    u64 random();
    bool alarm_pending(const Cpu& cpu) const;
    bool pending(const Cpu& cpu) const;
    bool can_go_on(const Cpu& cpu) const;
    void made_progress();
    bool let_one_look_alone();
    void begin_slice();
    void pause(State state);
    void take_interrupts();
    bool advance();
    u64 next_event() const;
    std::string describe() const;

    std::vector<Cpu> cpus_;
    Software software_;
    u64 random_state_;
    u64 mean_slice_;
    u64 slice_{0};
    u64 now_{1000};
    std::optional<u64> stopped_count_;
    u64 spin_step_{1};
    u64 at_this_time_{0};
    u32 executing_{0};
    bool on_cpu_{false};
    bool ended_{false};
    std::string failure_;
    FiberContext outside_;
    std::deque<FiberContext> contexts_;
};

// The machine of the run. There is one at a time.
Machine& machine();

} // namespace percival::testing
