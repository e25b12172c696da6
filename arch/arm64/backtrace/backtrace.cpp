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

void print_callers(unsigned number, VirtAddr frame_pointer)
{
    FrameWalker walker{frame_pointer, stack_containing};
    for (; number < kMaxFrames; ++number) {
        const std::optional<VirtAddr> return_address = walker.next();
        if (!return_address)
            return;
        const VirtAddr caller = strip_pointer_authentication(*return_address);
        if (caller == VirtAddr{0}) // the end of the chain, signed
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
    // A call to where no code is: nothing there has made a frame, the caller is in the link register still.
    if (!find_symbol(pc))
        print_frame(number++, strip_pointer_authentication(VirtAddr{registers.x[30]}), AddressKind::Return);
    print_callers(number, registers.frame_pointer());
}

// A tail call would give its frame up before it is read.
[[gnu::noinline, clang::disable_tail_calls]] void print_backtrace()
{
    print_callers(0, address_of(__builtin_frame_address(0)));
}

} // namespace percival::arch
