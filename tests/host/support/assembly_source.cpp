// SPDX-License-Identifier: BSD-2-Clause
#include "support/assembly_source.hpp"

#include <sstream>

// The assembler searches the include path for the files.
asm(R"(
    .pushsection .rodata
    .global boot_source, trampoline_source, context_switch_source
boot_source:
    .incbin "boot/start.S"
    .byte   0
trampoline_source:
    .incbin "arch/arm64/mmu/trampoline.S"
    .byte   0
context_switch_source:
    .incbin "arch/arm64/threads/context_switch.S"
    .byte   0
    .popsection
)");

namespace percival::testing {
namespace {

std::string with_single_spaces(const std::string& line)
{
    std::istringstream words{line};
    std::string all;
    for (std::string word; words >> word;)
        all += (all.empty() ? "" : " ") + word;
    return all;
}

} // namespace

std::vector<std::string> instructions_of(std::string_view source, std::string_view function)
{
    std::istringstream lines{std::string{source}};
    std::vector<std::string> found;
    bool is_inside = false;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with(std::string{function} + ":")) {
            is_inside = true;
            continue;
        }
        is_inside = is_inside && line.find(".size") == std::string::npos;
        const std::string instruction = with_single_spaces(line.substr(0, line.find("//")));
        if (is_inside && !instruction.empty())
            found.push_back(instruction);
    }
    return found;
}

} // namespace percival::testing
