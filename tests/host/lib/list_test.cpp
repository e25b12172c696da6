// SPDX-License-Identifier: BSD-2-Clause
// Compares intrusive lists with std::list. Each item can be in two lists at once.
#include "kernel/lib/list.hpp"

#include <gtest/gtest.h>

#include <array>
#include <list>
#include <random>
#include <vector>

namespace percival {
namespace {

struct Red;
struct Blue;
struct Item : ListLink<Red>, ListLink<Blue> {};

template <class Tag>
std::vector<const Item*> items_of(const List<Item, Tag>& list)
{
    std::vector<const Item*> items;
    for (const Item* item = list.front(); item != nullptr; item = list.next(*item))
        items.push_back(item);
    return items;
}

TEST(List, RandomOperationsAgreeWithAStandardList)
{
    std::mt19937_64 random{1};
    std::array<Item, 6> items;
    List<Item, Red> red;
    List<Item, Blue> blue;
    for (Item& item : items)
        blue.push_back(item);
    const std::vector<const Item*> all_blue = items_of(blue);
    std::list<const Item*> model;
    for (int step = 0; step < 5000; ++step) {
        Item& item = items[random() % items.size()];
        const auto found = std::find(model.begin(), model.end(), &item);
        if (found != model.end()) {
            red.remove(item);
            model.erase(found);
        } else if (random() % 2 == 0) {
            red.push_front(item);
            model.push_front(&item);
        } else {
            red.push_back(item);
            model.push_back(&item);
        }
        ASSERT_EQ(items_of(red), (std::vector<const Item*>{model.begin(), model.end()}));
        ASSERT_EQ(red.empty(), model.empty());
    }
    EXPECT_EQ(items_of(blue), all_blue);
}

} // namespace
} // namespace percival
