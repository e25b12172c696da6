// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/virtio_mem/virtio_mem.hpp"

#include "arch/debug/fault_recovery.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/pci/host.hpp"
#include "kernel/sched/thread.hpp"
#include "kernel/sched/thread_switch.hpp"
#include "kernel/sync/spinlock.hpp"
#include "kernel/virtio/structures.hpp"
#include "kernel/virtio_mem/memory_follower.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/vmalloc/vmap.hpp"

#include <algorithm>
#include <optional>

namespace percival {
namespace {

constexpr u16 kVirtioVendor = 0x1af4;
constexpr u16 kFirstVirtioDevice = 0x1040; // plus the kind of device

constexpr u64 kLookEvery = 100'000'000; // ns
// A round that did not get there is followed by the next one so many looks later, unless the request changes:
// removing memory disturbs all CPUs.
constexpr u32 kLooksBetweenRounds = 20;

// --- The progress

constinit SpinLock progress_lock;
constinit std::optional<VirtioMemProgress> progress PERCIVAL_GUARDED_BY(progress_lock);

void note_progress(Bytes unit, const FollowedMemory& now)
{
    const SpinGuard guard{progress_lock};
    progress = {.unit = unit, .requested = now.requested, .added = now.added};
}

void forget_progress()
{
    const SpinGuard guard{progress_lock};
    progress.reset();
}

void report(const FollowedMemory& now)
{
    if (now.obstacle.empty())
        print("virtio-mem: {} requested, {} added", now.requested, now.added);
    else
        print("virtio-mem: {} requested, {} added, {} spare: {}, {} pages in use", now.requested, now.added,
              now.spare, now.obstacle, now.pages_in_use);
}

// --- The search

// What a search of a host finds. Fault recovery runs no destructors, and there are none.
struct Search {
    const PciHostDescription* host;
    arch::Mmio bus;
    u32 functions{0};
    u32 bridges{0}; // and functions of an unknown kind
    u32 memory_devices{0};
    PciBars bars{};
    std::expected<VirtioStructures, std::string_view> structures{std::unexpected{std::string_view{}}};
    PciPlace place{};
};

void take(Search& search, PciHost& host, const PciFunction& function)
{
    search.place = function.place();
    search.structures = find_virtio_structures(function);
    if (!search.structures)
        return;
    host.take_over();
    if (const auto bars = host.start(function))
        search.bars = *bars;
    else
        search.structures = std::unexpected{bars.error()};
}

void search(Search& search)
{
    PciHost host{*search.host, search.bus};
    std::optional<PciFunction> found;
    host.for_each_function([&](const PciFunction& function) {
        ++search.functions;
        if (!function.is_device())
            ++search.bridges;
        else if (function.vendor() == kVirtioVendor &&
                 function.device_id() == kFirstVirtioDevice + kVirtioMemoryDevice &&
                 ++search.memory_devices == 1)
            found = function;
    });
    if (found)
        take(search, host, *found);
}

std::optional<arch::Mmio> map_registers(PhysRange range)
{
    const auto registers = range.is_empty() ? std::unexpected{mm::VmError::BadSize} : mm::ioremap(range);
    return registers ? std::optional{arch::Mmio{*registers}} : std::nullopt;
}

// --- The device, from start_virtio_mem() on the thread's

constinit MemoryDevice memory_device;
constinit MemoryFollower follower;

// Makes the device from what was found. An error is the end of a sentence.
VirtioResult make_device(const Search& found)
{
    const VirtioStructures& structures = *found.structures;
    const auto common = map_registers(range_of(structures.common, found.bars));
    const auto notify = map_registers(range_of(structures.notify, found.bars));
    const auto device = map_registers(range_of(structures.device, found.bars));
    if (!common || !notify || !device)
        return std::unexpected("has registers that cannot be mapped");
    const auto page = mm::allocate_zeroed_page(); // the device's from now on (INV-request_queue-1)
    if (!page)
        return std::unexpected("gets no memory for its queue");
    const VirtioRegisters registers{.common = *common,
                                    .notify = *notify,
                                    .notify_length = structures.notify.length,
                                    .notify_multiplier = structures.notify_multiplier,
                                    .device = *device,
                                    .device_length = structures.device.length};
    memory_device = MemoryDevice{VirtioDevice{registers},
                                 RequestQueue{*mm::linear_pointer<VirtioQueuePage>(*page), *page}};
    return {};
}

// Goes as far towards the request as is possible. Prints where that is, unless it is where it was before.
std::expected<FollowedMemory, std::string_view> follow_once(const std::optional<FollowedMemory>& before)
{
    const auto now = follower.follow();
    if (!now)
        return now;
    note_progress(follower.unit(), *now);
    if (*now != before)
        report(*now);
    return now;
}

// Starts the device, and follows its first request.
std::expected<FollowedMemory, std::string_view> start_device()
{
    if (const auto started = memory_device.start(); !started)
        return std::unexpected(started.error());
    const auto made = MemoryFollower::of(memory_device);
    if (!made)
        return std::unexpected(made.error());
    follower = *made;
    print("virtio-mem: {} from {} in units of {}", follower.range().size, follower.range().base,
          follower.unit());
    return follow_once(std::nullopt);
}

// Follows the device until that is not possible any more. Returns why it is not.
std::string_view follow_on(FollowedMemory last)
{
    for (u32 looks = 1;; ++looks) {
        sleep_for_nanoseconds(kLookEvery);
        const auto configuration = memory_device.configuration();
        if (!configuration)
            return configuration.error();
        const bool is_due = !last.obstacle.empty() && looks % kLooksBetweenRounds == 0;
        if (configuration->requested == last.requested && !is_due)
            continue;
        const auto now = follow_once(last);
        if (!now)
            return now.error();
        last = *now;
    }
}

// The body of the thread, which begins where the first round has ended.
struct Following {
    FollowedMemory last{};
    void operator()() const;
};

void Following::operator()() const
{
    const std::string_view reason = follow_on(last);
    memory_device.give_up();
    forget_progress();
    print("virtio-mem: the device {}; its memory stays as it is", reason);
}

constinit Following following; // of the thread

// Makes the device that was found ready, and leaves it to a thread.
VirtioResult use(const Search& found)
{
    if (!found.structures)
        return std::unexpected(found.structures.error());
    if (auto made = make_device(found); !made)
        return made;
    const auto first = start_device();
    if (first) {
        following.last = *first;
        if (start_thread("virtio-mem", following))
            return {};
    }
    memory_device.give_up();
    forget_progress();
    return std::unexpected(first ? "gets no memory for a thread" : first.error());
}

// Looks at a host. Returns whether it has a memory device.
bool look_at(const PciHostDescription& host)
{
    const PhysAddr at = host.configuration.base;
    if (!host.is_coherent || host.has_iommu) {
        print("pci: host at {} is left alone: its devices {}", at,
              host.is_coherent ? "are behind an IOMMU" : "do not see the CPUs' caches");
        return false;
    }
    const auto bus = map_registers({at, PciHost::kConfigurationOfBus});
    if (!bus) {
        print("pci: host at {} cannot be mapped; left alone", at);
        return false;
    }
    Search found{.host = &host, .bus = *bus};
    if (arch::catch_fault([](void* argument) { search(*static_cast<Search*>(argument)); }, &found)) {
        print("pci: host at {} does not answer; left alone", at);
        return false;
    }
    print(
        "pci: host at {} of buses {} to {}: {} functions on the first one, {} of them bridges; no other bus "
        "is looked at",
        at, host.first_bus, host.last_bus, found.functions, found.bridges);
    if (found.memory_devices > 1)
        print("virtio-mem: {} devices, of which the first is used", found.memory_devices);
    if (found.memory_devices != 0) {
        if (const auto used = use(found); !used)
            print("virtio-mem: the device at {}.{} {}; left alone", found.place.device, found.place.function,
                  used.error());
    }
    return found.memory_devices != 0;
}

} // namespace

void start_virtio_mem(const MachineDescription& machine)
{
    // One device only: so is the state above.
    static_cast<void>(std::ranges::any_of(machine.pci_hosts, look_at));
}

std::optional<VirtioMemProgress> virtio_mem_progress()
{
    const SpinGuard guard{progress_lock};
    return progress;
}

} // namespace percival
