// SPDX-License-Identifier: BSD-2-Clause
// A balanced binary tree of nodes in the order of their addresses (an augmented AVL tree). Each node has a
// summary of all nodes below it. The tree is intrusive: a node contains its own links, so no operation
// allocates and none can fail.
//
// There are no keys: a node is inserted directly after or before a node of the tree. That suits ranges that
// tile a region and come and go.
//
// The caller serializes calls. Any context; also used on the host.
//
// Invariants:
// * The heights of a node's two subtrees differ by at most one, so a tree of n nodes is at most 1.44 log2(n)
//   deep.
// * A node's summary holds for the node and for all nodes below it.
#pragma once

#include "kernel/lib/types.hpp"

#include <algorithm>
#include <utility>

namespace percival::mm {

template <class Node>
struct TreeLinks {
    Node* parent{nullptr};
    Node* left{nullptr};
    Node* right{nullptr};
    u8 height{1};
};

// Node has a member `tree` of type TreeLinks<Node>, a member `summary` of a comparable type, and a function
// summarize(). summarize() computes the summary from the node itself and its children's summaries.
template <class Node>
class AddressTree {
public:
    constexpr AddressTree() = default;

    Node* root() const { return root_; }
    bool is_empty() const { return root_ == nullptr; }
    Node* first() const { return root_ == nullptr ? nullptr : leftmost(*root_); }

    static Node* next(Node& node) { return neighbour(node, &TreeLinks<Node>::right, &TreeLinks<Node>::left); }
    static Node* previous(Node& node)
    {
        return neighbour(node, &TreeLinks<Node>::left, &TreeLinks<Node>::right);
    }

    void insert_first(Node& node)
    {
        if (Node* place = first())
            return insert_before(*place, node);
        node.tree = {};
        node.summary = node.summarize();
        root_ = &node;
    }
    void insert_after(Node& place, Node& node)
    {
        insert_beside(place, node, &TreeLinks<Node>::right, &TreeLinks<Node>::left);
    }
    void insert_before(Node& place, Node& node)
    {
        insert_beside(place, node, &TreeLinks<Node>::left, &TreeLinks<Node>::right);
    }

    void remove(Node& node)
    {
        if (node.tree.left != nullptr && node.tree.right != nullptr)
            return replace_by_successor(node);
        Node* parent = node.tree.parent;
        replace_child(parent, node, node.tree.left != nullptr ? node.tree.left : node.tree.right);
        update_upwards(parent);
    }

    // Updates the summaries after the data that summarize() reads in `node` itself has changed.
    void refresh(Node& node)
    {
        for (Node* at = &node; at != nullptr; at = at->tree.parent) {
            const auto before = std::exchange(at->summary, at->summarize());
            if (at->summary == before)
                return;
        }
    }

private:
    using Side = Node* TreeLinks<Node>::*;

    static Node* leftmost(Node& top)
    {
        Node* at = &top;
        while (at->tree.left != nullptr)
            at = at->tree.left;
        return at;
    }

    // Returns the next node on the side `towards`, or null.
    static Node* neighbour(Node& node, Side towards, Side away)
    {
        Node* at = &node;
        if (at->tree.*towards != nullptr) {
            at = at->tree.*towards;
            while (at->tree.*away != nullptr)
                at = at->tree.*away;
            return at;
        }
        while (at->tree.parent != nullptr && at->tree.parent->tree.*towards == at)
            at = at->tree.parent;
        return at->tree.parent;
    }

    void insert_beside(Node& place, Node& node, Side side, Side other)
    {
        node.tree = {};
        Node* parent = &place;
        Side free_side = side;
        if (place.tree.*side != nullptr) {
            parent = place.tree.*side;
            while (parent->tree.*other != nullptr)
                parent = parent->tree.*other;
            free_side = other;
        }
        parent->tree.*free_side = &node;
        node.tree.parent = parent;
        node.summary = node.summarize();
        update_upwards(parent);
    }

    // Puts `now`, which may be null, where `old` is: below `parent`, or at the root if `parent` is null.
    void replace_child(Node* parent, Node& old, Node* now)
    {
        (parent == nullptr           ? root_
         : parent->tree.left == &old ? parent->tree.left
                                     : parent->tree.right) = now;
        if (now != nullptr)
            now->tree.parent = parent;
    }

    // Moves the next node, which has no left child, to the place of the removed node.
    void replace_by_successor(Node& node)
    {
        Node& successor = *leftmost(*node.tree.right);
        Node* changed = successor.tree.parent == &node ? &successor : successor.tree.parent;
        replace_child(successor.tree.parent, successor, successor.tree.right);
        successor.tree = node.tree;
        replace_child(node.tree.parent, node, &successor);
        adopt(successor.tree.left, successor);
        adopt(successor.tree.right, successor);
        successor.summary = node.summary; // the summary that the nodes above have taken into account
        update_upwards(changed);
        refresh(successor);
    }

    static void adopt(Node* child, Node& parent)
    {
        if (child != nullptr)
            child->tree.parent = &parent;
    }

    static int height(const Node* node) { return node == nullptr ? 0 : node->tree.height; }
    static int lean(const Node& node) { return height(node.tree.left) - height(node.tree.right); }

    static void update(Node& node)
    {
        node.tree.height = static_cast<u8>(1 + std::max(height(node.tree.left), height(node.tree.right)));
        node.summary = node.summarize();
    }

    // Rotates `top` down to the side `down`; its child on the side `rising` takes its place. Returns that
    // child.
    Node& rotate(Node& top, Side down, Side rising)
    {
        Node& riser = *(top.tree.*rising);
        replace_child(top.tree.parent, top, &riser);
        top.tree.*rising = riser.tree.*down;
        adopt(top.tree.*rising, top);
        riser.tree.*down = &top;
        top.tree.parent = &riser;
        update(top);
        update(riser);
        return riser;
    }

    Node& balance(Node& node)
    {
        constexpr Side kLeft = &TreeLinks<Node>::left;
        constexpr Side kRight = &TreeLinks<Node>::right;
        update(node);
        if (lean(node) > 1) {
            if (lean(*node.tree.left) < 0)
                rotate(*node.tree.left, kLeft, kRight);
            return rotate(node, kRight, kLeft);
        }
        if (lean(node) < -1) {
            if (lean(*node.tree.right) > 0)
                rotate(*node.tree.right, kRight, kLeft);
            return rotate(node, kLeft, kRight);
        }
        return node;
    }

    // Updates and balances from `from`, a node one of whose subtrees has changed, up to the first node where
    // height and summary stay the same.
    void update_upwards(Node* from)
    {
        while (from != nullptr) {
            const u8 height_before = from->tree.height;
            const auto summary_before = from->summary;
            const Node& top = balance(*from);
            if (top.tree.height == height_before && top.summary == summary_before)
                return;
            from = top.tree.parent;
        }
    }

    Node* root_{nullptr};
};

} // namespace percival::mm
