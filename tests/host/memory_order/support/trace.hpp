// SPDX-License-Identifier: BSD-2-Clause
// The steps of a schedule, for people.
#pragma once

#include "kernel/lib/types.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace percival::testing {

struct TraceStep {
    u32 cpu;
    const char* what;
    std::uintptr_t address;
    u32 size;
    u64 value;
    const char* how;
    const void* pc; // the code that takes the step, or null
};

class Trace {
public:
    void clear() { steps_.clear(); }
    void add(const TraceStep& step) { steps_.push_back(step); }
    // Returns one line for each step.
    std::string text() const;

private:
    std::vector<TraceStep> steps_;
};

} // namespace percival::testing
