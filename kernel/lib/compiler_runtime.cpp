// SPDX-License-Identifier: BSD-2-Clause
// Defines the symbols that compiler-generated code refers to in case of an error. No kernel code names them.
#include "kernel/lib/panic.hpp"
#include "kernel/lib/types.hpp"

extern "C" {

// The value that -fstack-protector puts between a function's buffers and its frame record. Its zero byte
// stops overruns by string functions; the rest is arbitrary.
extern constinit percival::u64 __stack_chk_guard;
constinit percival::u64 __stack_chk_guard = 0x595e'9fbd'94fd'a700;

[[noreturn]] void __stack_chk_fail()
{
    percival::panic("stack smashing: a function wrote past a buffer on its stack");
}

[[noreturn]] void __cxa_pure_virtual()
{
    percival::panic("a pure virtual function was called");
}
}
