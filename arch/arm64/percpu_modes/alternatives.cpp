// SPDX-License-Identifier: BSD-2-Clause
#include "arch/percpu_modes/alternatives.hpp"

#include "arch/cpu/cache.hpp"
#include "arch/cpu/processor.hpp"
#include "kernel/lib/address.hpp"
#include "kernel/lib/assert.hpp"
#include "kernel/sync/preemption.hpp"
#include "mm/address_space/kernel_geometry.hpp"
#include "mm/image/image.hpp"
#include "mm/kernel_map/writable_window.hpp"

#include <atomic>
#include <cstddef>
#include <optional>
#include <span>

extern "C" {
extern percival::arch::Alternative __start_alternatives[], __stop_alternatives[];
}

namespace percival::arch {
namespace {

// What guarded sequences know of it.
static_assert(offsetof(Preemption, count) == 0 && offsetof(Preemption, due) == 4);

// Where the operation is in the sequences for FEAT_LSE, in instructions (arch/percpu/site.hpp).
constexpr u32 kOperationInRestart = 1;
constexpr u32 kOperationInGuarded = 5;

constinit PercpuForm current = kPercpuFormAsLinked;

constexpr u32 branch(u64 from, u64 to)
{
    return 0x1400'0000 | static_cast<u32>(((to - from) >> 2) & 0x03ff'ffff);
}

// LDADD without a result is STADD (Arm ARM C6.2, STADD: an alias, Rt is 31).
constexpr u32 kResultRegister = 31;

constexpr u32 store_form(u32 load_form)
{
    return load_form | kResultRegister;
}

// Text and the table of alternatives have no writable alias but the one that exists while this does: of one
// page at a time, since sites that follow each other are mostly in the same one.
class TextWriter : Immovable {
public:
    void write(u32* at, u32 instruction)
    {
        if (*at == instruction)
            return;
        u32* const writable = open(at);
        std::atomic_ref{*writable}.store(instruction, std::memory_order_relaxed);
        publish_instructions({address_of(writable), Bytes{sizeof(u32)}});
        publish_instructions({address_of(at), Bytes{sizeof(u32)}});
    }

private:
    u32* open(u32* at)
    {
        const u64 offset = address_of(at).raw() % mm::KernelGeometry::kPageSize.count();
        // SAFETY: bytes, to count in them; the page is not accessed through this pointer.
        std::byte* const page = reinterpret_cast<std::byte*>(at) - offset;
        if (page != page_) {
            window_.reset(); // there is one at a time
            window_.emplace(mm::image_to_physical(page));
            page_ = page;
        }
        // SAFETY: the window shows the page of `at` at another address, so this is `at`'s instruction.
        return reinterpret_cast<u32*>(window_->writable<std::byte>() + offset);
    }

    std::byte* page_{nullptr};
    std::optional<mm::WritableWindow> window_{};
};

u32 operation_of(const Alternative& alternative, PercpuForm form)
{
    const bool stores = alternative.result_is_unused != 0 && form.add == AddForm::StoreAdd;
    return stores ? store_form(alternative.instruction) : alternative.instruction;
}

// The operation within a sequence: on another address register, with the same result register.
void write_result_register(TextWriter& text, u32* operation, u32 like)
{
    text.write(operation, (*operation & ~kResultRegister) | (like & kResultRegister));
}

bool uses_lse(const Alternative& alternative, PercpuForm form)
{
    return form.lse && (alternative.result_is_unused == 0 || form.add != AddForm::LlSc);
}

// For percpu_guard.S. A switch becomes due during an operation by an interrupt only. With interrupts masked
// it was due before, and whoever made it so has seen to it; asking again for the interrupt that makes it,
// which switch_if_due() would do, could go on for ever in what runs on the way to the switch itself.
extern "C" void switch_after_guard()
{
    if (!interrupts_masked())
        switch_if_due();
}

} // namespace

u32 instruction_of(Alternative& alternative, PercpuForm form)
{
    const bool lse = uses_lse(alternative, form);
    const auto branch_to = [&alternative](s32& sequence) {
        return branch(address_of(alternative.site()).raw(), address_of(Alternative::at(sequence)).raw());
    };
    switch (form.mode) {
    case PercpuMode::Local:
        // A load or store is its own form without LSE too.
        return lse || alternative.local_llsc == 0 ? operation_of(alternative, form)
                                                  : branch_to(alternative.local_llsc);
    case PercpuMode::Restart:
        if (alternative.restart_instruction != 0)
            return alternative.restart_instruction;
        return branch_to(lse ? alternative.restart_lse : alternative.restart_llsc);
    case PercpuMode::Guarded:
        break;
    }
    return branch_to(lse ? alternative.guarded_lse : alternative.guarded_llsc);
}

// scripts/check_sites.py has made sure that a site which is not as it should be is such a branch.
void keep_veneers()
{
    TextWriter text;
    for (Alternative& alternative : std::span{__start_alternatives, __stop_alternatives}) {
        const u32 linked = *alternative.site();
        if (linked != instruction_of(alternative, kPercpuFormAsLinked))
            text.write(&alternative.instruction, linked);
    }
}

void patch_percpu_operations(PercpuForm form)
{
    PERCIVAL_ASSERT(kHasLocalMode || form.mode != PercpuMode::Local);
    TextWriter text;
    for (Alternative& alternative : std::span{__start_alternatives, __stop_alternatives}) {
        text.write(alternative.site(), instruction_of(alternative, form));
        if (alternative.result_is_unused == 0)
            continue;
        const u32 operation = operation_of(alternative, form);
        write_result_register(text, Alternative::at(alternative.restart_lse) + kOperationInRestart,
                              operation);
        write_result_register(text, Alternative::at(alternative.guarded_lse) + kOperationInGuarded,
                              operation);
    }
    current = form;
}

PercpuForm percpu_form()
{
    return current;
}

} // namespace percival::arch
