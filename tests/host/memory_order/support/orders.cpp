// SPDX-License-Identifier: BSD-2-Clause
#include "memory_order/support/orders.hpp"

#include "memory_order/support/symbolizer.hpp"

#include <cstddef>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace percival::testing {
namespace {

constexpr std::string_view kTree = PERCIVAL_SOURCE_DIR "/";

} // namespace

// Returns the file and the line of "file:line:column" if the file belongs to the tree, but not to the
// explorer's versions of the kernel's headers; else an empty place.
Orders::Place Orders::place_in_tree(std::string_view text)
{
    if (!text.starts_with(kTree))
        return {};
    text.remove_prefix(kTree.size());
    const auto colon = text.find(':');
    const std::string_view file = text.substr(0, colon);
    if (file.contains("memory_order/doubles/") && file.ends_with(".hpp"))
        return {};
    return {std::string{file}, static_cast<u32>(std::strtoul(text.data() + colon + 1, nullptr, 10))};
}

u8 Orders::remaining_halves(u8 asked, const void* frame)
{
    Callers callers{};
    auto* at = static_cast<const void* const*>(frame);
    for (const void*& caller : callers) {
        caller = at[1];
        at = static_cast<const void* const*>(at[0]);
    }
    Use& use = uses_[callers];
    use.asked |= asked;
    return asked & static_cast<u8>(~use.left_out);
}

Order Orders::remaining(Order order, const void* frame)
{
    const u8 asked = static_cast<u8>((acquires(order) ? 1 : 0) | (releases(order) ? 2 : 0));
    if (asked == 0)
        return order;
    const u8 rest = remaining_halves(asked, frame);
    if (rest == asked)
        return order;
    constexpr std::array kRest{Order::Relaxed, Order::Acquire, Order::Release};
    return kRest[rest];
}

// Finds the places of all new uses at once.
void Orders::find_places()
{
    std::vector<Callers> unknown;
    std::vector<const void*> addresses;
    for (const auto& [callers, use] : uses_) {
        if (places_.contains(callers))
            continue;
        unknown.push_back(callers);
        // The address after a call may belong to the next line.
        for (const void* const caller : callers)
            addresses.push_back(static_cast<const std::byte*>(caller) - 1);
    }
    if (unknown.empty())
        return;
    const std::vector<std::vector<std::string>> found = symbolize(addresses);
    for (std::size_t use = 0; use < unknown.size(); ++use) {
        Place& place = places_[unknown[use]];
        for (std::size_t n = 0; n < unknown[use].size(); ++n) {
            for (const std::string& text : found[use * unknown[use].size() + n]) {
                if (place.file.empty())
                    place = place_in_tree(text);
            }
        }
    }
}

std::set<AskedOrder> Orders::asked_for()
{
    find_places();
    std::set<AskedOrder> found;
    for (const auto& [callers, use] : uses_) {
        const Place& place = places_[callers];
        for (const Half half : {Half::Acquire, Half::Release, Half::Fence}) {
            if ((use.asked & static_cast<u8>(half)) != 0 && !place.file.empty())
                found.insert({place.file, place.line, half});
        }
    }
    return found;
}

void Orders::leave_out(const std::optional<AskedOrder>& left_out)
{
    leaves_one_out_ = left_out.has_value();
    for (auto& [callers, use] : uses_) {
        const auto place = places_.find(callers);
        const bool here = left_out && place != places_.end() && place->second.file == left_out->file &&
                          place->second.line == left_out->line;
        use.left_out = here ? static_cast<u8>(left_out->half) : 0;
    }
}

} // namespace percival::testing
