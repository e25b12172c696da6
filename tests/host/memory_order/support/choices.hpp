// SPDX-License-Identifier: BSD-2-Clause
// The decisions of one schedule. Depth first, each schedule repeats the decisions of the one before it up to
// the last that has an option left. At random, each is drawn from a seed.
#pragma once

#include "kernel/lib/types.hpp"

#include <optional>
#include <random>
#include <vector>

namespace percival::testing {

class Choices {
public:
    void go_depth_first() { random_.reset(); }
    void go_at_random(u64 seed) { random_.emplace(seed); }

    // Begins a schedule.
    void begin() { next_ = 0; }
    // Returns a number below `count`. Option 0 is the one that a sequentially consistent machine takes
    // without a preemption.
    u32 choose(u32 count)
    {
        if (count < 2)
            return 0;
        if (random_)
            return (*random_)() % 2 == 0 ? 0 : static_cast<u32>((*random_)() % count);
        if (next_ == path_.size())
            path_.push_back({0, count});
        return path_[next_++].chosen;
    }
    // Moves on to the next schedule. Returns false if there is none.
    bool advance()
    {
        for (; !path_.empty(); path_.pop_back()) {
            if (++path_.back().chosen < path_.back().count)
                return true;
        }
        return false;
    }
    void forget() { path_.clear(); }

private:
    struct Decision {
        u32 chosen;
        u32 count;
    };
    std::vector<Decision> path_;
    std::size_t next_{0};
    std::optional<std::mt19937_64> random_;
};

} // namespace percival::testing
