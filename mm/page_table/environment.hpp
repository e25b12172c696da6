// SPDX-License-Identifier: BSD-2-Clause
// What the page-table engine needs of its surroundings. An environment says how a table is reached, where new
// ones come from and how a descriptor is stored, so that the same code runs with the MMU off, on the boot
// tables, on the linear map, and on a simulated machine:
//
//   Pte* Env::table(PhysAddr)                  the table's descriptors, accessible now
//   std::optional<PhysAddr> Env::allocate()    a zeroed table page, its zeroes visible to table walkers before it is returned
//   void Env::store(Pte* slot, Pte value)      one single-copy atomic store of a descriptor
//   void Env::publish()                        orders all stores before later table walks by every CPU
//
// and may have besides:
//
//   void Env::fill(Pte*, u64 count, Pte, Bytes step)   `count` stores of descriptors `step` apart, faster than one by one
//   Pte Env::link(Pte* slot, Pte table)        stores `table` if `slot` is all zero, in one compare-exchange, and returns what
//                                              was there before: for trees that several CPUs edit at once
//   void Env::release(PhysAddr)                takes a table page back that no walker can reach; for Tables::Private, link()
//   void Env::forbidden(Pte old, Pte now, Level)       a change that would break the architecture's rules; does not return
//   bool Env::resizes_live()                   FEAT_BBM level 2 without conflict aborts, on every CPU
//   Env::Break                                 a type: an object of it lives from before live leaves are broken until they are
//                                              made anew (mm/kernel_map/live_break.hpp)
//   Env::NoWalkers                             a type: no CPU walks these tables yet, so there is nothing to invalidate
#pragma once

#include "mm/address_space/pte_format.hpp"

#include <concepts>
#include <optional>

namespace percival::mm {

template <class E, class Pte>
concept PageTableEnvironment = requires(E env, PhysAddr address, Pte* slot, Pte value) {
    { env.table(address) } -> std::same_as<Pte*>;
    { env.allocate() } -> std::same_as<std::optional<PhysAddr>>;
    env.store(slot, value);
    env.publish();
};

} // namespace percival::mm
