// SPDX-License-Identifier: BSD-2-Clause
// The table of all boot arguments: name, values, default and meaning of each. Code reads an argument through
// its entry here (kernel/boot_arguments/boot_arguments.hpp), so one that is not in the table cannot be read.
//
// `arguments.list` and `./percival boot --help` print the table, and README.md repeats it.
// scripts/frontdoor/boot_arguments.py finds the entries in this file by their double braces and four strings.
//
// Entries hold their text in place and have no pointers. boot/refuse.cpp reads them with the MMU off, at an
// address that the image was not linked for.
#pragma once

#include "kernel/lib/inline_text.hpp"
#include "kernel/lib/types.hpp"
#include "kernel/options/percpu_mode.hpp"

#include <string_view>

namespace percival {

struct BootArgument {
    InlineText<20> name;
    // Choices separated by `|`, or a placeholder; empty for a flag. A value that may be left out stands in
    // brackets with its `=`.
    InlineText<40> values;
    InlineText<12> fallback; // the default, as one would write it; empty if there is none
    InlineText<64> meaning;
    u8 missing_choices{0}; // bit n: this build lacks choice n
};

// An entry whose value has the type T: bool, a number, text, or an enum. An enum has an enumerator for each
// choice, in the order of `values`. Only BootArgumentTable makes entries.
template <class T>
class BootArgumentOf : public BootArgument {
    friend struct BootArgumentTable;
    consteval explicit BootArgumentOf(const BootArgument& argument) : BootArgument{argument} {}
};

using FlagArgument = BootArgumentOf<bool>;
using NumberArgument = BootArgumentOf<u64>;
using TextArgument = BootArgumentOf<std::string_view>;

enum class LinearChoice : u8 { Auto, Blocks, Pages };
enum class PercpuChoice : u8 { Local, Restart, Fixup, Guarded, Auto };
enum class PercpuAddChoice : u8 { LoadAdd, StoreAdd, LlSc, Auto };
enum class PercpuWindowChoice : u8 { Linked, Mapped };
enum class RootsChoice : u8 { Private, Common };
enum class LevelChoice : u8 { El1, El2 };
enum class ProbeFaultChoice : u8 { None, Root, Tlbi };
enum class AcpiChoice : u8 { Auto, Off, On, Force };
enum class VerdictChoice : u8 { PowerOff, Semihosting, Reset };

// A build of one mode has the choice of that mode, which has the mode's number, and `auto`.
inline constexpr u8 kMissingPercpuChoices = [] {
    constexpr u32 kAll = (1U << static_cast<u32>(PercpuChoice::Auto)) - 1;
    if constexpr (kPercpuInLine)
        return static_cast<u8>(kAll & ~(1U << kPercpuModeInLine));
    else
        return static_cast<u8>(PERCIVAL_LOCAL_PERCPU ? 0 : 1U << static_cast<u32>(PercpuChoice::Local));
}();

// clang-format off
struct BootArgumentTable {
    static constexpr TextArgument kSelftest{
        {"selftest", "GLOB[,GLOB]", "*", "which self-tests run, by suite.test"}};
    static constexpr FlagArgument kSelftestList{
        {"selftest.list", "", "off", "prints the names of self-tests instead of running them"}};
    static constexpr NumberArgument kSelftestTimeout{
        {"selftest.timeout", "S", "30", "seconds, per 8 CPUs, before a test counts as hung; 0: never"}};
    static constexpr NumberArgument kSelftestRepeat{
        {"selftest.repeat", "N", "1", "how many times the self-tests run"}};
    static constexpr FlagArgument kSelftestEveryMode{
        {"selftest.every_mode", "", "off", "runs self-tests in each mode of the this_cpu operations"}};
    static constexpr TextArgument kBench{
        {"bench", "[=GLOB[,GLOB]]", "", "runs benchmarks instead of self-tests"}};
    static constexpr TextArgument kProbe{
        {"probe", "[=GLOB[,GLOB]]", "", "probes TLBs instead of running self-tests"}};
    static constexpr NumberArgument kProbeTries{
        {"probe.tries", "N", "0", "tries of each shape; 0: as many as half a second allows"}};
    static constexpr BootArgumentOf<ProbeFaultChoice> kProbeFault{
        {"probe.fault", "none|root|tlbi", "none",
         "one root for two CPUs, or no TLBI in probes, for tests"}};
    static constexpr BootArgumentOf<LinearChoice> kLinear{
        {"linear", "auto|blocks|pages", "auto",
         "maps RAM by blocks or pages; auto: blocks if CPUs split live"}};
    static constexpr TextArgument kMemoryLater{
        {"memory.later", "SIZE@ADDRESS", "",
         "holds this RAM back at boot, and adds it when all CPUs are up"}};
    static constexpr BootArgumentOf<PercpuChoice> kPercpu{
        {"percpu", "local|restart|fixup|guarded|auto", "local",
         "how the this_cpu operations run", kMissingPercpuChoices}};
    static constexpr BootArgumentOf<PercpuAddChoice> kPercpuAdd{
        {"percpu.add", "ldadd|stadd|llsc|auto", "auto",
         "instruction for adds without result, with LSE; auto: measured"}};
    static constexpr BootArgumentOf<PercpuWindowChoice> kPercpuWindow{
        {"percpu.window", "linked|mapped", "linked",
         "which tables a CPU's local window uses: its slab's, or its own"}};
    static constexpr BootArgumentOf<RootsChoice> kRoots{
        {"roots", "private|common", "private",
         "a root table for each CPU, or one for all, without percpu=local"}};
    static constexpr BootArgumentOf<LevelChoice> kEl{
        {"el", "1|2", "1",
         "exception level; 2: stays at EL2, if entered there, with VHE"}};
    static constexpr TextArgument kCpufeatureMask{
        {"cpufeature.mask", "cpuN:NAME[,NAME]", "", "features that a CPU seems to lack, for tests"}};
    static constexpr TextArgument kCpufeatureForce{
        {"cpufeature.force", "cpuN:NAME[,NAME]", "", "features that a CPU seems to have, for tests"}};
    static constexpr TextArgument kCpufeatureMidr{
        {"cpufeature.midr", "cpuN:MIDR[,cpuN:MIDR]", "", "kinds of core that CPUs seem to be, for tests"}};
    static constexpr TextArgument kCpusLater{
        {"cpus.later", "cpuN[,cpuN]", "", "CPUs that come only after those of the boot, for tests"}};
    static constexpr FlagArgument kObjectsGuard{
        {"objects.guard", "", "off", "each small object on a page of its own: wrong uses fault"}};
    static constexpr FlagArgument kPtdump{
        {"ptdump", "", "off", "prints the page tables by region, and each root's own part"}};
    static constexpr FlagArgument kVmallocinfo{
        {"vmallocinfo", "", "off", "prints the used areas of vmalloc, modules and percpu"}};
    static constexpr FlagArgument kPercpuinfo{
        {"percpuinfo", "", "off", "prints chunks, pages and free bytes of the percpu allocator"}};
    static constexpr FlagArgument kMachineinfo{
        {"machineinfo", "", "off", "prints what the tree or ACPI says of the machine"}};
    static constexpr FlagArgument kArgumentsList{
        {"arguments.list", "", "off", "prints this table and ends the run"}};
    // Read by boot/uefi/acpi_choice.hpp, long before the kernel reads the others.
    static constexpr BootArgumentOf<AcpiChoice> kAcpi{
        {"acpi", "auto|off|on|force", "auto",
         "UEFI: tree before ACPI, tree alone, ACPI first, ACPI alone"}};
    static constexpr BootArgumentOf<VerdictChoice> kVerdict{
        {"verdict", "poweroff|semihosting|reset", "poweroff",
         "how the run ends; semihosting: with the verdict as exit status"}};

    static constexpr TextArgument kEarlycon{
        {"earlycon", "[=UART[,mmio32],ADDRESS]", "",
         "the console, instead of the device tree's: docs/consoles.md"}};

    // Calls visit(const BootArgument&) for each entry, in the order of listings.
    template <class Visit>
    static constexpr void for_each(Visit visit)
    {
        const BootArgument* const all[] = {
            &kSelftest, &kSelftestList, &kSelftestTimeout, &kSelftestRepeat, &kSelftestEveryMode,
            &kBench,    &kProbe,        &kProbeTries,      &kProbeFault,     &kLinear,
            &kMemoryLater,  &kPercpu,   &kPercpuAdd,       &kPercpuWindow,   &kRoots,  &kEl,
            &kCpufeatureMask,  &kCpufeatureForce, &kCpufeatureMidr, &kCpusLater, &kObjectsGuard,
            &kPtdump,   &kVmallocinfo,  &kPercpuinfo,      &kMachineinfo,    &kArgumentsList,
            &kAcpi,     &kVerdict,  &kEarlycon,
        };
        for (const BootArgument* argument : all)
            visit(*argument);
    }
};
// clang-format on

} // namespace percival
