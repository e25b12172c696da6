// SPDX-License-Identifier: BSD-2-Clause
// Says what is wrong with a device tree and where, in one clear sentence for the person who has to fix the
// firmware. The value has no pointers into static tables, so it can be used before the image is relocated,
// and on the host.
#pragma once

#include "kernel/lib/format.hpp"

#include <array>
#include <expected>
#include <optional>
#include <string_view>

namespace percival {

class DeviceTreeError {
public:
    // A longer path keeps only its end, the part that tells nodes apart.
    static constexpr std::size_t kPathLength = 72;

    constexpr DeviceTreeError() = default;
    // An empty `property` means the node itself. `property` and `problem` must outlive the error, as literals
    // do. The path is copied, with unprintable characters replaced by '?'.
    DeviceTreeError(std::string_view path, std::string_view property, std::string_view problem,
                    std::optional<u64> value = std::nullopt);

    std::string_view path() const { return {path_.data(), path_size_}; }
    std::string_view property() const { return property_; }
    std::string_view problem() const { return problem_; }
    std::optional<u64> value() const { return value_; }

    // Writes for example "device tree: /memory@40000000: reg: its length is not a whole number of entries
    // (0xc)".
    void describe(Writer& out) const;

private:
    std::array<char, kPathLength> path_{};
    u8 path_size_{0};
    std::string_view property_{};
    std::string_view problem_{};
    std::optional<u64> value_{};
};

template <class T>
using DeviceTreeResult = std::expected<T, DeviceTreeError>;

} // namespace percival
