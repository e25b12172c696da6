// SPDX-License-Identifier: BSD-2-Clause
// Taking system errors (SError): asynchronous external aborts, and errors that memory or caches report.
#pragma once

namespace percival::arch {

// Lets this CPU take system errors, which then panic. One that is pending already was raised by the firmware,
// by the loader, or by an access of the boot code: it is named as such before it is taken. Every CPU that
// enters the kernel calls this once, as soon as it has the vectors and a panic can be reported.
void take_system_errors();

} // namespace percival::arch
