// SPDX-License-Identifier: BSD-2-Clause
// Tells whether this CPU took an exception to EL1, without a cost for the handlers: each exception writes the
// address it returns to into ELR_EL1 (Arm ARM D1.3.1), and none returns to address 0. Nothing else uses the
// register between exceptions. The caller stays on its CPU.
#pragma once

namespace percival::arch {

class ExceptionWatch {
public:
    ExceptionWatch() { asm volatile("msr elr_el1, xzr" : : : "memory"); }

    // Returns whether an exception was taken since the object was made.
    bool saw_one() const
    {
        unsigned long address;
        asm volatile("mrs %0, elr_el1" : "=r"(address) : : "memory");
        return address != 0;
    }
};

} // namespace percival::arch
