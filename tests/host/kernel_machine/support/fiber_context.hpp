// SPDX-License-Identifier: BSD-2-Clause
// The context of a kernel thread on the host: a stack of its own, and the registers while it does not run.
#pragma once

#include <cstddef>
#include <memory>
#include <ucontext.h>

namespace percival::testing {

class FiberContext {
public:
    static constexpr std::size_t kStackSize = std::size_t{256} << 10;

    // The context of the caller, on the stack of the program.
    FiberContext() = default;
    // A context that begins with `entry` on the stack that begins at `stack`.
    FiberContext(std::byte* stack, void (*entry)());
    FiberContext(const FiberContext&) = delete;
    FiberContext& operator=(const FiberContext&) = delete;

    // Saves the running context, this one, and continues `next`. Returns when another context continues this
    // one.
    void switch_to(FiberContext& next);
    // Called first by the entry of a context.
    static void arrive();

    void* handed{nullptr}; // what the context that continued this one passed on

private:
    ucontext_t registers_{};
    const void* bottom_{nullptr};
    std::size_t size_{0};
};

// Returns a stack of FiberContext::kStackSize that nothing uses.
std::byte* take_fiber_stack();
void give_fiber_stack_back(std::byte* stack);

} // namespace percival::testing
