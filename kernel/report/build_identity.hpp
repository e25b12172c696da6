// SPDX-License-Identifier: BSD-2-Clause
// Which build this Image is, so that a saved log names what it measured. scripts/make_build_identity.py
// writes the definition. Any context once the image is mapped.
#pragma once

#include <string_view>

namespace percival {

struct BuildIdentity {
    std::string_view version;
    std::string_view commit; // ends with a plus if the tree had changes; "unknown" outside a repository
    std::string_view preset;
};

extern const BuildIdentity kBuildIdentity;

} // namespace percival
