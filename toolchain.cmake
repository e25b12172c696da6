# SPDX-License-Identifier: BSD-2-Clause
# Clang as a cross compiler for AArch64, with GNU ld as the linker. The target triple is Linux's, so that
# Clang finds the libstdc++ headers of the cross package. Nothing of Linux is used or linked.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR aarch64)

set(CMAKE_C_COMPILER clang-19)
set(CMAKE_CXX_COMPILER clang++-19)
set(CMAKE_ASM_COMPILER clang-19)
set(CMAKE_C_COMPILER_TARGET aarch64-linux-gnu)
set(CMAKE_CXX_COMPILER_TARGET aarch64-linux-gnu)
set(CMAKE_ASM_COMPILER_TARGET aarch64-linux-gnu)

set(CMAKE_LINKER aarch64-linux-gnu-ld)
set(CMAKE_OBJCOPY aarch64-linux-gnu-objcopy)
set(CMAKE_NM aarch64-linux-gnu-nm)
set(CMAKE_READELF aarch64-linux-gnu-readelf)
set(CMAKE_SIZE aarch64-linux-gnu-size)
set(CMAKE_OBJDUMP llvm-objdump-19)
set(CMAKE_CXXFILT llvm-cxxfilt-19)

# CMake's test programs are not linked, because there are no start-up files or libraries for them.
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
