// SPDX-License-Identifier: BSD-2-Clause
// The environment: what the page-table engine needs of its surroundings. An environment says how a table is
// accessed, where new tables come from and how a descriptor is stored. The same engine thus runs with the MMU
// off, on the boot tables, on the linear map, and on a simulated machine. Every environment has:
//
//   Pte* Env::table(PhysAddr)                 returns the table's descriptors, accessible now
//   std::optional<PhysAddr> Env::allocate()   returns a zeroed table page; walkers can already see the zeroes
//   std::optional<PhysAddr> Env::allocate_unfilled()
//                                             returns a table page that may hold anything; the caller stores
//                                             every entry and publishes before it links the table
//   void Env::store(Pte* slot, Pte value)     stores a descriptor in one single-copy atomic access
//   void Env::publish()                       orders this CPU's stores before later walks by any CPU
//
// (one of the two allocations is enough: allocate_unfilled() below takes what there is), and may also have:
//
//   void Env::fill(Pte*, u64 count, Pte, Bytes step)
//       makes `count` stores of descriptors `step` apart, faster than one by one
//   Pte Env::link(Pte* slot, Pte table)
//       stores `table` in one compare-exchange if `slot` is all zero, and returns the old value: for trees
//       that several CPUs edit at once
//   void Env::free(PhysAddr)
//       frees a table page that no walker can reach: for Tables::Private, and for link()
//   void Env::forbidden(Pte old, Pte now, Level)
//       reports a change that breaks the architecture's rules; does not return
//   bool Env::resizes_live()
//       returns whether every CPU has FEAT_BBM level 2 without conflict aborts
//   Env::Break
//       a type whose object exists from before live leaves are broken until they are made anew
//       (mm/kernel_map/live_break.hpp)
//   Env::NoWalkers
//       a type that exists if no CPU walks these tables yet, so that nothing needs invalidation
#pragma once

#include "mm/address_space/pte_format.hpp"

#include <concepts>
#include <optional>

namespace percival::mm {

template <class E, class Pte>
concept PageTableEnvironment = requires(E env, PhysAddr address, Pte* slot, Pte value) {
    { env.table(address) } -> std::same_as<Pte*>;
    env.store(slot, value);
    env.publish();
} && (requires(E env) {
    { env.allocate() } -> std::same_as<std::optional<PhysAddr>>;
} || requires(E env) {
    { env.allocate_unfilled() } -> std::same_as<std::optional<PhysAddr>>;
});

// Returns a table page of which the caller will store every entry before it links the table.
template <class Env>
std::optional<PhysAddr> allocate_unfilled(Env& env)
{
    if constexpr (requires { env.allocate_unfilled(); })
        return env.allocate_unfilled();
    else
        return env.allocate();
}

} // namespace percival::mm
