// SPDX-License-Identifier: BSD-2-Clause
#include "arch/backtrace/backtrace.hpp"

#include "arch/cpu/pointer_authentication.hpp"
#include "arch/exceptions/frame_walker.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/lib/symbols.hpp"
#include "mm/vmalloc/stacks.hpp"

namespace percival::arch {
namespace {

constexpr unsigned kMaxFrames = 48;

void print_frame(unsigned number, VirtAddr address, AddressKind kind)
{
    std::array<char, 160> room;
    Writer text{room};
    put_address(text, address, kind);
    print("#{:-2} {}", number, text.text());
}

// Calls visit(VirtAddr) for each caller in the chain from `frame_pointer` on, until it returns false.
template <class Visit>
void for_each_caller(VirtAddr frame_pointer, Visit visit)
{
    FrameWalker walker{frame_pointer, stack_containing};
    while (const std::optional<VirtAddr> return_address = walker.next()) {
        const VirtAddr caller = strip_pointer_authentication(*return_address);
        if (caller == VirtAddr{0}) // the end of the chain, which was signed
            return;
        if (!visit(caller))
            return;
    }
}

// Prints the chain of callers from `frame_pointer` on, numbered from `number`.
void print_callers(unsigned number, VirtAddr frame_pointer)
{
    for_each_caller(frame_pointer, [&number](VirtAddr caller) {
        if (number == kMaxFrames) {
            print("#{} and more", kMaxFrames);
            return false;
        }
        print_frame(number++, caller, AddressKind::Return);
        return true;
    });
}

} // namespace

void print_backtrace(const Registers& registers)
{
    const VirtAddr pc{registers.pc};
    unsigned number = 0;
    print_frame(number++, pc, AddressKind::Exact);
    // If there is no code at `pc`, a call went astray. No frame was made there, so the link register still
    // names the caller.
    if (!find_symbol(pc))
        print_frame(number++, strip_pointer_authentication(VirtAddr{registers.x[30]}), AddressKind::Return);
    print_callers(number, registers.frame_pointer());
}

// Not a tail call: that would give up the frame of this function before the walk reads it.
[[gnu::noinline, clang::disable_tail_calls]] void print_backtrace()
{
    print_callers(0, address_of(__builtin_frame_address(0)));
}

// Not inlined: the first caller is the caller of this function.
[[gnu::noinline, clang::disable_tail_calls]] SavedBacktrace save_backtrace()
{
    SavedBacktrace callers;
    for_each_caller(address_of(__builtin_frame_address(0)),
                    [&callers](VirtAddr caller) { return callers.push(caller); });
    return callers;
}

void print_backtrace(const SavedBacktrace& callers)
{
    unsigned number = 0;
    for (const VirtAddr caller : callers)
        print_frame(number++, caller, AddressKind::Return);
}

} // namespace percival::arch
