// SPDX-License-Identifier: BSD-2-Clause
// A machine of several CPUs with TLBs, to test code that edits translation tables. The machine runs no
// instructions. The code under test runs on the host and reports its steps through the host's arch headers.
// The machine knows at every moment what the architecture allows each CPU's TLB to hold and each walk to see:
//
// * A walker may see a stored descriptor at once. It may see the former value until a DSB for stores follows,
//   made by the CPU that stored the descriptor or by one that has seen it meanwhile (other-multi-copy
//   atomicity, Arm ARM B2.3).
// * A TLB may fetch any valid entry as soon as it can be seen, without any access, table entries too (walk
//   caches). It may keep the entry until a TLBI that covers it was issued after that DSB, and a full DSB has
//   completed the TLBI.
// * For the CPU that made the change, both may last until its ISB.
// * An entry of a contiguous run may be cached for the whole run.
//
// So the machine does not pick one TLB behaviour at random but models all of them at once: access() returns
// what a CPU may get, and complains if there is more than one possibility. A step that can never be right is
// a violation as soon as it happens; see the texts below.
//
// set_completes_tlbi_early() enables the erratum that needs_repeated_tlbi() is about: a broadcast TLBI and
// its DSB remove an entry, but accesses through it may still be under way until a second TLBI and DSB.
//
// CPUs may take turns at any point: on_step is called before each step, for code that interleaves the CPUs.
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

// The result of one access: an address and attributes, or a fault.
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

    // Installs itself as the machine of the calling thread. CPU 0 executes.
    SimulatedMachine(u32 cpus, u64 table_pages)
        : memory_{G::kPageSize, table_pages}, roots_(cpus), unsynchronized_(cpus)
    {
        simulation = this;
    }
    ~SimulatedMachine() override { simulation = nullptr; }

    // Settings of the machine. execute_on() selects the CPU that takes the next steps.
    void execute_on(u32 cpu) { executing_ = cpu; }
    void share_tlbs(bool on) { shared_tlbs_ = on; }
    void set_range_tlbi(bool on) { range_tlbi_ = on; }
    void set_completes_tlbi_early(bool on) { completes_tlbi_early_ = on; }
    void set_resizes_live(bool on) { resizes_live_ = on; }
    bool resizes_live() const { return resizes_live_; }

    // Table pages. A new page is full of garbage descriptors.
    std::optional<PhysAddr> allocate_page() { return memory_.allocate(); }
    u64* pointer(PhysAddr page) { return memory_.pointer(page); }
    u64 pages_in_use() const { return memory_.pages_in_use(); }
    void free_page(PhysAddr table);

    // Makes `cpu` translate through `root` from now on. add_root() declares a root that no CPU uses.
    void set_root(u32 cpu, PhysAddr root)
    {
        memory_.page(root).level = G::kRootLevel;
        roots_[cpu] = root;
    }
    void add_root(PhysAddr root) { memory_.page(root).level = G::kRootLevel; }

    // Returns what `cpu` gets at `address`. More than one possible result is a violation; then the first is
    // returned.
    Outcome access(u32 cpu, VirtAddr address);
    // Returns everything that `cpu` may get.
    std::vector<Outcome> outcomes(u32 cpu, VirtAddr address);
    // Gives memory that was mapped to another owner.
    void reuse_memory(PhysRange range);
    // Checks that no change is under way any more.
    void expect_settled();

    const std::vector<std::string>& violations() const { return violations_; }
    std::vector<std::string> take_violations() { return std::exchange(violations_, {}); }

    // Lets `to` see everything that `from` has stored until now: it took a lock that `from` released, or read
    // a flag that `from` set.
    void hand_over(u32 from, u32 to);

    // Called before each step of the executing CPU.
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
    // How far the removal of an entry that TLBs may hold has progressed.
    enum class Removal { Stored, Visible, Invalidated, Completed };

    // A descriptor that is gone from the tables but may still be in TLBs.
    struct Stale {
        CpuMask cpus;
        VirtRange range; // the addresses it translated
        Level level;
        Pte pte;
        Removal removal;
        CpuMask publishers;       // CPUs whose DSB makes the removal visible
        bool by_broadcast{false}; // whether the TLBI was a broadcast
        CpuMask invalidators{0};  // CPUs whose DSB completes a TLBI that covers it
    };

    // A former value of a slot, and the CPUs whose DSB ensures that no walker sees it any more.
    struct Former {
        u64 value;
        CpuMask publishers;
    };

    // Memory that accesses through a removed entry may still reach.
    struct Outstanding {
        PhysRange memory;
        CpuMask awaited_by{0}; // CPUs that have issued a broadcast TLBI since
    };

    // An address that a slot translates on some CPUs.
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
    Values pending_;                     // former values that walkers may see until a publisher's DSB
    std::vector<Values> unsynchronized_; // the same for each CPU that made the DSB, until its ISB
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
