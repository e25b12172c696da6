// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/device_tree/error.hpp"

#include "kernel/lib/printable.hpp"

namespace percival {

DeviceTreeError::DeviceTreeError(std::string_view path, std::string_view property, std::string_view problem,
                                 std::optional<u64> value)
    : property_{property}, problem_{problem}, value_{value}
{
    Writer out{path_};
    if (path.size() > kPathLength) {
        out.put("...");
        path.remove_prefix(path.size() - kPathLength + out.text().size());
    }
    for (char c : path)
        out.put(printable_or_mark(c));
    path_size_ = static_cast<u8>(out.text().size());
}

void DeviceTreeError::describe(Writer& out) const
{
    format(out, "device tree: {}: ", path());
    if (!property_.empty())
        format(out, "{}: ", property_);
    out.put(problem_);
    if (value_)
        format(out, " ({:x})", *value_);
}

} // namespace percival
