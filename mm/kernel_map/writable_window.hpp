// SPDX-License-Identifier: BSD-2-Clause
// A writable view of one page of memory that is read-only everywhere else, for as long as the object lives:
// kernel text that is patched, and sealed root tables (mm/roots/seal.hpp).
//
// Any CPU on its own root, interrupts masked or not; a view masks them, so that there is one at a time and it
// is short. Constructing a second one inside the first waits for ever.
#pragma once

#include "arch/cpu/processor.hpp"
#include "kernel/lib/address.hpp"

namespace percival::mm {

class WritableWindow : Immovable {
public:
    // Of the page that `thing` lies in.
    explicit WritableWindow(PhysAddr thing);
    ~WritableWindow();

    // Where `thing` can be written.
    template <class T>
    T* writable() const
    {
        return reinterpret_cast<T*>(at_.raw());
    }

private:
    arch::InterruptMask masked_;
    VirtAddr at_{};
};

} // namespace percival::mm
