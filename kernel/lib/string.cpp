// SPDX-License-Identifier: BSD-2-Clause
// Defines the C names of the functions in kernel/lib/string.hpp. Compiled with -fno-builtin (INV-string-2).
#include "kernel/lib/string.hpp"

namespace string = percival::string;

extern "C" {

void* memcpy(void* to, const void* from, std::size_t size)
{
    return string::copy(to, from, size);
}

void* memmove(void* to, const void* from, std::size_t size)
{
    return string::move(to, from, size);
}

void* memset(void* to, int value, std::size_t size)
{
    return string::fill(to, value, size);
}

int memcmp(const void* left, const void* right, std::size_t size)
{
    return string::compare(left, right, size);
}

void* memchr(const void* in, int value, std::size_t size)
{
    return const_cast<void*>(string::find_byte(in, value, size));
}

std::size_t strlen(const char* text)
{
    return string::length(text);
}

std::size_t strnlen(const char* text, std::size_t limit)
{
    return string::bounded_length(text, limit);
}

char* strchr(const char* text, int value)
{
    return const_cast<char*>(string::find_first(text, value));
}

char* strrchr(const char* text, int value)
{
    return const_cast<char*>(string::find_last(text, value));
}

} // extern "C"
