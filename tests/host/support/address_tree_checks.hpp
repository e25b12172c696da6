// SPDX-License-Identifier: BSD-2-Clause
// Checks the invariants of a tree of kernel/lib/address_tree.hpp by computing everything from scratch.
#pragma once

#include "kernel/lib/address_tree.hpp"

#include <cmath>
#include <string>
#include <vector>

namespace percival::testing {

template <class Node>
class AddressTreeCheck {
public:
    // Checks the tree below `root`, which may be null, and puts its nodes into `in_order`. Returns an empty
    // string, or what is wrong.
    static std::string run(Node* root, std::vector<Node*>& in_order)
    {
        AddressTreeCheck check{in_order};
        in_order.clear();
        if (root != nullptr && root->tree.parent != nullptr)
            return "the root has a parent";
        const int depth = check.visit(root);
        if (check.problem_.empty() && depth > 1.4405 * std::log2(static_cast<double>(in_order.size()) + 2))
            return "the tree is too deep";
        return check.problem_.empty() ? check.check_neighbours() : check.problem_;
    }

private:
    using Tree = mm::AddressTree<Node>;

    explicit AddressTreeCheck(std::vector<Node*>& in_order) : in_order_{in_order} {}

    // Checks the subtree of `node` and returns its depth.
    int visit(Node* node)
    {
        if (node == nullptr || !problem_.empty())
            return 0;
        for (const Node* child : {node->tree.left, node->tree.right}) {
            if (child != nullptr && child->tree.parent != node)
                problem_ = "a child does not know its parent";
        }
        const int left = visit(node->tree.left);
        in_order_.push_back(node);
        const int right = visit(node->tree.right);
        if (left - right > 1 || right - left > 1)
            problem_ = "a node is out of balance";
        if (node->tree.height != 1 + std::max(left, right))
            problem_ = "a height is wrong";
        // The summaries of the children are checked already, and summarize() relies on them.
        if (!(node->summary == node->summarize()))
            problem_ = "a summary is out of date";
        return 1 + std::max(left, right);
    }

    // Checks that previous() and next() find the neighbours of each node.
    std::string check_neighbours() const
    {
        for (std::size_t at = 0; at < in_order_.size(); ++at) {
            Node* before = at == 0 ? nullptr : in_order_[at - 1];
            Node* after = at + 1 == in_order_.size() ? nullptr : in_order_[at + 1];
            if (Tree::previous(*in_order_[at]) != before || Tree::next(*in_order_[at]) != after)
                return "a neighbour is not found";
        }
        return {};
    }

    std::vector<Node*>& in_order_;
    std::string problem_;
};

} // namespace percival::testing
