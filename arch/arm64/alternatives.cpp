// SPDX-License-Identifier: BSD-2-Clause
#include "arch/alternatives.hpp"

#include "arch/cache.hpp"
#include "mm/kernel_tables.hpp"
#include "mm/writable_window.hpp"

extern "C" {
extern percival::arch::Alternative __start_alternatives[], __stop_alternatives[];
}

namespace percival::arch {
namespace {

constinit bool patched = false;

} // namespace

u32 patch_atomics_to_lse()
{
    u32 sites = 0;
    for (Alternative* alternative = __start_alternatives; alternative != __stop_alternatives; ++alternative) {
        u32* site = alternative->site();
        // Text has no writable alias but this one, which exists only here.
        const mm::WritableWindow window{mm::image_to_physical(site)};
        __atomic_store_n(window.writable<u32>(), alternative->instruction, __ATOMIC_RELAXED);
        publish_instructions({address_of(window.writable<u32>()), Bytes{sizeof(u32)}});
        publish_instructions({address_of(site), Bytes{sizeof(u32)}});
        ++sites;
    }
    patched = true;
    return sites;
}

bool atomics_are_lse()
{
    return patched;
}

} // namespace percival::arch
