// SPDX-License-Identifier: BSD-2-Clause
// What is wrong with a device tree, and where: one clear sentence for whoever has to mend the firmware.
// A value without pointers into static tables: usable before the image is relocated, and on the host.
#pragma once

#include "kernel/lib/format.hpp"

#include <array>
#include <optional>
#include <string_view>

namespace percival {

class DeviceTreeError {
public:
    // A path longer than this keeps its end, the part that tells nodes apart.
    static constexpr std::size_t kPathLength = 72;

    constexpr DeviceTreeError() = default;
    // `property` may be empty: then the node itself is meant. Both it and `problem` must outlive the error
    // (literals do). The path is copied, unprintable characters in it replaced.
    DeviceTreeError(std::string_view path, std::string_view property, std::string_view problem,
                    std::optional<u64> value = std::nullopt);

    std::string_view path() const { return {path_.data(), path_size_}; }
    std::string_view property() const { return property_; }
    std::string_view problem() const { return problem_; }
    std::optional<u64> value() const { return value_; }

    // "device tree: /memory@40000000: reg: its length is not a whole number of entries (0xc)"
    void describe(Writer& out) const;

private:
    std::array<char, kPathLength> path_{};
    u8 path_size_{0};
    std::string_view property_{};
    std::string_view problem_{};
    std::optional<u64> value_{};
};

} // namespace percival
