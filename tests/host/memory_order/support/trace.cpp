// SPDX-License-Identifier: BSD-2-Clause
#include "memory_order/support/trace.hpp"

#include <array>
#include <map>
#include <sstream>

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
    std::ostringstream text;
    for (const TraceStep& step : steps_) {
        text << "  CPU " << step.cpu << ' ' << step.what;
        if (step.size != 0)
            text << std::hex << std::showbase << ' ' << step.address << '/' << step.size << " = "
                 << step.value << std::dec;
        text << ' ' << step.how << "  " << place(step.pc) << '\n';
    }
    return text.str();
}

} // namespace percival::testing
