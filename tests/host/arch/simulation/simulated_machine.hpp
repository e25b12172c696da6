// SPDX-License-Identifier: BSD-2-Clause
// A machine of several CPUs with TLBs, for testing what edits translation tables. It runs no instructions:
// the code under test does, through the host's arch headers, and the machine knows at every moment what the
// architecture allows each CPU's TLB to hold, and each walk to see:
//
//   - a walker may see a stored descriptor at once, or its former value until a DSB for stores follows, by the CPU that
//     stored it or by one that has seen it meanwhile (other-multi-copy atomicity, Arm ARM B2.3);
//   - a TLB may have fetched any valid entry as soon as it could be seen, without anybody asking, table entries too (walk
//     caches), and may keep it until a TLBI that covers it was issued after that DSB, and a full DSB completed it;
//   - the CPU that made the change may be ahead of both until its ISB;
//   - an entry of a contiguous run may be cached for the whole run.
//
// So it is not one TLB model picked at random but all of them at once: access() says what a CPU may get, and
// complains when that is not one answer. What can never be right is a violation at the moment it happens: see
// the texts below.
//
// With set_completes_tlbi_early() it has the erratum that needs_repeated_tlbi() is about: a broadcast TLBI and its
// DSB remove an entry, but accesses made through it may still be under way, until another such pair.
//
// CPUs take turns at any point: whoever wants to interleave them is told before each step (on_step).
//
// With share_tlbs() the CPUs use each other's entries, as they may with CnP = 1 (Arm ARM D8.15.1).
#pragma once

#include "arch/simulation/simulated_memory.hpp"
#include "arch/simulation/simulated_pte.hpp"
#include "arch/simulation/simulation.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace percival::arch {

// What one access comes to: an address and attributes, or a fault.
struct Outcome {
    std::optional<PhysAddr> address;
    mm::Attributes attributes{};
    friend bool operator==(const Outcome&, const Outcome&) = default;
};

template <class G>
class SimulatedMachine final : public Simulation {
public:
    using Pte = SimulatedPte;
    using Kind = mm::PteKind;
    using Level = mm::Level;
    using CpuMask = u32;

    // Installs itself as the calling thread's machine; CPU 0 executes.
    SimulatedMachine(u32 cpus, u64 table_pages)
        : memory_{G::kPageSize, table_pages}, roots_(cpus), unsynchronized_(cpus)
    {
        simulation = this;
    }
    ~SimulatedMachine() override { simulation = nullptr; }

    // Settings.
    void execute_on(u32 cpu) { executing_ = cpu; }
    void share_tlbs(bool on) { shared_tlbs_ = on; }
    void set_range_tlbi(bool on) { range_tlbi_ = on; }
    void set_completes_tlbi_early(bool on) { completes_tlbi_early_ = on; }
    void set_resizes_live(bool on) { resizes_live_ = on; }
    bool resizes_live() const { return resizes_live_; }

    // Table pages. A new one is full of old descriptors.
    std::optional<PhysAddr> allocate_page() { return memory_.allocate(); }
    u64* pointer(PhysAddr page) { return memory_.pointer(page); }
    u64 pages_in_use() const { return memory_.pages_in_use(); }
    void free_page(PhysAddr page);

    // From now on `cpu` translates through `root`.
    void set_root(u32 cpu, PhysAddr root)
    {
        memory_.page(root).level = G::kRootLevel;
        roots_[cpu] = root;
    }
    void add_root(PhysAddr root) { memory_.page(root).level = G::kRootLevel; }

    // What `cpu` gets at `address`. Several possible answers are a violation, and the first of them is
    // returned.
    Outcome access(u32 cpu, VirtAddr address);
    // All that `cpu` may get.
    std::vector<Outcome> outcomes(u32 cpu, VirtAddr address);
    // Memory that was mapped gets another owner.
    void reuse_memory(PhysRange range);
    // Nothing is under way any more.
    void expect_settled();

    const std::vector<std::string>& violations() const { return violations_; }
    std::vector<std::string> take_violations() { return std::exchange(violations_, {}); }

    // What CPU `from` stored until now, `to` has seen: it took a lock that `from` gave back, read a flag that it set.
    void hand_over(u32 from, u32 to);

    // Called before each step that the executing CPU takes.
    std::function<void(const Step&)> on_step;

