// SPDX-License-Identifier: BSD-2-Clause
// What the instrumented program calls at each of its steps.
#include "kernel_machine/support/instrumentation.hpp"

#include "kernel_machine/support/aside.hpp"
#include "kernel_machine/support/machine.hpp"
#include "kernel_machine/support/percpu_text.hpp"
#include "kernel_machine/support/static_state.hpp"

#include <functional>
#include <utility>

// These variables are not the kernel's (support/kernel_state.hpp).
#pragma clang section bss = "" data = ""

#define PERCIVAL_NOT_INSTRUMENTED [[clang::no_sanitize("coverage"), clang::no_sanitize("address")]]

namespace percival::testing {

bool armed = false;
u64 left_of_slice = 1;

namespace {

const void* watched_address = nullptr;
std::function<void()> before_watched_store;

PERCIVAL_NOT_INSTRUMENTED void step()
{
    if (!armed || --left_of_slice != 0)
        return;
    armed = false;
    machine().stop_here();
    armed = true;
}

PERCIVAL_NOT_INSTRUMENTED void look_at_load(const void* address)
{
    if (!armed || address < percpu_section_begin || address >= percpu_section_end)
        return;
    const Aside aside;
    translate_local_load(const_cast<void*>(address));
}

PERCIVAL_NOT_INSTRUMENTED void look_at_store(const void* address)
{
    if (!armed || address != watched_address)
        return;
    const Aside aside;
    before_watched_store();
}

} // namespace

Aside::Aside() : before_{armed}
{
    armed = false;
}

Aside::~Aside()
{
    armed = before_;
}

void Machine::watch_stores(const void* address, std::function<void()> before)
{
    const Aside aside;
    watched_address = address;
    before_watched_store = std::move(before);
}

} // namespace percival::testing

extern "C" {
PERCIVAL_NOT_INSTRUMENTED void __sanitizer_cov_trace_pc()
{
    percival::testing::step();
}
#define PERCIVAL_TRACE(name)                                           \
    PERCIVAL_NOT_INSTRUMENTED void __sanitizer_cov_##name(const void*) \
    {                                                                  \
        percival::testing::step();                                     \
    }
PERCIVAL_TRACE(load1)
PERCIVAL_TRACE(load2)
PERCIVAL_TRACE(load4)
PERCIVAL_TRACE(load16)
PERCIVAL_TRACE(store1)
PERCIVAL_TRACE(store2)
PERCIVAL_NOT_INSTRUMENTED void __sanitizer_cov_load8(const void* address)
{
    percival::testing::step();
    percival::testing::look_at_load(address);
}
PERCIVAL_NOT_INSTRUMENTED void __sanitizer_cov_store4(const void* address)
{
    percival::testing::step();
    percival::testing::look_at_store(address);
}
PERCIVAL_TRACE(store8)
PERCIVAL_TRACE(store16)
#undef PERCIVAL_TRACE
}
