// SPDX-License-Identifier: BSD-2-Clause
// Fuzzes the device tree reader with arbitrary bytes. Plain mutation would hardly get past the checks of the
// structure, so half of the mutations change the value of one property and leave the tree well-formed.
#include "kernel/device_tree/view.hpp"
#include "support/device_tree_blob.hpp"
#include "tests/fuzz/broken_invariant.hpp"

#include <libfdt.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace percival::testing {
namespace {

struct Place {
    int node;
    int property;
};

// Returns every property of the tree; none if the tree is damaged.
std::vector<Place> all_properties(const Blob& tree)
{
    std::vector<Place> places;
    for (int node = fdt_next_node(tree.data(), -1, nullptr); node >= 0;
         node = fdt_next_node(tree.data(), node, nullptr)) {
        int property = 0;
        fdt_for_each_property_offset(property, tree.data(), node) places.push_back({node, property});
    }
    return places;
}

// Returns the tree with one property changed; an empty blob if the input is no tree that can be edited.
Blob with_one_value_changed(std::span<const std::byte> input, unsigned seed)
{
    constexpr std::size_t kRoom = 1024;
    // Does not use fdt_check_full: it follows a null pointer in some trees of old versions, which open()
    // refuses.
    static DeviceTreeIndex index;
    if (!DeviceTreeView::open(input, index))
        return {};
    Blob tree(input.size() + kRoom);
    if (fdt_open_into(input.data(), tree.data(), static_cast<int>(tree.size())) != 0)
        return {};
    const auto places = all_properties(tree);
    if (places.empty())
        return {};

    std::minstd_rand random{seed};
    const Place place = places[random() % places.size()];
    const char* name = nullptr;
    int length = 0;
    const void* value = fdt_getprop_by_offset(tree.data(), place.property, &name, &length);
    if (value == nullptr)
        return {};
    const std::string kept_name{name};
    if (random() % 16 == 0) {
        fdt_delprop(tree.data(), place.node, kept_name.c_str());
    } else {
        std::array<u8, 256> changed{};
        const std::size_t kept = std::min<std::size_t>(static_cast<std::size_t>(length), changed.size());
        std::memcpy(changed.data(), value, kept);
        const std::size_t size = LLVMFuzzerMutate(changed.data(), kept, changed.size());
        fdt_setprop(tree.data(), place.node, kept_name.c_str(), changed.data(), static_cast<int>(size));
    }
    if (fdt_pack(tree.data()) != 0)
        return {};
    tree.resize(fdt_totalsize(tree.data()));
    return tree;
}

} // namespace
} // namespace percival::testing

using namespace percival;

extern "C" std::size_t LLVMFuzzerCustomMutator(u8* data, std::size_t size, std::size_t max_size,
                                               unsigned seed)
{
    if (seed % 2 == 0) {
        // A copy, because libfdt needs an aligned tree.
        testing::Blob input(size);
        std::memcpy(input.data(), data, size);
        const testing::Blob changed = testing::with_one_value_changed(input, seed / 2);
        if (!changed.empty() && changed.size() <= max_size) {
            std::memcpy(data, changed.data(), changed.size());
            return changed.size();
        }
    }
    return LLVMFuzzerMutate(data, size, max_size);
}

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size)
{
    const testing::Reading reading{std::as_bytes(std::span{data, size})};
    testing::stop_at(reading.violation);
    return 0;
}
