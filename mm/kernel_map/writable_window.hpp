// SPDX-License-Identifier: BSD-2-Clause
// A writable view of one page that is read-only everywhere else, while the object exists: kernel text that is
// patched, and sealed root tables (mm/roots/seal.hpp).
//
// Any CPU once make_writable_window_tables() has been called, with interrupts masked or not. A view masks
// interrupts and holds a lock, so that it is short and there is only one at a time. Constructing a second
// view inside the first one deadlocks.
#pragma once

#include "arch/cpu/processor.hpp"
#include "kernel/lib/address.hpp"
#include "mm/address_space/mapping.hpp"

#include <expected>

namespace percival::mm {

class WritableWindow : Immovable {
public:
    // Makes the page that contains `thing` writable.
    explicit WritableWindow(PhysAddr thing);
    ~WritableWindow();

    // Returns where `thing` can be written.
    template <class T>
    T* writable() const
    // SAFETY: the constructor has mapped the page of the thing here, and the caller knows the thing's type.
    {
        return reinterpret_cast<T*>(at_.raw());
    }

private:
    arch::InterruptMask masked_;
    VirtAddr at_{};
};

// Makes the tables of the page of the views. The first view may be needed before the CPU can allocate pages:
// the text of the allocator itself is patched. Boot CPU, once, before any view. Error: NoMemory.
std::expected<void, MapError> make_writable_window_tables();

// Returns whether the page of the views is mapped although there is no view. Such a page would be a writable
// alias that stays. Never waits, so also inside a view. Any context.
bool writable_window_is_left_open();

} // namespace percival::mm
