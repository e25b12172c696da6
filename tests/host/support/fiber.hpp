// SPDX-License-Identifier: BSD-2-Clause
// A function on its own stack that can stop in the middle and go on later. All fibers run on one thread.
#pragma once

#include <array>
#include <cstdlib>
#include <functional>
#include <memory>
#include <ucontext.h>
#include <utility>
#include <vector>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PERCIVAL_TELL_ASAN 1
#endif
#endif
#ifdef PERCIVAL_TELL_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

namespace percival::testing {

class Fiber {
public:
    explicit Fiber(std::function<void()> function) : function_{std::move(function)}, stack_{take_stack()}
    {
        if (getcontext(&own_) != 0)
            std::abort();
        own_.uc_stack.ss_sp = stack_->data();
        own_.uc_stack.ss_size = stack_->size();
        own_.uc_link = nullptr;
        makecontext(&own_, &Fiber::enter, 0);
    }
    ~Fiber() { stacks().push_back(std::move(stack_)); }
    Fiber(const Fiber&) = delete;
    Fiber& operator=(const Fiber&) = delete;

    bool finished() const { return finished_; }

    // Runs the function until it yields or ends.
    void resume()
    {
        entering_ = this;
        leave_to(&resumer_fake_, stack_->data(), stack_->size());
        swapcontext(&resumer_, &own_);
        arrive(resumer_fake_);
    }
    // Called from inside the function: returns to the caller of resume().
    void yield()
    {
        leave_to(&own_fake_, resumer_stack_, resumer_size_);
        swapcontext(&own_, &resumer_);
        arrive(own_fake_);
    }

private:
    using Stack = std::array<char, 256 << 10>;

    static void enter()
    {
        Fiber& self = *entering_;
        self.arrive(nullptr);
        self.function_();
        self.finished_ = true;
        self.leave_to(nullptr, self.resumer_stack_, self.resumer_size_);
        setcontext(&self.resumer_);
    }

    // Tells the sanitizer about a change of stacks: it keeps separate data for each stack.
    void leave_to([[maybe_unused]] void** fake, [[maybe_unused]] const void* stack,
                  [[maybe_unused]] std::size_t size)
    {
#ifdef PERCIVAL_TELL_ASAN
        __sanitizer_start_switch_fiber(fake, stack, size);
#endif
    }
    void arrive([[maybe_unused]] void* fake)
    {
#ifdef PERCIVAL_TELL_ASAN
        const void* from = nullptr;
        std::size_t size = 0;
        __sanitizer_finish_switch_fiber(fake, &from, &size);
        if (from != stack_->data()) {
            resumer_stack_ = from;
            resumer_size_ = size;
        }
#endif
    }

    static std::vector<std::unique_ptr<Stack>>& stacks()
    {
        static std::vector<std::unique_ptr<Stack>> unused;
        return unused;
    }
    static std::unique_ptr<Stack> take_stack()
    {
        if (stacks().empty())
            return std::make_unique<Stack>();
        auto stack = std::move(stacks().back());
        stacks().pop_back();
        return stack;
    }

    static inline Fiber* entering_ = nullptr;

    std::function<void()> function_;
    std::unique_ptr<Stack> stack_;
    ucontext_t own_{};
    ucontext_t resumer_{};
    void* own_fake_{nullptr};
    void* resumer_fake_{nullptr};
    const void* resumer_stack_{nullptr};
    std::size_t resumer_size_{0};
    bool finished_{false};
};

} // namespace percival::testing
