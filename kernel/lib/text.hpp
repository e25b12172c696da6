// SPDX-License-Identifier: BSD-2-Clause
// Cuts text. Any context, also on the host.
#pragma once

#include <cstddef>
#include <iterator>
#include <string_view>

namespace percival {

// Returns up to `count` characters from index `from`. Unlike std::string_view::substr() it never throws; the
// kernel cannot link exceptions.
constexpr std::string_view slice(std::string_view text, std::size_t from,
                                 std::size_t count = std::string_view::npos)
{
    text.remove_prefix(from < text.size() ? from : text.size());
    text.remove_suffix(count < text.size() ? text.size() - count : 0);
    return text;
}

// The items of a comma-separated list, for a range-based for loop. An empty list has one empty item.
class ListItems {
public:
    class Iterator {
    public:
        constexpr explicit Iterator(std::string_view rest) : rest_{rest} {}
        constexpr std::string_view operator*() const { return slice(rest_, 0, rest_.find(',')); }
        constexpr Iterator& operator++()
        {
            const std::size_t comma = rest_.find(',');
            at_end_ = comma == std::string_view::npos;
            rest_ = at_end_ ? std::string_view{} : slice(rest_, comma + 1);
            return *this;
        }
        friend constexpr bool operator==(const Iterator& at, std::default_sentinel_t) { return at.at_end_; }

    private:
        std::string_view rest_; // from the item on
        bool at_end_ = false;   // behind the last item: an empty rest alone is an empty item
    };

    constexpr explicit ListItems(std::string_view list) : list_{list} {}
    constexpr Iterator begin() const { return Iterator{list_}; }
    static constexpr std::default_sentinel_t end() { return {}; }

private:
    std::string_view list_;
};

} // namespace percival
