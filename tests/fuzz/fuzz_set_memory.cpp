// SPDX-License-Identifier: BSD-2-Clause
// Fuzzes set_memory() and merges with arbitrary sequences of changes. A rule broken on the simulated machine,
// or a difference from the plain list of pages, is a crash. The first byte chooses the granule.
#include "support/set_memory_model.hpp"
#include "tests/fuzz/broken_invariant.hpp"
#include "tests/fuzz/bytewise.hpp"

#include <span>

using namespace percival;
using namespace percival::testing;

namespace {

template <class G>
void run(std::span<const u8> bytes)
{
    SetMemoryModelRun<G, Bytewise> model{Bytewise{&bytes}};
    while (!bytes.empty())
        stop_at(model.step());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size)
{
    if (size == 0)
        return 0;
    const std::span bytes{data + 1, std::min<std::size_t>(size - 1, 512)};
    if (data[0] % 4 == 0)
        run<mm::Geometry16k48>(bytes);
    else
        run<mm::Geometry4k39>(bytes);
    return 0;
}
