// SPDX-License-Identifier: BSD-2-Clause
// Fuzzes the map of a percpu chunk with arbitrary sequences of steps. The bytes of the input choose first the
// shape and then the operations. Now and then, and at the end, everything is compared with an array of one
// byte per grain.
#include "support/percpu_map_model.hpp"
#include "tests/fuzz/broken_invariant.hpp"

namespace percival::testing {
namespace {

// Draws a number below `below` from as many bytes of the input as it needs; 0 when no bytes are left.
class Bytestream {
public:
    Bytestream(const u8* data, std::size_t size) : data_{data}, size_{size} {}
    bool is_empty() const { return at_ >= size_; }
    u64 operator()(u64 below)
    {
        u64 number = 0;
        for (u64 reach = 1; reach < below && !is_empty(); reach <<= 8)
            number = number << 8 | data_[at_++];
        return below <= 1 ? 0 : number % below;
    }

private:
    const u8* data_;
    std::size_t size_;
    std::size_t at_{0};
};

PercpuMapShape some_shape(Bytestream& choose)
{
    const Bytes page = choose(4) == 0 ? 16_KiB : 4_KiB;
    const Bytes unit = page == 4_KiB ? page * (1 + choose(4)) : page;
    const u64 end = unit.count() / 4 - choose(2) * choose(1024);
    const u64 begin = choose(2) * choose(end);
    return {unit, page, Bytes{begin * 4}, Bytes{end * 4}};
}

} // namespace
} // namespace percival::testing

extern "C" int LLVMFuzzerTestOneInput(const percival::u8* data, std::size_t size)
{
    using namespace percival::testing;
    Bytestream bytes{data, size};
    const PercpuMapShape shape = some_shape(bytes);
    PercpuMapModelRun run{[&bytes](percival::u64 below) { return bytes(below); }, shape, 256};
    while (!bytes.is_empty())
        stop_at(run.step());
    stop_at(run.finish());
    return 0;
}
