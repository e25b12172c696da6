// SPDX-License-Identifier: BSD-2-Clause
// The functions that -fsanitize=kernel-address calls before each load and store of the kernel's C++, and in
// the place of memcpy(), memmove() and memset(). The names are the compiler's.
//
// They run in any context, early code with the MMU off included, which calls C++ of the mapped image: there,
// no address is one of percpu memory. The files of this folder are compiled without instrumentation, and so
// is kernel/lib/string.cpp.
#include "mm/percpu_shadow/check.hpp"

#include <cstddef>

namespace percival::percpu::shadow {
namespace {

[[gnu::always_inline]] inline void check(u64 address, u64 size, Access access)
{
    if (is_percpu(address)) [[unlikely]]
        check_percpu(VirtAddr{address}, Bytes{size}, access);
}

[[gnu::always_inline]] inline void check(const void* memory, std::size_t size, Access access)
{
    if (size != 0)
        check(address_of(memory).raw(), size, access);
}

} // namespace
} // namespace percival::percpu::shadow

using percival::u64;
using percival::percpu::shadow::Access;

// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
extern "C" {

void* memcpy(void* to, const void* from, std::size_t size);
void* memmove(void* to, const void* from, std::size_t size);
void* memset(void* to, int value, std::size_t size);

#define PERCIVAL_CHECK_OF_SIZE(size)                                   \
    void __asan_load##size##_noabort(u64 address);                     \
    void __asan_load##size##_noabort(u64 address)                      \
    {                                                                  \
        percival::percpu::shadow::check(address, size, Access::Load);  \
    }                                                                  \
    void __asan_store##size##_noabort(u64 address);                    \
    void __asan_store##size##_noabort(u64 address)                     \
    {                                                                  \
        percival::percpu::shadow::check(address, size, Access::Store); \
    }
PERCIVAL_CHECK_OF_SIZE(1)
PERCIVAL_CHECK_OF_SIZE(2)
PERCIVAL_CHECK_OF_SIZE(4)
PERCIVAL_CHECK_OF_SIZE(8)
PERCIVAL_CHECK_OF_SIZE(16)
#undef PERCIVAL_CHECK_OF_SIZE

void __asan_loadN_noabort(u64 address, u64 size);
void __asan_loadN_noabort(u64 address, u64 size)
{
    percival::percpu::shadow::check(address, size, Access::Load);
}
void __asan_storeN_noabort(u64 address, u64 size);
void __asan_storeN_noabort(u64 address, u64 size)
{
    percival::percpu::shadow::check(address, size, Access::Store);
}

void* __asan_memcpy(void* to, const void* from, std::size_t size);
void* __asan_memcpy(void* to, const void* from, std::size_t size)
{
    percival::percpu::shadow::check(from, size, Access::Load);
    percival::percpu::shadow::check(to, size, Access::Store);
    return memcpy(to, from, size);
}
void* __asan_memmove(void* to, const void* from, std::size_t size);
void* __asan_memmove(void* to, const void* from, std::size_t size)
{
    percival::percpu::shadow::check(from, size, Access::Load);
    percival::percpu::shadow::check(to, size, Access::Store);
    return memmove(to, from, size);
}
void* __asan_memset(void* to, int value, std::size_t size);
void* __asan_memset(void* to, int value, std::size_t size)
{
    percival::percpu::shadow::check(to, size, Access::Store);
    return memset(to, value, size);
}

// Called before a function that does not return. Stacks have no shadow, so there is nothing to do.
void __asan_handle_no_return();
void __asan_handle_no_return() {}

} // extern "C"
// NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
