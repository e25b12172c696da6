// SPDX-License-Identifier: BSD-2-Clause
// Tests how the sites of this_cpu operations are rewritten, on a model of caches of instructions
// (tests/host/caches/instruction_caches.hpp).
#include "arch/percpu_modes/alternatives.hpp"
#include "tests/host/caches/image_of_sites.hpp"
#include "tests/host/caches/instruction_caches.hpp"
#include "tests/host/caches/written_window.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace percival::arch {
namespace {

constexpr u32 kOtherCpu = 1;

// The caches of a CPU that patches and of one that only executes. The program plays the first one.
class TextCaches final : public InstructionCaches {
public:
    explicit TextCaches(const Image& image) : InstructionCaches{image, 2} {}

    std::optional<u64> offset_of(u64 address) const override
    {
        const auto executed = offset_in_image(address);
        return executed ? executed : offset_in_window(address);
    }
    u32 executing() const override { return 0; }
};

constexpr PercpuForm kForms[] = {
    {.mode = PercpuMode::Local, .lse = true},
    {.mode = PercpuMode::Local, .lse = true, .add = AddForm::StoreAdd},
    {.mode = PercpuMode::Restart, .lse = true, .add = AddForm::StoreAdd},
    {.mode = PercpuMode::Restart, .lse = true, .add = AddForm::LlSc},
    {.mode = PercpuMode::Restart, .lse = false},
    {.mode = PercpuMode::Fixup, .lse = true, .add = AddForm::StoreAdd},
    {.mode = PercpuMode::Fixup, .lse = false},
    {.mode = PercpuMode::Guarded, .lse = false},
    {.mode = PercpuMode::Guarded, .lse = true},
    {.mode = PercpuMode::Local, .lse = false},
};

class TextWriterTest : public testing::Test {
protected:
    TextWriterTest() { windows_opened = 0; }
    ~TextWriterTest() override { EXPECT_TRUE(caches.has_settled()); }

    Image& image{make_image(fill_with_sites)};
    TextCaches caches{image};
};

TEST_F(TextWriterTest, every_cpu_fetches_the_instructions_of_each_form)
{
    for (const PercpuForm& form : kForms) {
        patch_percpu_operations(form);
        EXPECT_EQ(percpu_form(), form);
        EXPECT_TRUE(caches.executes_what_was_written(0));
        caches.synchronize(kOtherCpu);
        EXPECT_TRUE(caches.executes_what_was_written(kOtherCpu));
        for (u32 n = 0; n < kSites.size(); ++n) {
            Alternative& one = image.alternatives[n];
            EXPECT_EQ(image.text[kSites[n]], instruction_of(one, form));
            const bool stores = form.add == AddForm::StoreAdd && one.result_is_unused != 0;
            const u32 add = (kLoadAdd & ~kNoResult) | (stores ? kNoResult : kResult);
            const u32 first = kSequences + n * 7 * kSequence;
            EXPECT_EQ(image.text[first + 1 * kSequence + 1], add);
            EXPECT_EQ(image.text[first + 3 * kSequence + 5], add);
            EXPECT_EQ(image.text[first + 5 * kSequence + 5], add);
        }
    }
}

TEST_F(TextWriterTest, what_does_not_change_is_neither_written_nor_published)
{
    patch_percpu_operations(kForms[0]);
    EXPECT_GT(windows_opened, 0u);
    EXPECT_GT(caches.operations, 0u);
    windows_opened = caches.operations = 0;
    patch_percpu_operations(kForms[0]);
    EXPECT_EQ(windows_opened, 0u);
    EXPECT_EQ(caches.operations, 0u);
}

TEST_F(TextWriterTest, local_mode_keeps_the_linkers_branches_to_veneers)
{
    make_image([](Image& writable) {
        fill_with_sites(writable);
        writable.text[kSites[3]] = kVeneer;
    });
    keep_veneers();
    for (u32 n = 0; n < kSites.size(); ++n) {
        const u32 expected = n == 3 ? kVeneer : n == 2 ? kLoad : kLoadAdd;
        EXPECT_EQ(image.alternatives[n].instruction, expected);
    }
    patch_percpu_operations({.mode = PercpuMode::Guarded, .lse = true});
    EXPECT_NE(image.text[kSites[3]], kVeneer);
    patch_percpu_operations({.mode = PercpuMode::Local, .lse = true});
    EXPECT_EQ(image.text[kSites[3]], kVeneer);
}

} // namespace
} // namespace percival::arch