    struct Counts {
        u64 tlbis{0}, full_tlbis{0}, dsbs{0}, isbs{0};
    };
    Counts counts{};

    void load(const u64* slot) override;
    void store(u64* slot, u64 value) override;
    u64 link(u64* slot, u64 value) override;
    void zero(u64* table, Bytes size) override;
    void dsb(Shareability shareability, Access access) override;
    void isb() override;
    void tlbi(VirtRange range, TlbEntries entries, TlbScope scope) override;
    void tlbi_all(TlbScope scope) override;
    bool has_range_tlbi() const override { return range_tlbi_; }
    bool needs_repeated_tlbi() const override { return completes_tlbi_early_; }

private:
    // How far the removal of an entry that TLBs may hold has come.
    enum class Removal { Stored, Visible, Invalidated, Completed };

    // A descriptor that is gone from the tables, and where TLBs may still have it.
    struct Stale {
        CpuMask cpus;
        VirtRange range; // what it translated
        Level level;
        Pte pte;
        Removal removal;
        CpuMask publishers;       // whose DSB makes the removal visible
        bool by_broadcast{false}; // invalidated so
        CpuMask invalidators{0};  // whose DSB completes a TLBI that covers it
    };

    // What a slot held before, and whose DSB makes sure that no walker sees it any more.
    struct Former {
        u64 value;
        CpuMask publishers;
    };

    // Memory that accesses through a removed entry may yet reach.
    struct Outstanding {
        PhysRange memory;
        CpuMask awaited_by{0}; // by whose broadcast TLBI since
    };

    // An address a slot serves on some CPUs.
    struct Place {
        CpuMask cpus;
        VirtAddr address;
    };

    using Values = std::unordered_map<const u64*, std::vector<Former>>;

    void violate(std::string text)
    {
        if (violations_.size() < 20)
            violations_.push_back(std::move(text));
    }
    static std::string describe(VirtAddr address, Pte pte, Level level);

    std::vector<Place> places_of(const u64* slot) const;
    std::vector<u64> values_of(const u64* slot, u32 cpu) const;
    void step(Step::Kind kind, const void* object = nullptr)
    {
        if (on_step)
            on_step({kind, object});
    }
    CpuMask self() const { return CpuMask{1} << executing_; }
    void see(const u64* slot);
    void put(u64* slot, u64 value);
    bool has_stale_to_move_on() const;
    void make_stale(const u64* slot, Pte old, Level level);
    void make_stale_below(PhysAddr table, Level level, Place place);
    void check_overwrite(Pte old, Pte now, Level level, const u64* slot);
    void check_new(Pte now, Level level, const u64* slot);
    void check_against_stale(Pte now, Level level, Place place);
    void check_run(const u64* slot, Level level, bool complete);
    void attach(PhysAddr table, Level level, const u64* from);
    bool maps_the_same(Pte block, Level level, PhysAddr table) const;
    void walk(PhysAddr table, Level level, VirtAddr address, u32 cpu, std::vector<Outcome>& out);
    void outcomes_of_leaf(const u64* slot, Pte pte, Level level, VirtAddr address, u32 cpu,
                          std::vector<Outcome>& out);
    void own_outcomes(u32 cpu, VirtAddr address, std::vector<Outcome>& out);
    template <class Match>
    void invalidate(TlbScope scope, Match match);
    void complete_tlbis(bool reaches_all);
    CpuMask all_cpus() const { return (CpuMask{1} << roots_.size()) - 1; }
    static void add(std::vector<Outcome>& out, const Outcome& outcome)
    {
        if (std::ranges::find(out, outcome) == out.end())
            out.push_back(outcome);
    }

    SimulatedMemory memory_;
    std::vector<PhysAddr> roots_;
    Values pending_;                     // former values a walker may see until a publisher's DSB
    std::vector<Values> unsynchronized_; // and, per CPU that made the DSB, until its ISB
    std::vector<Stale> stale_;
    std::vector<Outstanding> outstanding_;
    std::set<const u64*> touched_runs_;
    std::vector<std::string> violations_;
    u32 executing_{0};
    bool shared_tlbs_{false};
    bool range_tlbi_{false};
    bool completes_tlbi_early_{false};
    bool resizes_live_{false};
};

} // namespace percival::arch

#include "arch/simulation/simulated_machine_accesses.hpp"
#include "arch/simulation/simulated_machine_stores.hpp"
