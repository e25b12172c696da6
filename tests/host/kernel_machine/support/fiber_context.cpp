// SPDX-License-Identifier: BSD-2-Clause
#include "kernel_machine/support/fiber_context.hpp"

#include <cstdlib>
#include <vector>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PERCIVAL_TELL_ASAN 1
#endif
#endif
#ifdef PERCIVAL_TELL_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

// These variables are not the kernel's (support/kernel_state.hpp).
#pragma clang section bss = "" data = ""

namespace percival::testing {
namespace {

// The context that was left last, which learns where its stack is.
FiberContext* left = nullptr;

std::vector<std::unique_ptr<std::byte[]>>& unused_stacks()
{
    static std::vector<std::unique_ptr<std::byte[]>> stacks;
    return stacks;
}

} // namespace

FiberContext::FiberContext(std::byte* stack, void (*entry)()) : bottom_{stack}, size_{kStackSize}
{
    if (getcontext(&registers_) != 0)
        std::abort();
#ifdef PERCIVAL_TELL_ASAN
    __asan_unpoison_memory_region(stack, kStackSize); // of frames that were abandoned
#endif
    registers_.uc_stack.ss_sp = stack;
    registers_.uc_stack.ss_size = kStackSize;
    registers_.uc_link = nullptr;
    makecontext(&registers_, entry, 0);
}

void FiberContext::switch_to(FiberContext& next)
{
    left = this;
#ifdef PERCIVAL_TELL_ASAN
    __sanitizer_start_switch_fiber(nullptr, next.bottom_, next.size_);
#endif
    if (swapcontext(&registers_, &next.registers_) != 0)
        std::abort();
    arrive();
}

void FiberContext::arrive()
{
#ifdef PERCIVAL_TELL_ASAN
    __sanitizer_finish_switch_fiber(nullptr, &left->bottom_, &left->size_);
#endif
}

std::byte* take_fiber_stack()
{
    if (unused_stacks().empty())
        return std::make_unique<std::byte[]>(FiberContext::kStackSize).release();
    std::byte* const stack = unused_stacks().back().release();
    unused_stacks().pop_back();
    return stack;
}

void give_fiber_stack_back(std::byte* stack)
{
    unused_stacks().emplace_back(stack);
}

} // namespace percival::testing
