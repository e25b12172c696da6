// SPDX-License-Identifier: BSD-2-Clause
// Fuzzes the address allocator with arbitrary sequences of operations. The first byte chooses the size of the
// region, the others the operations. A difference from the plain list, or a broken invariant of the tree, is
// a crash.
#include "support/vm_region_model.hpp"
#include "tests/fuzz/broken_invariant.hpp"

#include <span>

using namespace percival;
using namespace percival::testing;

namespace {

// Draws numbers from the fuzzer's bytes, two for a large number, and zeroes when no bytes are left.
struct Bytewise {
    std::span<const u8>* bytes;
    u64 next() const
    {
        if (bytes->empty())
            return 0;
        const u64 value = bytes->front();
        *bytes = bytes->subspan(1);
        return value;
    }
    u64 operator()(u64 below) const { return (below <= 256 ? next() : next() << 8 | next()) % below; }
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size)
{
    if (size == 0)
        return 0;
    std::span bytes{data + 1, std::min<std::size_t>(size - 1, 4096)};
    VmRegionModelRun<Bytewise> model{Bytewise{&bytes}, data[0] * u64{4} + 16};
    while (!bytes.empty()) {
        stop_at(model.step());
        stop_at(model.check());
    }
    stop_at(model.finish());
    return 0;
}
