// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/virtio_mem/memory_device.hpp"

#include <array>
#include <bit>
#include <cstring>

namespace percival {
namespace {

// Bits of the features.
constexpr u64 kSaysNode = u64{1} << 0;
constexpr u64 kUnpluggedIsInaccessible = u64{1} << 1;

// Offsets in the configuration.
constexpr u32 kBlockSize = 0;
constexpr u32 kNode = 8; // 16 bits
constexpr u32 kAddress = 16;
constexpr u32 kRegionSize = 24;
constexpr u32 kUsableSize = 32;
constexpr u32 kPluggedSize = 40;
constexpr u32 kRequestedSize = 48;
constexpr u32 kConfigurationSize = 56;

// Kinds of answers.
constexpr u16 kAcknowledged = 0;
constexpr u16 kRefused = 1;
constexpr u16 kBusy = 2;
constexpr u16 kError = 3;

struct RequestMessage {
    u16 kind;
    u16 padding[3];
    u64 address;
    u16 blocks;
    u16 padding_at_end[3];
};
static_assert(sizeof(RequestMessage) == 24 && offsetof(RequestMessage, blocks) == 16);

// An answer has 10 bytes.
constexpr std::size_t kAnswerSize = 10;
constexpr std::size_t kStateAt = 8;

// The specification asks for this of every size and address.
bool is_whole(u64 value, Bytes block)
{
    return value % block.count() == 0;
}

} // namespace

struct MemoryDevice::Message {
    u16 kind;
    u16 state;
};

VirtioResult MemoryDevice::start()
{
    if (auto done = device_.reset(); !done)
        return done;
    const auto features =
        device_.negotiate(kSaysNode | kUnpluggedIsInaccessible | kVirtioAccessPlatform, kVirtioVersion1);
    if (!features)
        return std::unexpected(features.error());
    says_node_ = (*features & kSaysNode) != 0;
    if (device_.configuration_length() < kConfigurationSize)
        return std::unexpected("has too short a configuration");
    if (auto done = device_.set_up_queue(0, queue_.memory()); !done)
        return done;
    device_.go();
    const auto now = configuration();
    if (!now)
        return std::unexpected(now.error());
    block_size_ = now->block_size;
    // A reset leaves blocks plugged that a kernel before this one has used.
    if (now->plugged != Bytes{0}) {
        const auto answer = unplug_all();
        if (!answer)
            return std::unexpected(answer.error());
        if (*answer != Answer::Done)
            return std::unexpected("keeps memory plugged from before");
    }
    return {};
}

std::expected<MemoryDeviceConfiguration, std::string_view> MemoryDevice::configuration() const
{
    u64 block = 0;
    u64 address = 0;
    u64 region = 0;
    u64 usable = 0;
    u64 plugged = 0;
    u64 requested = 0;
    u16 node = 0;
    if (device_.needs_reset())
        return std::unexpected("has given up");
    if (!device_.read_consistently([&] {
            block = device_.configuration64(kBlockSize);
            node = device_.configuration16(kNode);
            address = device_.configuration64(kAddress);
            region = device_.configuration64(kRegionSize);
            usable = device_.configuration64(kUsableSize);
            plugged = device_.configuration64(kPluggedSize);
            requested = device_.configuration64(kRequestedSize);
        }))
        return std::unexpected("has a configuration that does not stand still");
    if (!std::has_single_bit(block) || (block_size_ != Bytes{0} && block_size_ != Bytes{block}))
        return std::unexpected("has blocks of a size that cannot be");
    const Bytes block_size{block};
    if (!is_whole(address, block_size) || !is_whole(region, block_size) || !is_whole(usable, block_size) ||
        !is_whole(plugged, block_size) || !is_whole(requested, block_size))
        return std::unexpected("has a region of other than whole blocks");
    if (region == 0 || address >= kPhysicalLimit.raw() || region > kPhysicalLimit.raw() - address)
        return std::unexpected("has a region beyond the physical address space");
    if (usable > region || plugged > usable || requested > usable)
        return std::unexpected("has more memory than room for it");
    return MemoryDeviceConfiguration{.block_size = block_size,
                                     .region = {PhysAddr{address}, Bytes{region}},
                                     .node = says_node_ ? std::optional<u32>{node} : std::nullopt,
                                     .usable = Bytes{usable},
                                     .plugged = Bytes{plugged},
                                     .requested = Bytes{requested}};
}

std::expected<MemoryDevice::Message, std::string_view> MemoryDevice::exchange(Request request,
                                                                              PhysRange range)
{
    const RequestMessage message{.kind = static_cast<u16>(request),
                                 .padding = {},
                                 .address = range.base.raw(),
                                 .blocks = static_cast<u16>(range.size / block_size_),
                                 .padding_at_end = {}};
    std::array<std::byte, kAnswerSize> answer{};
    if (const auto done = queue_.exchange(device_, std::as_bytes(std::span{&message, 1}), answer); !done)
        return std::unexpected(done.error());
    Message result{};
    std::memcpy(&result.kind, answer.data(), sizeof(result.kind));
    std::memcpy(&result.state, answer.data() + kStateAt, sizeof(result.state));
    return result;
}

MemoryDevice::Answered MemoryDevice::ask(Request request, PhysRange range)
{
    const auto answer = exchange(request, range);
    if (!answer)
        return std::unexpected(answer.error());
    switch (answer->kind) {
    case kAcknowledged:
        return Answer::Done;
    case kRefused:
        return Answer::Refused;
    case kBusy:
        return Answer::Busy;
    case kError:
        return Answer::Error;
    default:
        return std::unexpected("answers what the specification does not know");
    }
}

std::expected<MemoryDevice::State, std::string_view> MemoryDevice::state(PhysRange range)
{
    const auto answer = exchange(Request::State, range);
    if (!answer)
        return std::unexpected(answer.error());
    if (answer->kind != kAcknowledged || answer->state > static_cast<u16>(State::Mixed))
        return std::unexpected("does not tell the state of its blocks");
    return static_cast<State>(answer->state);
}

} // namespace percival
