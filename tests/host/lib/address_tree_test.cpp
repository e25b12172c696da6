// SPDX-License-Identifier: BSD-2-Clause
// Compares the augmented tree with a list: all small trees, and long random runs on large ones.
#include "tests/host/support/address_tree_checks.hpp"

#include "kernel/lib/types.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <numeric>
#include <random>
#include <span>

namespace percival::testing {
namespace {

// A sum changes with every value below, a maximum only with some. So an update that may stop early for one
// must not stop early for the other.
struct Summary {
    u64 sum;
    u64 most;
    friend bool operator==(const Summary&, const Summary&) = default;
};

struct Node {
    Summary summarize() const
    {
        Summary all{value, value};
        for (const Node* child : {tree.left, tree.right}) {
            if (child != nullptr)
                all = {all.sum + child->summary.sum, std::max(all.most, child->summary.most)};
        }
        return all;
    }

    u64 value{0};
    mm::TreeLinks<Node> tree{};
    Summary summary{};
};

// The tree, and a list of its nodes in order.
struct Pair {
    // Inserts beside the neighbour on either side; both ways must give the same result.
    void insert(std::size_t at, Node& node)
    {
        if (list.empty())
            tree.insert_first(node);
        else if (at == list.size() || (at > 0 && (node.value & 1) != 0))
            tree.insert_after(*list[at - 1], node);
        else
            tree.insert_before(*list[at], node);
        list.insert(list.begin() + static_cast<std::ptrdiff_t>(at), &node);
    }
    void remove(std::size_t at)
    {
        tree.remove(*list[at]);
        list.erase(list.begin() + static_cast<std::ptrdiff_t>(at));
    }
    // Returns the problem found, or an empty string.
    std::string problem()
    {
        std::string found = AddressTreeCheck<Node>::run(tree.root(), in_order);
        if (!found.empty())
            return found;
        if (tree.is_empty() != list.empty() || tree.first() != (list.empty() ? nullptr : list[0]))
            return "the first node is not found";
        return in_order == list ? "" : "the nodes are not those of the list, in its order";
    }

    mm::AddressTree<Node> tree;
    std::vector<Node*> list;
    std::vector<Node*> in_order;
};

// Inserts nodes 0 to `order.size()`-1 in the given order, each at its place.
void build(Pair& pair, std::span<Node> nodes, std::span<const u8> order)
{
    for (const u8 number : order) {
        const auto place = std::ranges::lower_bound(pair.list, &nodes[number]);
        pair.insert(static_cast<std::size_t>(place - pair.list.begin()), nodes[number]);
    }
}

void remove(Pair& pair, std::span<Node> nodes, u8 number)
{
    const auto place = std::ranges::find(pair.list, &nodes[number]);
    pair.remove(static_cast<std::size_t>(place - pair.list.begin()));
}

std::array<Node, 8> some_nodes()
{
    std::array<Node, 8> nodes{};
    for (u64 number = 0; number < 8; ++number)
        nodes[number].value = number * 5 % 8;
    return nodes;
}

TEST(AddressTree, EveryOrderOfInsertionKeepsTheInvariantsAtEachStep)
{
    for (u8 count = 1; count <= 8; ++count) {
        std::vector<u8> order(count);
        std::iota(order.begin(), order.end(), u8{0});
        do {
            auto nodes = some_nodes();
            Pair pair;
            for (std::size_t done = 0; done < order.size(); ++done) {
                build(pair, nodes, std::span{order}.subspan(done, 1));
                ASSERT_EQ(pair.problem(), "");
            }
        } while (std::ranges::next_permutation(order).found);
    }
}

TEST(AddressTree, EveryOrderOfRemovalFromEveryTreeOfFiveKeepsTheInvariantsAtEachStep)
{
    std::array<u8, 5> inserted{0, 1, 2, 3, 4};
    do {
        std::array<u8, 5> removed{0, 1, 2, 3, 4};
        do {
            auto nodes = some_nodes();
            Pair pair;
            build(pair, nodes, inserted);
            for (const u8 number : removed) {
                remove(pair, nodes, number);
                ASSERT_EQ(pair.problem(), "");
            }
        } while (std::ranges::next_permutation(removed).found);
    } while (std::ranges::next_permutation(inserted).found);
}

TEST(AddressTree, EveryNodeCanBeRemovedFirstFromEveryTreeOfEight)
{
    std::array<u8, 8> order{0, 1, 2, 3, 4, 5, 6, 7};
    do {
        for (u8 number = 0; number < 8; ++number) {
            auto nodes = some_nodes();
            Pair pair;
            build(pair, nodes, order);
            remove(pair, nodes, number);
            ASSERT_EQ(pair.problem(), "");
        }
    } while (std::ranges::next_permutation(order).found);
}

TEST(AddressTree, AHundredThousandRandomStepsAgreeWithAList)
{
    constexpr u64 kSteps = 100'000, kMaxNodes = 1'000;
    std::mt19937_64 random{1};
    std::vector<std::unique_ptr<Node>> nodes;
    Pair pair;
    for (u64 step = 0; step < kSteps; ++step) {
        const bool grows = (step / 10'000) % 2 == 0;
        const u64 what = random() % 10;
        if (pair.list.empty() || (what < (grows ? 5u : 3u) && pair.list.size() < kMaxNodes)) {
            nodes.push_back(std::make_unique<Node>(random() % 1'000));
            pair.insert(random() % (pair.list.size() + 1), *nodes.back());
        } else if (what < 8) {
            pair.remove(random() % pair.list.size());
        } else {
            Node& node = *pair.list[random() % pair.list.size()];
            node.value = random() % 1'000;
            pair.tree.refresh(node);
        }
        if (step % 50 == 0 || pair.list.size() < 20)
            ASSERT_EQ(pair.problem(), "") << "step " << step;
    }
    while (!pair.list.empty())
        pair.remove(random() % pair.list.size());
    EXPECT_EQ(pair.problem(), "");
}

TEST(AddressTree, InsertionAndRemovalInOrderKeepTheTreeShallow)
{
    constexpr std::size_t kCount = 100'000;
    std::vector<Node> nodes(kCount);
    for (const bool up : {true, false}) {
        mm::AddressTree<Node> tree;
        std::vector<Node*> in_order;
        for (std::size_t index = 0; index < kCount; ++index) {
            if (index == 0)
                tree.insert_first(nodes[0]);
            else if (up)
                tree.insert_after(nodes[index - 1], nodes[index]);
            else
                tree.insert_before(nodes[index - 1], nodes[index]);
        }
        EXPECT_EQ(AddressTreeCheck<Node>::run(tree.root(), in_order), "");
        EXPECT_EQ(in_order.size(), kCount);
        // The tree also stays shallow when nodes are removed in order, from one side.
        for (std::size_t index = 0; index < kCount - 10; ++index)
            tree.remove(nodes[index]);
        EXPECT_EQ(AddressTreeCheck<Node>::run(tree.root(), in_order), "");
        EXPECT_EQ(in_order.size(), 10u);
    }
}

} // namespace
} // namespace percival::testing
