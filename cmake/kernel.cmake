# SPDX-License-Identifier: BSD-2-Clause
# Builds the kernel: percival.elf for gdb, and Image for loaders. Also leaves percival.map, percival.dis and
# percival.size in the build directory.

foreach(option PERCIVAL_GRANULE_KIB PERCIVAL_VA_BITS)
    if(NOT DEFINED ${option})
        message(FATAL_ERROR "${option} is not set: configure with a preset, e.g. cmake --preset 4k-48")
    endif()
endforeach()
option(PERCIVAL_DEBUG "UBSan, poisoned pages and the check of lock order" OFF)
option(PERCIVAL_PERCPU_SHADOW "A shadow of percpu memory, which checks every access (mm/percpu_shadow)" OFF)
option(PERCIVAL_LOCAL_PERCPU "Build and default to percpu=local; OFF defaults to percpu=restart" ON)
set(PERCIVAL_PERCPU_MODE "" CACHE STRING
    "Build one mode of the this_cpu operations, in line: restart, fixup or guarded; empty: all, patched")
option(PERCIVAL_PRECOMPILE_OWN_HEADERS "Also precompile the kernel's headers; OFF finds missing includes" ON)

# A build of one mode (arch/percpu/in_line.hpp) has neither local mode nor the code of the other modes. Only
# restart mode keeps x18 from the compiler then (arch/percpu/register.hpp).
set(percpu_definitions PERCIVAL_LOCAL_PERCPU=$<BOOL:${PERCIVAL_LOCAL_PERCPU}>)
set(percpu_options -ffixed-x18)
set(linked_mode $<IF:$<BOOL:${PERCIVAL_LOCAL_PERCPU}>,local,restart>)
set(sources_of_restart arch/arm64/percpu_modes/restart.cpp)
set(sources_of_fixup tests/kernel/percpu/fixup_fault_test.cpp tests/kernel/percpu/fixup_test.cpp)
set(sources_of_guarded arch/arm64/percpu_modes/guard.cpp arch/arm64/percpu_modes/percpu_guard.S)
set(sources_out_of_line tests/kernel/percpu/emitted_code_test.cpp)
set(sources_in_line tests/kernel/percpu/emitted_in_line_test.cpp)
set(left_out ${sources_in_line})
if(PERCIVAL_PERCPU_MODE)
    set(one_of restart fixup guarded)
    list(FIND one_of ${PERCIVAL_PERCPU_MODE} place)
    if(place EQUAL -1)
        message(FATAL_ERROR "PERCIVAL_PERCPU_MODE=${PERCIVAL_PERCPU_MODE}: is none of ${one_of}")
    endif()
    math(EXPR number "${place} + 1") # arch::PercpuMode
    set(percpu_definitions PERCIVAL_LOCAL_PERCPU=0 PERCIVAL_PERCPU_IN_LINE=${number})
    if(NOT PERCIVAL_PERCPU_MODE STREQUAL restart)
        list(APPEND percpu_definitions PERCIVAL_FREE_X18=1)
        set(percpu_options)
    endif()
    set(linked_mode in-line-${PERCIVAL_PERCPU_MODE})
    set(left_out ${sources_out_of_line})
    list(REMOVE_ITEM one_of ${PERCIVAL_PERCPU_MODE})
    foreach(other ${one_of})
        list(APPEND left_out ${sources_of_${other}})
    endforeach()
endif()

# Debian's libfdt for arm64, which `./percival setup` unpacks.
set(PERCIVAL_SYSROOT ${PERCIVAL_SOURCE_DIR}/build/sysroot)
find_library(PERCIVAL_LIBFDT NAMES libfdt.a
    PATHS ${PERCIVAL_SYSROOT}/usr/lib/aarch64-linux-gnu NO_DEFAULT_PATH)
if(NOT PERCIVAL_LIBFDT)
    message(FATAL_ERROR "libfdt for arm64 is not in ${PERCIVAL_SYSROOT}: run ./percival setup")
endif()

add_library(percival_flags INTERFACE)
target_include_directories(percival_flags INTERFACE
    ${PERCIVAL_SOURCE_DIR} ${PERCIVAL_SOURCE_DIR}/arch/arm64/include)
