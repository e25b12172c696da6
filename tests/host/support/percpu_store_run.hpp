// SPDX-License-Identifier: BSD-2-Clause
// Random use of a percpu store, judged by its model.
#pragma once

#include "support/percpu_store_model.hpp"

#include <random>
#include <string>

namespace percival::testing {

class PercpuStoreRun {
public:
    // `with_failures`: now and then memory runs out during an operation. The statistics are looked at after each
    // `check_every` steps.
    PercpuStoreRun(u64 seed, const PercpuStoreShape& shape, bool with_failures, u32 check_every)
        : random_{seed}, with_failures_{with_failures}, check_every_{check_every}, model_{shape}
    {
    }

    // One operation. Empty, or what went wrong.
    std::string step();
    // Gives all back.
    std::string finish();

    PercpuStoreModel& model() { return model_; }
    // A number below another one.
    u64 choose(u64 below) { return below <= 1 ? 0 : random_() % below; }

private:
    void operate(bool fill);
    percpu::Request some_request();
    void take_one();
    void take_or_note(percpu::Request request);
    void take_many();
    void give_one();
    void give_many();
    std::string said() const;

    std::mt19937_64 random_;
    bool with_failures_;
    u32 check_every_;
    PercpuStoreModel model_;
    u64 steps_{0};
};

} // namespace percival::testing
