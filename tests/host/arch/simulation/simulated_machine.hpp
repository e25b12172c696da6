// SPDX-License-Identifier: BSD-2-Clause
// A machine of several CPUs with TLBs, to test code that edits translation tables. The machine runs no
// instructions. The code under test runs on the host and reports its steps through the host's arch headers.
// The machine knows at every moment what the architecture allows each CPU's TLB to hold and each walk to see:
//
// * A walker may see a stored descriptor at once. It may see the former value until a DSB follows, made by
//   the CPU that stored the descriptor, or by one that has seen it. Only a DSB that waits for loads counts
//   for what a CPU has merely loaded; a DSB for stores counts once the CPU has stored something that depends
//   on the load, or has made its load in an atomic exchange (struct Witness).
// * A TLB may fetch any valid entry as soon as it can be seen, without any access, table entries too (walk
//   caches). It may keep the entry until a TLBI that covers it was issued after that DSB, and a full DSB has
//   completed the TLBI. A leaf whose access flag is clear is as good as invalid.
// * For the CPU that made the change, both may last until its ISB. Another CPU may still take a fault at an
//   entry that was made, until it has made a DSB that waits for loads, and an ISB (struct Late). It may still
//   get the old translation of an entry whose invalidation is complete until it has made an ISB or was told
//   (struct Lagging), although its accesses to the old memory are over. With FEAT_ETS2 (set_ets2()) none of
//   this lasts longer than until the CPU is told.
// * An entry of a contiguous run may be cached for the whole run.
// * After a write of TTBR1 the CPU may walk from the old root until an ISB, and use entries of the old root
//   until it has invalidated all of them. All roots have one ASID.
// * A CPU that is off keeps its entries. No broadcast reaches it.
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
#include "arch/simulation/slot_histories.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
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
        : memory_{G::kPageSize, table_pages}, roots_(cpus), old_roots_(cpus), unsynchronized_(cpus),
          lagging_(cpus), retained_(cpus)
    {
        simulation = this;
    }
    ~SimulatedMachine() override { simulation = nullptr; }

    // Settings of the machine. execute_on() selects the CPU that takes the next steps.
    void execute_on(u32 cpu) { executing_ = cpu; }
    void share_tlbs(bool on) { shared_tlbs_ = on; }
    void set_range_tlbi(bool on) { range_tlbi_ = on; }
    void set_completes_tlbi_early(bool on) { completes_tlbi_early_ = on; }
    void set_resizes_live(bool on) { resizes_live_ = on ? all_cpus() : 0; }
    void set_resizes_live_only_on(u32 cpu) { resizes_live_ = CpuMask{1} << cpu; }
    void set_ets2(bool on) { ets2_ = on; }
    // No other CPU changes descriptors from now on: a change by another one is a violation. So nobody notices
    // when this CPU loads one, which spares an explorer many schedules.
    void set_only_editor(u32 cpu) { only_editor_ = cpu; }
    u32 executing() const { return executing_; }
    bool resizes_live() const { return resizes_live_ == all_cpus(); }

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
    // The executing CPU writes TTBR1.
    void write_root(PhysAddr root);
    // `cpu` goes off, or comes back through `root`.
    void power_off(u32 cpu);
    void power_on(u32 cpu, PhysAddr root);
    // Declares that `copy` has the contents of `original`. All other memory differs from all other.
    void copy_memory(PhysAddr original, PhysAddr copy) { contents_[copy.raw()] = original.raw(); }

    // Returns what `cpu` gets at `address`. More than one possible result is a violation; then the first is
    // returned.
    Outcome access(u32 cpu, VirtAddr address);
    // Returns everything that `cpu` may get.
    std::vector<Outcome> outcomes(u32 cpu, VirtAddr address);
    // Returns whether an AT instruction of the executing CPU is certain to translate. Unlike an access, it
    // does not begin before a DSB that precedes it is complete.
    bool translates(VirtAddr address);
    // Gives memory that was mapped to another owner.
    void reuse_memory(PhysRange range);
    // Checks that no change is under way any more.
    void expect_settled();

    const std::vector<std::string>& violations() const { return violations_; }
    std::vector<std::string> take_violations() { return std::exchange(violations_, {}); }

    // The executing CPU sets a flag by a store-release, or takes it by an atomic exchange, as a lock is
    // taken, or by a load-acquire. The CPU that takes the flag has then seen all that the other had seen or
    // stored. Neither is a step: each belongs to the caller's access to the flag, and nothing may come in
    // between.
    enum class Taking { Exchange, Load };
    void release(const void* flag);
    void acquire(const void* flag, Taking taking);
    // Lets `cpu` catch up with all that is visible and complete: it makes a DSB and an ISB, as when it takes
    // an exception and its handler makes a DSB.
    void synchronize(u32 cpu);

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
    void dmb(Access access) override;
    void dsb(Shareability shareability, Access access) override;
    void isb() override;
    void tlbi(VirtRange range, TlbEntries entries, TlbScope scope) override;
    void tlbi_all(TlbScope scope) override;
    bool has_range_tlbi() const override { return range_tlbi_; }
    bool needs_repeated_tlbi() const override { return completes_tlbi_early_; }

