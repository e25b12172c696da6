// SPDX-License-Identifier: BSD-2-Clause
// Fuzzes the page-table engine with arbitrary sequences of operations. The first byte chooses the geometry,
// the others the operations. A rule broken on the simulated machine, or a difference from the plain map, is a
// crash.
#include "support/page_table_model.hpp"
#include "tests/fuzz/broken_invariant.hpp"
#include "tests/fuzz/bytewise.hpp"

#include <span>

using namespace percival;
using namespace percival::testing;

namespace {

template <class G>
void run(std::span<const u8> bytes)
{
    const Tables tables = !bytes.empty() && bytes[0] % 2 == 0 ? Tables::Private : Tables::Shared;
    PageTableModelRun<G, Bytewise> model{Bytewise{&bytes}, tables};
    while (!bytes.empty())
        stop_at(model.step());
    stop_at(model.finish());
}

// Runs in the geometry of this number.
template <class... G>
void run_in(unsigned number, ::testing::Types<G...> /*geometries*/, std::span<const u8> bytes)
{
    unsigned at = 0;
    ((at++ == number ? run<G>(bytes) : void()), ...);
}

template <class... G>
constexpr unsigned count_of(::testing::Types<G...> /*types*/)
{
    return sizeof...(G);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size)
{
    if (size == 0)
        return 0;
    const std::span bytes{data + 1, std::min<std::size_t>(size - 1, 1024)};
    run_in(data[0] % count_of(AllGeometries{}), AllGeometries{}, bytes);
    return 0;
}