target_include_directories(percival_flags SYSTEM INTERFACE ${PERCIVAL_SYSROOT}/usr/include)
target_compile_definitions(percival_flags INTERFACE
    PERCIVAL_GRANULE_KIB=${PERCIVAL_GRANULE_KIB} PERCIVAL_VA_BITS=${PERCIVAL_VA_BITS}
    ${percpu_definitions}
    $<$<BOOL:${PERCIVAL_DEBUG}>:PERCIVAL_DEBUG=1>
    $<$<BOOL:${PERCIVAL_PERCPU_SHADOW}>:PERCIVAL_PERCPU_SHADOW=1>)
target_compile_options(percival_flags INTERFACE
    -ffreestanding -fno-pic -mcmodel=small -mgeneral-regs-only -mstrict-align -mno-outline-atomics
    ${percpu_options}
    -mfix-cortex-a53-835769 # scripts/check_multiplies.py
    -g -fno-omit-frame-pointer -fno-common -fmacro-prefix-map=${PERCIVAL_SOURCE_DIR}/=
    $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti -fno-threadsafe-statics>
    $<$<COMPILE_LANGUAGE:CXX>:-fno-asynchronous-unwind-tables>
    $<$<COMPILE_LANGUAGE:CXX>:-O2 -Wall -Wextra -Wconversion -Wshadow -Wold-style-cast>
    $<$<COMPILE_LANGUAGE:CXX>:-Wthread-safety -Wundef -Werror>)

# Flags of code that runs once the image is mapped.
add_library(percival_mapped_flags INTERFACE)
target_link_libraries(percival_mapped_flags INTERFACE percival_flags)
target_compile_options(percival_mapped_flags INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-fstack-protector-strong -mbranch-protection=standard>
    # UBSan traps, because there is no run-time library; the panic report decodes the BRK. The function check
    # is off: a function that is called through its physical address has no type to check.
    $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${PERCIVAL_DEBUG}>>:-fsanitize=undefined>
    $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${PERCIVAL_DEBUG}>>:-fsanitize-trap=undefined>
    $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${PERCIVAL_DEBUG}>>:-fno-sanitize=function>)
if(PERCIVAL_PERCPU_SHADOW)
    # Every load and store calls a function of mm/percpu_shadow/compiler_calls.cpp. Stacks and globals are not
    # instrumented. Nothing depends on the mapping that the compiler has for its own shadow.
    set(percpu_shadow_options -fsanitize=kernel-address
        "SHELL:-mllvm -asan-instrumentation-with-call-threshold=0"
        "SHELL:-mllvm -asan-kernel-mem-intrinsic-prefix=1"
        "SHELL:-mllvm -asan-stack=0" "SHELL:-mllvm -asan-globals=0"
        "SHELL:-mllvm -asan-constructor-kind=none")
    target_compile_options(percival_mapped_flags INTERFACE
        "$<$<COMPILE_LANGUAGE:CXX>:${percpu_shadow_options}>")
endif()

# Flags of code that runs with the MMU off, at any address. It has no stack canary, whose address is absolute
# and valid only in the mapped image. It has no BTI or signed return addresses, which depend on registers that
# this code sets up. It has no jump tables.
add_library(percival_early_flags INTERFACE)
target_link_libraries(percival_early_flags INTERFACE percival_flags)
target_compile_options(percival_early_flags INTERFACE
    -ffixed-x18 # the platform's, while firmware runs
    $<$<COMPILE_LANGUAGE:CXX>:-fno-stack-protector -mbranch-protection=none -fno-jump-tables>)

# asm_offsets.h: constants from C++ for the assembly and the linker script.
set(generated ${CMAKE_CURRENT_BINARY_DIR}/generated)
file(MAKE_DIRECTORY ${generated})
add_library(asm_offsets OBJECT arch/arm64/boot/asm_offsets.cpp)
target_link_libraries(asm_offsets PRIVATE percival_early_flags)
target_compile_options(asm_offsets PRIVATE -S -g0 -fno-integrated-as)
add_custom_command(
    OUTPUT ${generated}/asm_offsets.h
    COMMAND python3 ${PERCIVAL_SOURCE_DIR}/scripts/make_asm_offsets.py
            $<TARGET_OBJECTS:asm_offsets> ${generated}/asm_offsets.h
    DEPENDS asm_offsets $<TARGET_OBJECTS:asm_offsets> ${PERCIVAL_SOURCE_DIR}/scripts/make_asm_offsets.py
    VERBATIM)
