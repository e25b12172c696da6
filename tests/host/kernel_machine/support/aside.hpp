// SPDX-License-Identifier: BSD-2-Clause
#pragma once

namespace percival::testing {

// While it lives, the CPU is not stopped and takes no interrupt: for what is one step of the machine, and for
// what a test does beside the kernel.
class Aside {
public:
    Aside();
    ~Aside();
    Aside(const Aside&) = delete;
    Aside& operator=(const Aside&) = delete;

private:
    bool before_;
};

} // namespace percival::testing
