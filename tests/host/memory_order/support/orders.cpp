// SPDX-License-Identifier: BSD-2-Clause
#include "memory_order/support/orders.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <link.h>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace percival::testing {
namespace {

constexpr std::string_view kTree = PERCIVAL_SOURCE_DIR "/";

// Returns how far the program lies from the addresses in its file.
std::uintptr_t load_bias()
{
    std::uintptr_t bias = 0;
    dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* out) {
            *static_cast<std::uintptr_t*>(out) = info->dlpi_addr;
            return 1; // the first object is the program
        },
        &bias);
    return bias;
}

// Returns the file and the line of "file:line:column" if the file belongs to the tree, but not to the
// explorer's versions of the kernel's headers.
std::optional<std::pair<std::string, u32>> place_in_tree(std::string_view text)
{
    if (!text.starts_with(kTree))
        return {};
    text.remove_prefix(kTree.size());
    const auto colon = text.find(':');
    const std::string_view file = text.substr(0, colon);
    if (file.contains("memory_order/doubles/") && file.ends_with(".hpp"))
        return {};
    return std::pair{std::string{file}, static_cast<u32>(std::strtoul(text.data() + colon + 1, nullptr, 10))};
}

} // namespace

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

// Asks the symbolizer for the places of all new uses at once: each time it reads all debug information.
void Orders::find_places()
{
    std::string command = "llvm-symbolizer-19 --obj=/proc/" + std::to_string(getpid()) + "/exe";
    std::vector<Callers> unknown;
    for (const auto& [callers, use] : uses_) {
        if (places_.contains(callers))
            continue;
        unknown.push_back(callers);
        for (const void* const caller : callers) {
            std::array<char, 32> text{};
            // The address after a call may belong to the next line.
            std::snprintf(text.data(), text.size(), " 0x%lx",
                          reinterpret_cast<std::uintptr_t>(caller) - load_bias() - 1);
            command += text.data();
        }
    }
    if (unknown.empty())
        return;
    FILE* const answer = popen(command.c_str(), "r");
    std::array<char, 4096> line{};
    for (const Callers& callers : unknown) {
        std::optional<std::pair<std::string, u32>> place;
        // For each address two lines, function and place, for each function that is inlined there; then an
        // empty line.
        for (std::size_t n = 0; n < callers.size(); ++n) {
            while (std::fgets(line.data(), line.size(), answer) != nullptr && line[0] != '\n') {
                if (std::fgets(line.data(), line.size(), answer) != nullptr && !place)
                    place = place_in_tree(line.data());
            }
        }
        places_[callers] = place ? Place{place->first, place->second} : Place{"", 0};
    }
    if (pclose(answer) != 0)
        std::abort();
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
