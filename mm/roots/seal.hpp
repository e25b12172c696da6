// SPDX-License-Identifier: BSD-2-Clause
// Sealing: once roots are complete nothing may write them any more, and what nothing may write is mapped
// read-only, through every alias there is.
//
// Sealed are the private tables of all CPUs; the master's tables that these are copies of (the root, and those
// on the way to the local window); the reserved root, which must map nothing; and the idmap's root. CPU tables
// lie in RAM, which has one alias, the linear map. The others lie in the image (mm/image/boot_tables.hpp) and have
// two. All of that is mapped by single pages, so that sealing is a change of permission.
//
// INV-root_seal-1: after seal_roots() sync_roots() alone changes a sealed table (mm/roots/sync.hpp), through a
//                  writable window that it opens for one store.
#pragma once

#include "mm/address_space/kernel_geometry.hpp"
#include "mm/address_space/mapping.hpp"

#include <expected>

namespace percival::mm {

// Boot CPU, once, when all roots are complete and published.
std::expected<void, MapError> seal_roots(PhysRange private_tables);

} // namespace percival::mm
