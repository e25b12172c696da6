// SPDX-License-Identifier: BSD-2-Clause
#include "boot/flat_tree/stub_tree.hpp"

#include "boot/flat_tree/tree_format.hpp"

#include <string_view>

namespace percival::boot {
namespace {

// Reads the structure from its beginning. What lies behind the end of the bytes reads as 0.
class Structure {
public:
    explicit Structure(std::span<const std::byte> bytes) : bytes_{bytes} {}

    u32 cell()
    {
        u32 value = 0;
        for (int byte = 0; byte < 4; ++byte)
            value = value << 8 | next();
        return value;
    }
    std::string_view text()
    {
        const std::size_t begin = at_;
        while (next() != 0) {
        }
        // SAFETY: any object may be read as characters; at_ is not behind the end.
        const auto* const first = reinterpret_cast<const char*>(bytes_.data()) + begin;
        const std::size_t size = at_ - begin;
        align();
        return {first, size != 0 ? size - 1 : 0};
    }
    void skip(u32 bytes)
    {
        at_ = bytes <= bytes_.size() - at_ ? at_ + bytes : bytes_.size();
        align();
    }

private:
    u8 next() { return at_ < bytes_.size() ? std::to_integer<u8>(bytes_[at_++]) : u8{0}; }
    void align()
    {
        while (at_ % 4 != 0 && at_ < bytes_.size())
            ++at_;
    }

    std::span<const std::byte> bytes_;
    std::size_t at_{0};
};

} // namespace

bool is_stub_tree(std::span<const std::byte> tree)
{
    constexpr std::size_t kStructureOffset = 8; // in the header
    constexpr std::size_t kStructureSize = 36;
    const u32 offset = Structure{tree.subspan(kStructureOffset)}.cell();
    const u32 size = Structure{tree.subspan(kStructureSize)}.cell();
    Structure structure{tree.subspan(offset, size)};
    for (u32 depth = 0;;) {
        switch (structure.cell()) {
        case flat_tree::kBeginNode: {
            const std::string_view name = structure.text();
            if (depth == 1 && name != "chosen" && name != "hypervisor")
                return false;
            ++depth;
            break;
        }
        case flat_tree::kEndNode:
            if (depth == 0)
                return false;
            --depth;
            break;
        case flat_tree::kProperty: {
            const u32 length = structure.cell();
            structure.cell(); // its name
            structure.skip(length);
            break;
        }
        case flat_tree::kNothing:
            break;
        case flat_tree::kEnd:
            return depth == 0;
        default:
            return false;
        }
    }
}

} // namespace percival::boot
