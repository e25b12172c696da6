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

// Prints the chain of callers from `frame_pointer` on, numbered from `number`.
void print_callers(unsigned number, VirtAddr frame_pointer)
{
    FrameWalker walker{frame_pointer, stack_containing};
    for (; number < kMaxFrames; ++number) {
        const std::optional<VirtAddr> return_address = walker.next();
        if (!return_address)
            return;
        const VirtAddr caller = strip_pointer_authentication(*return_address);
        if (caller == VirtAddr{0}) // the end of the chain, which was signed
            return;
        print_frame(number, caller, AddressKind::Return);
    }
    print("#{} and more", kMaxFrames);
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

} // namespace percival::arch