private:
    // How far the removal of an entry that TLBs may hold has progressed.
    enum class Removal { Stored, Visible, Invalidated, Completed };

    // The CPUs that know of a store, and the flags that were set by a CPU which knew of it.
    struct Witness {
        CpuMask storers; // a DSB for stores covers it: they made it, or made a store that is ordered after it
        CpuMask loaders{0}; // a DSB that waits for loads covers it: they have loaded it
        u32 flags{0};

        bool is_covered(CpuMask cpu, Access barrier) const
        {
            return (barrier != Access::Load && (storers & cpu) != 0) ||
                   (barrier != Access::Store && (loaders & cpu) != 0);
        }
    };

    // A descriptor that is gone from the tables but may still be in TLBs.
    struct Stale {
        CpuMask cpus;
        VirtRange range; // the addresses it translated
        Level level;
        Pte pte;
        Removal removal;
        const u64* slot;          // where the store went that removed it
        u64 store;                // which one that was
        bool by_broadcast{false}; // whether the TLBI was a broadcast
        CpuMask invalidators{0};  // CPUs whose DSB completes a TLBI that covers it
    };

    // A former value of a slot.
    struct Former {
        const u64* slot;
        u64 value;
        u64 store; // the number of the store that replaced it
        Witness witness;
        CpuMask hidden{0}; // CPUs that do not see it any more
    };

    // A former value of a slot that no walk begun now sees, but a CPU that has not caught up may
    // still act on.
    struct Late {
        const u64* slot;
        u64 value;
        bool is_own;    // the CPU itself made it visible
        bool is_waited; // the CPU has made a DSB that covers the store, and needs an ISB
        Witness witness;
        CpuMask told; // CPUs that know it to be visible
        u32 flags{0};
    };

    // A leaf that is gone from TLBs, which a CPU that has not caught up may still act on. Its accesses to
    // the leaf's memory are over.
    struct Lagging {
        CpuMask told;
        VirtRange range;
        Pte pte;
        u32 flags{0};
    };

    // A root from before a write of TTBR1. `Stored`: the CPU may still walk from it; `Visible`: it only has
    // entries of it.
    struct OldRoot {
        PhysAddr root;
        Removal removal;
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

    void violate(std::string text)
    {
        if (violations_.size() < 20)
            violations_.push_back(std::move(text));
    }
    static std::string describe(VirtAddr address, Pte pte, Level level);

    std::vector<Place> places_of(const u64* slot) const;
    // Returns whether every CPU that may use the entry tolerates that its size changes.
    bool may_be_resized(const u64* slot) const
    {
        return std::ranges::all_of(places_of(slot),
                                   [this](const Place& place) { return (place.cpus & ~resizes_live_) == 0; });
    }
    template <class Visit>
    void for_each_value_of(const u64* slot, u32 cpu, Visit visit) const;
    void step(Step::Kind kind, const void* object = nullptr)
    {
        if (on_step)
            on_step({kind, object});
    }
    CpuMask self() const { return CpuMask{1} << executing_; }
    // Of a change of the executing CPU's own TLB, which others may use if they share it.
    Step::Kind own_step() const { return shared_tlbs_ ? Step::Kind::Global : Step::Kind::Own; }
    // Returns what a descriptor is to a TLB: a leaf without the access flag is nothing.
    static Kind kind_of(Pte pte, Level level)
    {
        const Kind kind = pte.kind(level);
        return kind == Kind::Leaf && !pte.has_access_flag() ? Kind::Invalid : kind;
    }
    u32 bit_of_flag(const void* flag)
    {
        return u32{1} << flags_.try_emplace(flag, static_cast<u32>(flags_.size())).first->second;
    }
    template <class Visit>
    void for_each_witness_of(const u64* slot, Visit visit);
    // Returns the CPUs that know of the store which removed an entry. The store must still be pending.
    const Witness& witness_of(const Stale& stale) const
    {
        return std::ranges::lower_bound(pending_, stale.store, {}, &Former::store)->witness;
    }
    bool is_covered(const Stale& stale, Access barrier) const
    {
        return stale.removal == Removal::Stored && witness_of(stale).is_covered(self(), barrier);
    }
    // The executing CPU sees a store.
    void take(Witness& witness, Taking taking)
    {
        witness.loaders |= self();
        if (taking == Taking::Exchange)
            witness.storers |= self();
        else if ((witness.storers & self()) == 0)
            mere_loaders_ |= self();
    }
    void see(const u64* slot, Taking taking);
    void depend_on(PhysAddr table);
    void put(u64* slot, u64 value);
    void order_new_tables();
    void publish(Access access);
    void note_late(const Former& former);
    void catch_up(u32 cpu, bool waits);
    bool has_same_contents(PhysAddr a, PhysAddr b, Bytes size) const;
    bool needs_break(Pte old, Pte now, Level level) const;
    bool uses_root(u32 cpu, PhysAddr root) const;
    void compare_roots(PhysAddr old, PhysAddr now, Level level, VirtAddr at);
    bool has_stale_to_move_on() const;
    bool has_own_to_forget() const;
    void make_stale(const u64* slot, Pte old, Level level);
    void make_stale_below(PhysAddr table, Level level, Place place, const u64* slot);
    void add_stale(Stale stale);
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
    std::vector<std::vector<OldRoot>> old_roots_;     // of each CPU
    SlotHistories<Former> pending_;                   // former values that walkers may see, by their stores
    std::vector<SlotHistories<Late>> unsynchronized_; // of each CPU
    std::vector<Stale> stale_;
    std::vector<std::vector<Lagging>> lagging_; // of each CPU
    std::vector<std::vector<Stale>> retained_;  // by each CPU that is off
    CpuMask off_{0};
    std::map<const void*, u32> flags_;
    std::map<u64, u64> contents_;
    std::vector<Outstanding> outstanding_;
    std::set<const u64*> touched_runs_;
    std::vector<std::string> violations_;
    CpuMask mere_loaders_{0}; // CPUs that have loaded what others stored, on which a store may depend
    u64 stores_{0};
    u32 executing_{0};
    bool shared_tlbs_{false};
    bool range_tlbi_{false};
    bool completes_tlbi_early_{false};
    CpuMask resizes_live_{0}; // the CPUs that tolerate two sizes of one leaf
    bool ets2_{false};
    std::optional<u32> only_editor_{};
    bool walks_after_dsb_{false};
};

} // namespace percival::arch

#include "arch/simulation/simulated_machine_accesses.hpp"
#include "arch/simulation/simulated_machine_barriers.hpp"
#include "arch/simulation/simulated_machine_invalidation.hpp"
#include "arch/simulation/simulated_machine_stores.hpp"
