// SPDX-License-Identifier: BSD-2-Clause
// The places of the source that ask for an order: acquire, release, or a fence. The explorer can run the code
// without the order of one place, and so find out whether anything depends on it (support/judge.hpp).
//
// A place is found by the return addresses of the explorer's caller and of its callers, because the functions
// of <atomic> lie between. The innermost of these that belongs to the tree is the place.
#pragma once

#include "kernel/lib/types.hpp"

#include <array>
#include <compare>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace percival::testing {

enum class Order : u8 { Relaxed, Acquire, Release, AcqRel, SeqCst };
enum class Fence : u8 { Acquire, Release, Stores, Full };

constexpr bool acquires(Order order)
{
    return order != Order::Relaxed && order != Order::Release;
}
constexpr bool releases(Order order)
{
    return order != Order::Relaxed && order != Order::Acquire;
}

enum class Half : u8 { Acquire = 1, Release = 2, Fence = 4 };

struct AskedOrder {
    std::string file; // relative to the tree
    u32 line;
    Half half;
    friend auto operator<=>(const AskedOrder&, const AskedOrder&) = default;
};

class Orders {
public:
    // Return what remains of an order or a fence: all of it, but in the place that goes without. `frame` is
    // that of the function that the kernel's code has called.
    Order remaining(Order order, const void* frame);
    bool remains(const void* frame) { return remaining_halves(4, frame) != 0; }

    // Forgets which orders were asked for.
    void forget() { uses_.clear(); }
    // Returns the orders that the kernel has asked for since then.
    std::set<AskedOrder> asked_for();
    // From now on the code goes without this order, or without none.
    void leave_out(const std::optional<AskedOrder>& left_out);
    bool leaves_one_out() const { return leaves_one_out_; }

private:
    using Callers = std::array<const void*, 3>; // return addresses, the innermost first
    struct Place {
        std::string file;
        u32 line{0};
    };
    struct Use {
        u8 asked{0}; // bits of Half
        u8 left_out{0};
    };

    static Place place_in_tree(std::string_view text);
    u8 remaining_halves(u8 asked, const void* frame);
    void find_places();

    std::map<Callers, Use> uses_;
    std::map<Callers, Place> places_;
    bool leaves_one_out_{false};
};

} // namespace percival::testing
