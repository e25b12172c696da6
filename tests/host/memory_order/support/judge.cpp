// SPDX-License-Identifier: BSD-2-Clause
#include "memory_order/support/judge.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>
#include <vector>

namespace percival::testing {
namespace {

const std::string kSources = PERCIVAL_ORIGINAL_DIR "/";

constexpr std::array<std::string_view, 4> kAsks{"memory_order_acquire", "memory_order_release",
                                                "memory_order_acq_rel", "memory_order_seq_cst"};

std::string trimmed(const std::string& text)
{
    const auto begin = text.find_first_not_of(" \t");
    return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// Returns the lines of a file of the tree without comments.
const std::vector<std::string>& lines_of(std::string_view file)
{
    static std::map<std::string, std::vector<std::string>, std::less<>> known;
    if (const auto found = known.find(file); found != known.end())
        return found->second;
    std::vector<std::string>& lines = known[std::string{file}];
    std::ifstream in{kSources + std::string{file}};
    for (std::string line; std::getline(in, line);)
        lines.push_back(trimmed(line.substr(0, line.find("//"))));
    return lines;
}

// Returns the text of a line, with its number among the lines with the same text if it is not the first.
std::string text_of(std::string_view file, u32 line)
{
    const auto& lines = lines_of(file);
    const std::string& text = lines.at(line - 1);
    const auto before = std::count(lines.begin(), lines.begin() + line - 1, text);
    return before == 0 ? text : text + " (" + std::to_string(before + 1) + ")";
}

std::string_view name_of(Half half)
{
    return half == Half::Acquire ? "acquire" : half == Half::Release ? "release" : "fence";
}

// Returns whether memory_order/equivalents.tsv has a row for the text of the line: file, what, line, why.
bool is_explained(std::string_view file, std::string_view what, std::string_view text)
{
    std::ifstream in{kSources + "tests/host/memory_order/equivalents.tsv"};
    for (std::string row; std::getline(in, row);) {
        std::array<std::string, 3> columns;
        std::istringstream fields{row};
        for (std::string& column : columns)
            std::getline(fields, column, '\t');
        if (columns[0] == file && columns[1] == what && columns[2] == text)
            return true;
    }
    return false;
}

std::string at(std::string_view file, u32 line)
{
    return std::string{file} + ":" + std::to_string(line) + ": ";
}

// Returns what is wrong with the verdict on one order: `failure` is what the scenarios say without it.
std::string wrong_verdict(const AskedOrder& order, const std::string& failure)
{
    const std::string text = text_of(order.file, order.line);
    const std::string what =
        at(order.file, order.line) + std::string{name_of(order.half)} + " of `" + text + "`: ";
    if (failure.starts_with(kTooManySchedules))
        return what + failure + "\n";
    const bool explained = is_explained(order.file, name_of(order.half), text);
    if (failure.empty() && !explained)
        return what + "no scenario fails without it\n";
    if (!failure.empty() && explained)
        return what + "a scenario fails without it, but equivalents.tsv says that none does\n";
    return "";
}

// Returns the lines of the files that ask for an order, but are not among those that were asked for.
std::string never_asked_for(Files files, const std::set<AskedOrder>& asked)
{
    std::string wrong;
    for (const std::string_view file : files) {
        const auto& lines = lines_of(file);
        for (u32 line = 1; line <= lines.size(); ++line) {
            const std::string& text = lines[line - 1];
            if (std::none_of(kAsks.begin(), kAsks.end(),
                             [&](std::string_view word) { return text.contains(word); }))
                continue;
            // A call that takes several lines is found at the first ones.
            const bool reached = std::any_of(asked.begin(), asked.end(), [&](const AskedOrder& order) {
                return order.file == file && order.line <= line && order.line + 3 > line;
            });
            if (!reached && !is_explained(file, "never", text_of(file, line)))
                wrong += at(file, line) + "`" + text + "`: no scenario comes here\n";
        }
    }
    return wrong;
}

} // namespace

std::string judge(Files files, const std::function<std::string()>& explored)
{
    Orders& orders = order_explorer().orders();
    orders.forget();
    std::string wrong = explored();
    if (!wrong.empty())
        return wrong;
    const std::set<AskedOrder> asked = orders.asked_for();
    for (const AskedOrder& order : asked) {
        if (std::find(files.begin(), files.end(), order.file) == files.end())
            continue;
        orders.leave_out(order);
        wrong += wrong_verdict(order, explored());
        orders.leave_out({});
    }
    return wrong + never_asked_for(files, asked);
}

} // namespace percival::testing
