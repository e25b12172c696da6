// SPDX-License-Identifier: BSD-2-Clause
// The names of the properties that the kernel reads. A name that is not among them does not compile, because
// nobody would find it: DeviceTreeIndex keeps these properties only.
//
// Any context, also with the MMU off and on the host.
#pragma once

#include "kernel/lib/types.hpp"

#include <array>
#include <optional>
#include <string_view>

namespace percival {

namespace property_name_detail {

// Text without a pointer: a table of pointers in static storage would need relocation.
struct Entry {
    static constexpr std::size_t kRoom = 31;

    // NOLINTNEXTLINE(google-explicit-constructor): the table below is a list of literals
    consteval Entry(const char* name)
    {
        while (name[size] != '\0') {
            text.at(size) = name[size];
            ++size;
        }
    }
    constexpr std::string_view view() const { return {text.data(), size}; }

    u8 size{0};
    std::array<char, kRoom> text{};
};

// Sorted by length, so that only names of the right length are compared.
inline constexpr auto kEntries = std::to_array<Entry>({
    "reg",
    "model",
    "cpu_on",
    "method",
    "no-map",
    "ranges",
    "status",
    "phandle",
    "bootargs",
    "rng-seed",
    "bus-range",
    "iommu-map",
    "reg-shift",
    "big-endian",
    "compatible",
    "interrupts",
    "kaslr-seed",
    "reg-offset",
    "#size-cells",
    "device_type",
    "stdout-path",
    "dma-coherent",
    "numa-node-id",
    "reg-io-width",
    "enable-method",
    "linux,phandle",
    "little-endian",
    "#address-cells",
    "clock-frequency",
    "interrupt-names",
    "acpi-parking-id",
    "#interrupt-cells",
    "cpu-release-addr",
    "linux,stdout-path",
    "fsl,erratum-a008585",
    "interrupts-extended",
    "linux,usable-memory",
    "fsl,ext-reset-output",
    "redistributor-stride",
    "#redistributor-regions",
    "linux,usable-memory-range",
    "allwinner,erratum-unknown1",
    "hisilicon,erratum-161010101",
});

// The index of the first entry of each length or more.
inline constexpr auto kFirstOfLength = [] {
    std::array<u8, Entry::kRoom + 2> first{};
    for (std::size_t length = 0; length < first.size(); ++length) {
        while (first[length] < kEntries.size() && kEntries[first[length]].size < length)
            ++first[length];
    }
    return first;
}();

constexpr std::optional<u8> place_of(std::string_view name)
{
    if (name.size() > Entry::kRoom)
        return std::nullopt;
    for (u8 at = kFirstOfLength[name.size()]; at < kFirstOfLength[name.size() + 1]; ++at) {
        if (kEntries[at].view() == name)
            return at;
    }
    return std::nullopt;
}

static_assert([] {
    for (std::size_t at = 0; at < kEntries.size(); ++at) {
        if (place_of(kEntries[at].view()) != at)
            return false;
    }
    return true;
}()); // they are sorted by length, and none is there twice

} // namespace property_name_detail

class DeviceTreePropertyName {
public:
    // Requires a name of the list above.
    // NOLINTNEXTLINE(google-explicit-constructor,bugprone-unchecked-optional-access): others do not compile
    consteval DeviceTreePropertyName(const char* name) : place_{property_name_detail::place_of(name).value()}
    {
    }
    // Returns the name with this text; nothing if the kernel reads no such property.
    static constexpr std::optional<DeviceTreePropertyName> with_text(std::string_view text)
    {
        const auto place = property_name_detail::place_of(text);
        return place ? std::optional{DeviceTreePropertyName{*place}} : std::nullopt;
    }

    // NOLINTNEXTLINE(google-explicit-constructor): messages name the property
    constexpr operator std::string_view() const { return property_name_detail::kEntries[place_].view(); }
    constexpr u8 number() const { return place_; }

private:
    constexpr explicit DeviceTreePropertyName(u8 place) : place_{place} {}

    u8 place_;
};

} // namespace percival
