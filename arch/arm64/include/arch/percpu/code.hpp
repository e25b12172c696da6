// SPDX-License-Identifier: BSD-2-Clause
// The code of the this_cpu operations: in line in a build of one mode, otherwise a patched site.
#pragma once

#ifdef PERCIVAL_PERCPU_IN_LINE
#include "arch/percpu/in_line.hpp"
#else
#include "arch/percpu/site.hpp"
#endif
