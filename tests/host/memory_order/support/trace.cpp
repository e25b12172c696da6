// SPDX-License-Identifier: BSD-2-Clause
#include "memory_order/support/trace.hpp"

#include <array>
#include <cinttypes>
#include <cstdio>
#include <map>

// Of the run-time of UBSan, if the program has one.
extern "C" [[gnu::weak]] void __sanitizer_symbolize_pc(void* pc, const char* format, char* out,
                                                       std::size_t size);

namespace percival::testing {
namespace {

// The innermost function at an address, its file and its line.
std::string place(const void* pc)
{
    if (pc == nullptr)
        return "";
    if (__sanitizer_symbolize_pc == nullptr)
        return "?";
    static std::map<const void*, std::string> known;
    std::string& name = known[pc];
    if (name.empty()) {
        std::array<char, 2048> text{};
        // The address after a call may belong to the next line.
        void* const call = const_cast<char*>(static_cast<const char*>(pc) - 1);
        __sanitizer_symbolize_pc(call, "%f %s:%l", text.data(), text.size());
        name = text.data();
        if (const auto path = name.rfind('/'); path != std::string::npos)
            name = name.substr(0, name.find(' ')) + " " + name.substr(path + 1);
    }
    return name;
}

} // namespace

std::string Trace::text() const
{
    std::string text;
    for (const TraceStep& step : steps_) {
        std::array<char, 160> line{};
        std::snprintf(line.data(), line.size(), "  CPU %u %-10s", step.cpu, step.what);
        text += line.data();
        if (step.size != 0) {
            std::snprintf(line.data(), line.size(), " 0x%" PRIxPTR "/%u = 0x%" PRIx64, step.address,
                          step.size, step.value);
            text += line.data();
        }
        text += std::string{" "} + step.how + "  " + place(step.pc) + "\n";
    }
    return text;
}

} // namespace percival::testing
