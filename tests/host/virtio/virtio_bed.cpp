// SPDX-License-Identifier: BSD-2-Clause
#include "virtio/virtio_bed.hpp"

#include "kernel/sched/thread_switch.hpp"
#include "mm/hot_memory/hot_memory.hpp"

namespace percival {
namespace {

VirtioMemModel* the_model = nullptr; // time passes for it while the kernel sleeps

} // namespace

VirtioBed::~VirtioBed()
{
    the_model = nullptr;
}

void VirtioBed::make(u64 region_size)
{
    hot_memory = {};
    device.reset();
    bus.reset();
    model = std::make_unique<VirtioMemModel>(region_size);
    bus = std::make_unique<VirtioBusModel>(*model);
    the_model = model.get();
}

std::string_view VirtioBed::find()
{
    PciHost host{pci_host(), arch::Mmio{VirtAddr{kEcam}}};
    host.take_over();
    const PciFunction function{arch::Mmio{VirtAddr{kEcam}}, {1, 0}};
    const auto structures = find_virtio_structures(function);
    if (!structures)
        return structures.error();
    const auto bars = host.start(function);
    if (!bars)
        return bars.error();
    const auto mapped = [&](const VirtioStructure& structure) {
        return arch::Mmio{VirtAddr{range_of(structure, *bars).base.raw()}};
    };
    registers = VirtioDevice{{.common = mapped(structures->common),
                              .notify = mapped(structures->notify),
                              .notify_length = structures->notify.length,
                              .notify_multiplier = structures->notify_multiplier,
                              .device = mapped(structures->device),
                              .device_length = structures->device.length}};
    device = std::make_unique<MemoryDevice>(
        registers, RequestQueue{model->page, PhysAddr{VirtioMemModel::kQueueAddress}});
    return {};
}

std::string_view VirtioBed::start()
{
    if (const auto problem = find(); !problem.empty())
        return problem;
    const auto started = device->start();
    return started ? std::string_view{} : started.error();
}

void sleep_for_nanoseconds(u64 nanoseconds)
{
    the_model->elapse(nanoseconds);
}

namespace mm {

std::expected<void, HotMemoryError> add_memory(PhysRange range, NumaNode node)
{
    EXPECT_EQ(node.number(), the_model->node);
    EXPECT_TRUE(range.base.is_aligned(kHotMemoryUnit) &&
                range.size / kHotMemoryUnit * kHotMemoryUnit.count() == range.size.count());
    for (PhysAddr at = range.base; at < range.end(); at += Bytes{the_model->block_size})
        EXPECT_TRUE(the_model->is_plugged(at.raw())) << "RAM that is not plugged";
    if (hot_memory.refuse_after && hot_memory.added.size() >= *hot_memory.refuse_after)
        return std::unexpected{HotMemoryError::OutOfReach};
    EXPECT_TRUE(hot_memory.added.insert(range.base.raw()).second);
    hot_memory.order.push_back(range.base.raw());
    EXPECT_TRUE(hot_memory.unit == Bytes{0} || hot_memory.unit == range.size);
    hot_memory.unit = range.size;
    return {};
}

std::expected<void, RemoveError> remove_memory(PhysRange range)
{
    ++hot_memory.removals;
    EXPECT_EQ(range.size, hot_memory.unit);
    EXPECT_TRUE(hot_memory.added.contains(range.base.raw()));
    if (const u64 pages = hot_memory.in_use ? hot_memory.in_use(range.base.raw()) : 0; pages != 0)
        return std::unexpected{RemoveError{RemoveError::Reason::InUse, pages}};
    hot_memory.added.erase(range.base.raw());
    return {};
}

std::string_view description_of(HotMemoryError)
{
    return "is out of reach";
}

} // namespace mm
} // namespace percival
