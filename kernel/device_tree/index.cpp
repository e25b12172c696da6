// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/device_tree/index.hpp"

#include <libfdt.h>

namespace percival {
namespace {

DeviceTreeError damaged(int libfdt_error)
{
    return {"blob", "", "is damaged, libfdt error", static_cast<u64>(-libfdt_error)};
}

// Walks through the structure of a blob whose header is right, once and in order. Checks what
// fdt_check_full() of libfdt checks, with the same errors, and indexes the tree on the way.
class OneWalk {
public:
    OneWalk(std::span<const std::byte> blob, DeviceTreeIndex& index) : blob_{blob}, index_{index}
    {
        index.clear();
    }

    DeviceTreeResult<void> run()
    {
        for (int at = 0;;) {
            int next = 0;
            const u32 tag = fdt_next_tag(blob_.data(), at, &next);
            if (next < 0)
                return std::unexpected(damaged(next));
            if (tag == FDT_END)
                break;
            if (const int problem = take(tag, at); problem < 0)
                return std::unexpected(damaged(problem));
            at = next;
        }
        if (depth_ != 0)
            return std::unexpected(damaged(-FDT_ERR_BADSTRUCTURE));
        return judge();
    }

private:
    // Returns an error of libfdt if the structure must not go on with this tag, or else 0.
    int take(u32 tag, int at)
    {
        switch (tag) {
        case FDT_BEGIN_NODE:
            return begin_node(at);
        case FDT_END_NODE:
            return end_node();
        case FDT_PROP:
            return property(at);
        case FDT_NOP:
            return 0;
        default:
            return -FDT_ERR_INTERNAL;
        }
    }

    int begin_node(int at)
    {
        if (++depth_ == 1) {
            int length = 0;
            const char* name = fdt_get_name(blob_.data(), at, &length);
            if (name == nullptr || length != 0)
                return -FDT_ERR_BADSTRUCTURE; // the root has no name
            begins_with_root_ = begins_with_root_ || (index_.size() == 0 && at == 0);
        }
        if (is_behind_root_ || is_full_)
            return 0;
        if (depth_ > DeviceTreeIndex::kMaxDepth + 1 && !too_deep_)
            too_deep_ = at;
        const auto added = index_.add_node(open_, static_cast<u32>(at));
        is_full_ = !added;
        if (added)
            open_ = *added;
        takes_properties_ = added.has_value();
        return 0;
    }

    int end_node()
    {
        if (depth_ == 0)
            return -FDT_ERR_BADSTRUCTURE;
        --depth_;
        takes_properties_ = false;
        if (is_behind_root_ || is_full_)
            return 0;
        index_.end_node(open_);
        open_ = index_.parent_of(open_);
        is_behind_root_ = depth_ == 0;
        return 0;
    }

    // A property behind a child of its node is none, as in libfdt.
    int property(int at)
    {
        int length = 0;
        const char* text = nullptr;
        const void* value = fdt_getprop_by_offset(blob_.data(), at, &text, &length);
        if (value == nullptr)
            return length;
        const auto name = takes_properties_ ? DeviceTreePropertyName::with_text(text) : std::nullopt;
        if (name) {
            const auto offset = static_cast<u32>(static_cast<const std::byte*>(value) - blob_.data());
            is_full_ = !index_.add_property(*name, {offset, static_cast<u32>(length)}) || is_full_;
        }
        return 0;
    }

    DeviceTreeResult<void> judge() const
    {
        if (!begins_with_root_)
            return std::unexpected(DeviceTreeError{"blob", "", "does not begin with a root node"});
        if (too_deep_)
            return std::unexpected(
                DeviceTreeError{fdt_get_name(blob_.data(), *too_deep_, nullptr), "", "is nested too deep"});
        if (is_full_)
            return std::unexpected(
                DeviceTreeError{"blob", "",
                                "has more nodes, or more properties that the kernel reads, "
                                "than it can hold; nodes",
                                DeviceTreeIndex::kMaxNodes});
        return {};
    }

    std::span<const std::byte> blob_;
    DeviceTreeIndex& index_;
    int depth_{0};                     // of the open node; the root's is 1
    u16 open_{DeviceTreeIndex::kNone}; // the node whose end is due
    bool takes_properties_{false};     // no node has ended since the open one began
    bool begins_with_root_{false};
    bool is_behind_root_{false};
    bool is_full_{false};
    std::optional<int> too_deep_;
};

} // namespace

DeviceTreeResult<void> index_device_tree(std::span<const std::byte> blob, DeviceTreeIndex& index)
{
    if (const int problem = fdt_check_header(blob.data()); problem < 0)
        return std::unexpected(damaged(problem));
    if (const int entries = fdt_num_mem_rsv(blob.data()); entries < 0)
        return std::unexpected(damaged(entries));
    return OneWalk{blob, index}.run();
}

} // namespace percival
