// SPDX-License-Identifier: BSD-2-Clause
// Sealing maps complete root tables read-only, through every alias that they have, so that a stray store
// faults.
//
// Sealed are:
//
//   the private tables of all CPUs;
//   the master's tables that these are copies of: its root, and those on the way to the local window;
//   the reserved root, which must map nothing;
//   the root of the identity map.
//
// Private tables lie in RAM and have one alias, in the linear map. The other tables lie in the image
// (mm/image/boot_tables.hpp) and have two, in the image and in the linear map. All of them are mapped by
// single pages, so sealing changes permissions only.
//
// After seal_roots(), only sync_roots() changes a sealed table (mm/roots/sync.hpp). It does so through a
// writable window that it opens for one store.
#pragma once

#include "mm/address_space/kernel_geometry.hpp"
#include "mm/address_space/mapping.hpp"

#include <expected>

namespace percival::mm {

// Seals the tables listed above and flushes their old permissions. `private_tables` is the memory of the
// private tables of all CPUs, and may be empty. Boot CPU, once, after all roots are complete and published.
std::expected<void, MapError> seal_roots(PhysRange private_tables);

} // namespace percival::mm
