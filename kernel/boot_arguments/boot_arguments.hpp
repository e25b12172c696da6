// SPDX-License-Identifier: BSD-2-Clause
// Reads the boot arguments of /chosen through the entries of their table. Any context, also on the host and
// with the MMU off.
//
//      const auto seconds = arguments.number(BootArgumentTable::kSelftestTimeout);
//      seconds.value      // the given value, or the default
//      seconds.problem    // why the given value is not used, if it is wrong
//
// If an argument is given twice, the last one counts. Several places may read an argument, but only one of
// them reports its problem (kernel/boot_arguments/boot_argument_report.hpp).
#pragma once

#include "kernel/boot_arguments/boot_argument_table.hpp"
#include "kernel/boot_arguments/given_arguments.hpp"
#include "kernel/lib/format.hpp"
#include "kernel/lib/types.hpp"

#include <optional>
#include <string_view>
#include <type_traits>

namespace percival {

// Error of a value that its argument cannot have.
struct BootArgumentError {
    enum class Problem : u8 { NotANumber, Beyond64Bits, NoSuchChoice };

    const BootArgument& argument;
    std::string_view value;
    Problem problem;

    // Writes, for example, `selftest.timeout=soon: is not a number, using 30`.
    void describe(Writer& out) const;
};

// An argument that is not in the table. `meant` is the argument whose name is spelt almost alike, or null.
struct UnknownBootArgument {
    std::string_view key;
    const BootArgument* meant;
};

template <class T>
struct BootArgumentValue {
    T value{};
    bool is_given{false}; // false if the argument is missing or wrong; `value` is then the default
    std::optional<BootArgumentError> problem{};
};

class BootArguments {
public:
    // `text` outlives the object and every view taken from it.
    constexpr explicit BootArguments(std::string_view text) : given_{text} {}

    bool is_given(const TextArgument& argument) const { return last(argument).has_value(); }
    // Returns true if the argument is given and its value is not 0, n, no, off or false.
    bool flag(const FlagArgument& argument) const;
    // Returns the text given, the default if the argument is missing, or an empty text if it has no value.
    std::string_view text(const TextArgument& argument) const;
    // Return the number or the choice given, or the default if the argument is missing or wrong.
    BootArgumentValue<u64> number(const NumberArgument& argument) const;
    template <class Choice>
        requires std::is_enum_v<Choice>
    BootArgumentValue<Choice> choice(const BootArgumentOf<Choice>& argument) const
    {
        const BootArgumentValue<u8> chosen = choice_by_number(argument);
        return {static_cast<Choice>(chosen.value), chosen.is_given, chosen.problem};
    }

    // Calls visit(const UnknownBootArgument&) for each argument that seems meant for this kernel but is not
    // in the table: others of its family are, or its name or family is a misspelt one of the table.
    template <class Visit>
    void for_each_unknown(Visit visit) const
    {
        for (const GivenArgument& argument : given_) {
            const Spelling spelling = spelling_of(argument);
            if (spelling.kind == Spelling::Kind::Unknown)
                visit(UnknownBootArgument{argument.key, spelling.meant});
        }
    }

    // Calls visit(std::string_view key) for each argument that looks like none of the table. It may be meant
    // for a boot loader or another kernel.
    template <class Visit>
    void for_each_foreign(Visit visit) const
    {
        for (const GivenArgument& argument : given_) {
            if (spelling_of(argument).kind == Spelling::Kind::Foreign)
                visit(argument.key);
        }
    }

private:
    struct Spelling {
        enum class Kind : u8 { Known, Unknown, Foreign };
        Kind kind;
        const BootArgument* meant; // Unknown only; may be null
    };

    std::optional<std::string_view> last(const BootArgument& argument) const;
    BootArgumentValue<u8> choice_by_number(const BootArgument& argument) const;
    static Spelling spelling_of(const GivenArgument& given);

    GivenArguments given_;
};

// Writes an argument with the values that this build has, such as `selftest.timeout=S`.
void describe_usage(const BootArgument& argument, Writer& out);

// Returns the default of an argument in this build: if the build lacks that choice, the first one that it
// has.
std::string_view default_of(const BootArgument& argument);

} // namespace percival
