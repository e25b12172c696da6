// SPDX-License-Identifier: BSD-2-Clause
#include "support/vm_area_notes.hpp"

#include "mm/vmalloc/vm_area.hpp"

#include <memory>
#include <unordered_map>

namespace percival {
namespace {

std::unordered_map<const mm::VmArea*, std::unique_ptr<mm::VmArea>> notes;
u64 left = ~u64{0};

} // namespace

mm::VmArea* mm::new_area_note()
{
    if (left == 0)
        return nullptr;
    --left;
    auto note = std::make_unique<VmArea>();
    VmArea* const area = note.get();
    notes.emplace(area, std::move(note));
    return area;
}

void mm::delete_area_note(VmArea* area)
{
    notes.erase(area);
}

u64 testing::notes_in_use()
{
    return notes.size();
}

void testing::fail_notes_after(u64 count)
{
    left = count;
}

void testing::never_fail_notes()
{
    left = ~u64{0};
}

void testing::forget_notes()
{
    notes.clear();
    never_fail_notes();
}

} // namespace percival
