// SPDX-License-Identifier: BSD-2-Clause
#include "virtio/virtio_model.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

namespace percival {
namespace {

constexpr u64 kStructureSize = 0x1000;
constexpr u32 kBar = 4;

template <class T>
T at(const void* from, std::size_t offset)
{
    T value;
    std::memcpy(&value, static_cast<const std::byte*>(from) + offset, sizeof(value));
    return value;
}

} // namespace

VirtioMemModel::VirtioMemModel(u64 size)
    : PciFunctionModel{0x1af4, 0x1040 + kVirtioMemoryDevice}, region_size{size}, usable{size},
      blocks(size / kBlock)
{
    add_wide_bar(kBar, 0x4000);
    put16(6, 0x10);
    put8(0x34, 0x98);
    struct Capability {
        u8 at;
        u8 next;
        u8 length;
        u8 kind;
    };
    for (const Capability& each :
         {Capability{0x98, 0x84, 0x10, 1}, Capability{0x84, 0x70, 0x10, 3}, Capability{0x70, 0x5c, 0x10, 4},
          Capability{0x5c, 0xb0, 0x14, 2}, Capability{0xb0, 0x40, 0x10, 1}, Capability{0x40, 0, 0x10, 77}}) {
        put8(each.at, 9);
        put8(each.at + 1u, each.next);
        put8(each.at + 2u, each.length);
        put8(each.at + 3u, each.kind);
        put8(each.at + 4u, kBar);
        const u32 place = each.kind == 2 ? 3 : each.kind == 4 ? 2 : each.kind - 1u;
        put32(each.at + 8u, static_cast<u32>(place * kStructureSize));
        put32(each.at + 12u, kStructureSize);
    }
    put8(0xb0 + 8, 0xf0); // a second common structure, which is not to be used
    put32(0x5c + 16, 4);
    put8(0x40 + 4, 9); // a reserved BAR of a reserved kind
    std::memset(&page, 0, sizeof(page));
}

u64 VirtioMemModel::read_register(u32 bar, u64 offset, u32 bits)
{
    EXPECT_EQ(bar, kBar);
    EXPECT_EQ(offset % (bits / 8), 0u);
    switch (offset / kStructureSize) {
    case 0:
        return read_common(offset, bits);
    case 2:
        return read_configuration(offset % kStructureSize, bits);
    default:
        ADD_FAILURE() << "nobody needs to read at " << offset;
        return 0;
    }
}

void VirtioMemModel::write_register(u32 bar, u64 offset, u64 value, u32 bits)
{
    EXPECT_EQ(bar, kBar);
    if (offset / kStructureSize == 0) {
        write_common(offset, value, bits);
        return;
    }
    ASSERT_EQ(offset, 3 * kStructureSize + notify_offset * 4u) << "is not to be written";
    EXPECT_EQ(bits, 16u);
    EXPECT_EQ(value, 0u) << "there is one queue";
    EXPECT_EQ(status_, 0xf) << "notified before DRIVER_OK";
    EXPECT_TRUE(may_access_memory());
    if ((status_ & 4) != 0)
        take_request();
}

u64 VirtioMemModel::read_common(u64 offset, u32 bits)
{
    switch (offset) {
    case 0x04:
        EXPECT_EQ(bits, 32u);
        return device_select_ < 2 ? static_cast<u32>(offered >> 32 * device_select_) : 0;
    case 0x12:
        EXPECT_EQ(bits, 16u);
        return queues;
    case 0x14:
        EXPECT_EQ(bits, 8u);
        if (reset_reads_ > 0) {
            reset_reads_ -= never_resets ? 0 : 1;
            return 0x40;
        }
        return status_ | (needs_reset ? 0x40u : 0u);
    case 0x15:
        EXPECT_EQ(bits, 8u);
        return static_cast<u8>(generation);
    case 0x18:
        EXPECT_EQ(bits, 16u);
        return queue_select_ < queues ? max_queue_size : 0;
    case 0x1c:
        EXPECT_EQ(bits, 16u);
        return queue_.enabled;
    case 0x1e:
        EXPECT_EQ(bits, 16u);
        return notify_offset;
    default:
        ADD_FAILURE() << "nobody needs to read the common configuration at " << offset;
        return 0;
    }
}

void VirtioMemModel::write_status(u8 value)
{
    if (value == 0) {
        status_ = 0;
        accepted = 0;
        queue_ = {};
        queue_.enabled = queue_stays_enabled ? 1 : 0;
        reset_reads_ = resets_late;
        return;
    }
    EXPECT_EQ(reset_reads_, 0u) << "the reset is not over";
    if ((value & 0x80) != 0) {
        status_ = value;
        return;
    }
    // One step after the other.
    EXPECT_TRUE((status_ == 0 && value == 1) || (status_ == 1 && value == 3) ||
                (status_ == 3 && value == 0xb) || (status_ == 0xb && value == 0xf && queue_.enabled == 1))
        << unsigned{status_} << " to " << unsigned{value};
    status_ = value;
    if (value == 0xb) {
        EXPECT_EQ(accepted & ~offered, 0u);
        EXPECT_NE(accepted & kVirtioVersion1, 0u);
        if (refuses_features)
            status_ = 3;
    }
}

void VirtioMemModel::write_common(u64 offset, u64 value, u32 bits)
{
    const auto half_of = [&](u64& field) {
        EXPECT_EQ(bits, 32u);
        EXPECT_EQ(status_, 0xb) << "a queue is set up between the features and DRIVER_OK";
        EXPECT_EQ(queue_.enabled, 0);
        const u32 shift = (offset & 4) != 0 ? 32 : 0;
        field = (field & ~(u64{~u32{0}} << shift)) | value << shift;
    };
    switch (offset) {
    case 0x00:
        EXPECT_EQ(bits, 32u);
        device_select_ = static_cast<u32>(value);
        return;
    case 0x08:
        EXPECT_EQ(bits, 32u);
        driver_select_ = static_cast<u32>(value);
        return;
    case 0x0c:
        EXPECT_EQ(bits, 32u);
        EXPECT_EQ(status_, 3) << "features are accepted before FEATURES_OK";
        ASSERT_LT(driver_select_, 2u);
        accepted = (accepted & ~(u64{~u32{0}} << 32 * driver_select_)) | value << 32 * driver_select_;
        return;
    case 0x14:
        EXPECT_EQ(bits, 8u);
        write_status(static_cast<u8>(value));
        return;
    case 0x16:
        EXPECT_EQ(bits, 16u);
        queue_select_ = static_cast<u16>(value);
        return;
    case 0x18:
        EXPECT_EQ(bits, 16u);
        EXPECT_EQ(status_, 0xb);
        EXPECT_TRUE(value != 0 && (value & (value - 1)) == 0 && value <= max_queue_size);
        queue_.size = static_cast<u16>(value);
        return;
    case 0x1c:
        EXPECT_EQ(bits, 16u);
        EXPECT_EQ(value, 1u);
        EXPECT_EQ(queue_.size, VirtioQueuePage::kEntries);
        EXPECT_EQ(queue_.descriptors, kQueueAddress + offsetof(VirtioQueuePage, descriptors));
        EXPECT_EQ(queue_.available, kQueueAddress + offsetof(VirtioQueuePage, available));
        EXPECT_EQ(queue_.used, kQueueAddress + offsetof(VirtioQueuePage, used));
        EXPECT_FALSE(seen_.empty()) << "the device may see what the page held before";
        queue_.enabled = 1;
        return;
    case 0x20:
    case 0x24:
        half_of(queue_.descriptors);
        return;
    case 0x28:
    case 0x2c:
        half_of(queue_.available);
        return;
    case 0x30:
    case 0x34:
        half_of(queue_.used);
        return;
    default:
        ADD_FAILURE() << "nobody needs to write the common configuration at " << offset;
    }
}

u64 VirtioMemModel::read_configuration(u64 offset, u32 bits)
{
    EXPECT_EQ(bits, offset == 8 ? 16u : 32u);
    EXPECT_EQ(status_ & ~0x80, 0xf);
    if (before_read)
        before_read();
    const u64 fields[] = {block_size, node, region, region_size, usable, plugged(), requested};
    EXPECT_LT(offset, sizeof(fields));
    return static_cast<u32>(fields[offset / 8 % 7] >> (offset & 4) * 8);
}

void VirtioMemModel::order(arch::Shareability shareability, arch::Access access)
{
    // Devices are in the outer shareable domain, or beyond.
    if (shareability != arch::Shareability::OuterShareable && shareability != arch::Shareability::FullSystem)
        return;
    if ((static_cast<unsigned>(access) & static_cast<unsigned>(arch::Access::Store)) != 0)
        seen_.push_back(page);
    if ((static_cast<unsigned>(access) & static_cast<unsigned>(arch::Access::Load)) != 0 && late_) {
        page.used = late_->used;
        std::memcpy(page.answer, late_->answer, sizeof(page.answer));
        late_.reset();
    }
}

void VirtioMemModel::take_request()
{
    // The index is as old as the last barrier, and the rest as old as the one before the index.
    const auto has_index = [this](const VirtioQueuePage& seen) { return seen.available.index != taken_; };
    const auto first_with_index = std::ranges::find_if(seen_, has_index);
    if (first_with_index == seen_.end())
        return; // the notification came first, and nothing more comes
    VirtioQueuePage seen{};
    if (first_with_index != seen_.begin())
        seen = *(first_with_index - 1);
    EXPECT_EQ(first_with_index->available.index, static_cast<u16>(taken_ + 1));
    ++taken_;
    ++requests;
    seen_.erase(seen_.begin(), seen_.end() - 1);

    EXPECT_EQ(seen.available.flags, 1) << "nobody takes an interrupt";
    const u16 head = seen.available.ring[(taken_ - 1u) % VirtioQueuePage::kEntries];
    ASSERT_EQ(head, 0);
    const VirtioQueuePage::Descriptor& out = seen.descriptors[0];
    const VirtioQueuePage::Descriptor& in = seen.descriptors[1];
    EXPECT_EQ(out.address, kQueueAddress + offsetof(VirtioQueuePage, request));
    EXPECT_EQ(out.length, 24u);
    EXPECT_EQ(out.flags, 1);
    EXPECT_EQ(out.next, 1);
    EXPECT_EQ(in.address, kQueueAddress + offsetof(VirtioQueuePage, answer));
    EXPECT_EQ(in.length, 10u);
    EXPECT_EQ(in.flags, 2);

    VirtioQueuePage result = page;
    std::memset(result.answer, 0xa5, sizeof(result.answer));
    const u16 kind = answer(seen);
    std::memcpy(result.answer, &kind, sizeof(kind));
    if (at<u16>(seen.request, 0) == 3) {
        const u64 address = at<u64>(seen.request, 8);
        const u16 count = at<u16>(seen.request, 16);
        u16 plugged_blocks = 0;
        for (u64 i = 0; i < count && kind == 0; ++i)
            plugged_blocks = static_cast<u16>(plugged_blocks + is_plugged(address + i * block_size));
        const u16 state = plugged_blocks == count ? 0 : plugged_blocks == 0 ? 1 : 2;
        std::memcpy(result.answer + 8, &state, sizeof(state));
    }
    result.used.ring[(taken_ - 1u) % VirtioQueuePage::kEntries] = {used_id.value_or(0),
                                                                   used_length.value_or(10)};
    result.used.index = static_cast<u16>(taken_ - 1 + index_step);
    late_ = result;
    answer_due_ = time_ + answers_after;
    if (answers_after == 0)
        finish();
}

u16 VirtioMemModel::answer(const VirtioQueuePage& seen)
{
    const u16 kind = at<u16>(seen.request, 0);
    kinds.push_back(kind);
    if (!answers.empty()) {
        const u16 given = answers.front();
        answers.pop_front();
        return given;
    }
    if (kind == 2) {
        EXPECT_TRUE(hot_memory.added.empty());
        blocks.assign(blocks.size(), false);
        return 0;
    }
    const u64 address = at<u64>(seen.request, 8);
    const u64 size = at<u16>(seen.request, 16) * block_size;
    if (kind > 3 || address % block_size != 0 || size == 0 || address < region ||
        address + size > region + usable)
        return 3;
    if (kind == 3)
        return 0;
    for (u64 each = address; each < address + size; each += block_size) {
        if (is_plugged(each) == (kind == 0))
            return 3;
    }
    if (kind == 0 && plugged() + size > requested)
        return 1;
    for (u64 each = address; each < address + size; each += block_size) {
        EXPECT_FALSE(kind == 1 && hot_memory.added.contains(each)) << "it is RAM";
        blocks[(each - region) / block_size] = kind == 0;
    }
    return 0;
}

// The index of the used ring shows at once; what it stands for may show later.
void VirtioMemModel::finish()
{
    answer_due_.reset();
    if (late_)
        page.used.index = late_->used.index;
}

void VirtioMemModel::elapse(u64 nanoseconds)
{
    time_ += nanoseconds;
    if (answer_due_ && time_ >= *answer_due_ && !never_answers)
        finish();
}

void VirtioMemModel::request(u64 size)
{
    requested = size;
    ++generation;
}

u64 VirtioMemModel::plugged() const
{
    return static_cast<u64>(std::ranges::count(blocks, true)) * block_size;
}

} // namespace percival