add_custom_target(asm_offsets_header DEPENDS ${generated}/asm_offsets.h)

# Made in each build, as the commit may be another one; written only if it is.
set(build_identity ${generated}/build_identity.cpp)
get_filename_component(preset ${CMAKE_BINARY_DIR} NAME)
add_custom_target(build_identity
    COMMAND python3 ${PERCIVAL_SOURCE_DIR}/scripts/make_build_identity.py
            ${PERCIVAL_SOURCE_DIR} ${PROJECT_VERSION} ${preset} ${build_identity}
    BYPRODUCTS ${build_identity}
    VERBATIM)

set(linker_script ${generated}/kernel.lds)
add_custom_command(
    OUTPUT ${linker_script}
    COMMAND ${CMAKE_C_COMPILER} --target=aarch64-linux-gnu -E -P -x assembler-with-cpp -I${generated}
            ${PERCIVAL_SOURCE_DIR}/linker/kernel.lds.S -o ${linker_script}
    DEPENDS ${PERCIVAL_SOURCE_DIR}/linker/kernel.lds.S ${generated}/asm_offsets.h
    VERBATIM)
add_custom_target(linker_script DEPENDS ${linker_script})

file(GLOB_RECURSE kernel_sources CONFIGURE_DEPENDS
    RELATIVE ${PERCIVAL_SOURCE_DIR}
    arch/arm64/*.cpp arch/arm64/*.S kernel/*.cpp mm/*.cpp tests/kernel/*.cpp tests/bench/*.cpp)
list(REMOVE_ITEM kernel_sources arch/arm64/boot/asm_offsets.cpp ${left_out})

file(GLOB shadow_sources CONFIGURE_DEPENDS RELATIVE ${PERCIVAL_SOURCE_DIR}
    mm/percpu_shadow/*.cpp mm/percpu_report/*.cpp tests/kernel/percpu_shadow/*.cpp)
if(PERCIVAL_PERCPU_SHADOW)
    # What the instrumented code calls is not instrumented.
    file(GLOB uninstrumented CONFIGURE_DEPENDS mm/percpu_shadow/*.cpp)
    set_source_files_properties(${uninstrumented} PROPERTIES
        COMPILE_OPTIONS "-fno-sanitize=kernel-address" SKIP_PRECOMPILE_HEADERS ON)
    set(uninstrumented_string ";-fno-sanitize=kernel-address")
else()
    list(REMOVE_ITEM kernel_sources ${shadow_sources})
endif()

# Code that runs with the MMU off, or as a UEFI application at any address. The tree reader and the UART
# driver, which print the refusal message, are called from it.
set(early_sources
    boot/start.S boot/early.cpp boot/early_arguments.cpp boot/cpu_setup.cpp boot/pointer_authentication.cpp
    boot/refuse.cpp
    boot/acpi/error.cpp boot/acpi/machine_reader.cpp boot/acpi/madt.cpp boot/acpi/pptt.cpp boot/acpi/spcr.cpp
    boot/acpi/srat.cpp boot/acpi/tables.cpp
    boot/flat_tree/flat_tree_writer.cpp boot/flat_tree/machine_tree.cpp boot/flat_tree/stub_tree.cpp
    boot/uefi/acpi_choice.cpp boot/uefi/enter_kernel.S boot/uefi/firmware_tree.cpp boot/uefi/load_options.cpp
    boot/uefi/memory_map.cpp boot/pe_header.S
    boot/uefi/stub.cpp)

add_library(percival_early OBJECT ${early_sources})
target_link_libraries(percival_early PRIVATE percival_early_flags)
add_library(percival_mapped OBJECT ${kernel_sources} ${build_identity})
target_link_libraries(percival_mapped PRIVATE percival_mapped_flags)
# Precompiled for all sources, because parsing headers takes more than half of the compile time.
set(precompiled $<IF:$<BOOL:${PERCIVAL_PRECOMPILE_OWN_HEADERS}>,common_headers.hpp,standard_headers.hpp>)
target_precompile_headers(percival_mapped PRIVATE
    $<$<COMPILE_LANGUAGE:CXX>:${PERCIVAL_SOURCE_DIR}/cmake/${precompiled}>)
# The compiler must not turn the loop of memcpy into a call of memcpy.
set_source_files_properties(kernel/lib/string.cpp PROPERTIES
    COMPILE_OPTIONS "-fno-builtin;-fno-stack-protector${uninstrumented_string}" SKIP_PRECOMPILE_HEADERS ON)
foreach(objects percival_early percival_mapped)
    add_dependencies(${objects} asm_offsets_header)
    target_include_directories(${objects} PRIVATE ${generated})
endforeach()

# The image is linked twice. The symbol table made from the first link goes into the second, where data moves
# but no code does. The linker works around erratum 843419 of Cortex-A53 by veneers alone (=adrp): where it
# puts one depends on code only, so both links have the same veneers. By default it turns the ADRP into an ADR
# where that reaches the target, which is often data: a veneer could then be in one link and not in the other.
# Erratum 835769 is worked around by the compiler, and by the linker for assembly and libfdt. Its veneers
# depend on code only too, and take a multiplication, which is no site of a this_cpu operation.
set(objects $<TARGET_OBJECTS:percival_early> $<FILTER:$<TARGET_OBJECTS:percival_mapped>,EXCLUDE,\\.pch$>)
set(assemble ${CMAKE_ASM_COMPILER} --target=aarch64-linux-gnu -c)
set(link ${CMAKE_LINKER} --no-warn-rwx-segments
    --fix-cortex-a53-843419=adrp --fix-cortex-a53-835769
    -z max-page-size=65536 -z noexecstack --build-id=none --orphan-handling=error -T ${linker_script})
set(scripts ${PERCIVAL_SOURCE_DIR}/scripts)

add_custom_command(
    OUTPUT first.nm
    COMMAND python3 ${scripts}/make_symbols.py --empty -o empty_symbols.S
    COMMAND ${assemble} empty_symbols.S -o empty_symbols.o
    COMMAND ${link} -o first.elf ${objects} empty_symbols.o ${PERCIVAL_LIBFDT}
    COMMAND ${CMAKE_NM} -n first.elf > first.nm
    DEPENDS percival_early percival_mapped ${objects} ${linker_script} ${PERCIVAL_LIBFDT}
            ${scripts}/make_symbols.py
    COMMAND_EXPAND_LISTS VERBATIM)

add_custom_command(
    OUTPUT percival.elf Image percival.map percival.dis percival.size
    COMMAND python3 ${scripts}/make_symbols.py --nm first.nm --cxxfilt ${CMAKE_CXXFILT} -o symbols.S
    COMMAND ${assemble} symbols.S -o symbols.o
    COMMAND ${link} -Map=percival.map -o percival.elf ${objects} symbols.o ${PERCIVAL_LIBFDT}
    COMMAND ${CMAKE_NM} -n percival.elf > percival.nm
    COMMAND python3 ${scripts}/make_symbols.py --check first.nm percival.nm
    COMMAND python3 ${scripts}/check_sites.py --as-linked ${linked_mode}
            --cxxfilt ${CMAKE_CXXFILT} percival.elf percival.nm
    COMMAND python3 ${scripts}/check_multiplies.py --cxxfilt ${CMAKE_CXXFILT} percival.elf percival.nm
    COMMAND python3 ${scripts}/check_position_independence.py
            ${CMAKE_READELF} $<TARGET_OBJECTS:percival_early>
    COMMAND ${CMAKE_OBJCOPY} -O binary percival.elf Image
    COMMAND python3 ${scripts}/seal_image.py percival.elf percival.nm Image
    COMMAND ${CMAKE_OBJDUMP} -d --demangle --no-show-raw-insn percival.elf > percival.dis
    COMMAND ${CMAKE_SIZE} -A -x percival.elf > percival.size
    DEPENDS first.nm ${scripts}/check_position_independence.py ${scripts}/check_sites.py
            ${scripts}/seal_image.py ${scripts}/check_multiplies.py
    COMMENT "Linking percival.elf and Image"
    COMMAND_EXPAND_LISTS VERBATIM)
add_custom_target(percival ALL DEPENDS Image)
