// SPDX-License-Identifier: BSD-2-Clause
// Runs random operations on a percpu store. The model checks each.
#pragma once

#include "percpu_store/support/store_model.hpp"

#include <random>
#include <string>

namespace percival::testing {

class PercpuStoreRun {
public:
    // If `with_failures`, memory runs out during some operations. The statistics are checked after every
    // `check_every` steps.
    PercpuStoreRun(u64 seed, const PercpuStoreShape& shape, bool with_failures, u32 check_every)
        : random_{seed}, with_failures_{with_failures}, check_every_{check_every}, model_{shape}
    {
    }

    // Runs one operation. Returns the first error so far, or an empty string.
    std::string step();
    // Frees everything. Returns the first error, or an empty string.
    std::string finish();

    PercpuStoreModel& model() { return model_; }
    // Returns a random number below `below`, or 0.
    u64 choose(u64 below) { return below <= 1 ? 0 : random_() % below; }

private:
    void operate(bool fill);
    percpu::Request some_request();
    void take_one();
    void take_or_note(percpu::Request request);
    void take_many();
    void put_one();
    void put_many();
    // Returns the model's first error and the step, or an empty string.
    std::string complaint_at_step() const;

    std::mt19937_64 random_;
    bool with_failures_;
    u32 check_every_;
    PercpuStoreModel model_;
    u64 steps_{0};
};

} // namespace percival::testing
