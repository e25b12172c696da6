// SPDX-License-Identifier: BSD-2-Clause
// Tests how the sites of this_cpu operations are rewritten, on a model of caches of instructions that hold
// the whole text already, indexed by virtual address, and never see a store by themselves.
#include "arch/percpu_modes/alternatives.hpp"
#include "tests/host/caches/cache_model.hpp"
#include "tests/host/caches/image.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

namespace percival::arch {
namespace {

// What another CPU fetches, and what its fetches are filled from. Maintenance takes effect with a DSB for all
// accesses of all CPUs. A line that is invalidated is filled again at once, before a clean that has not
// completed.
class InstructionCaches final : public CacheModel {
public:
    explicit InstructionCaches(const Image& image)
        : CacheModel{kCacheType}, image_{image}, unified_{bytes_of(image)}, fetched_{unified_}
    {
    }

    u32 operations{0};

    bool fetch_sees_what_was_written() const { return fetched_ == bytes_of(image_); }
    bool has_settled() const { return cleaned_.empty() && filled_.empty() && is_synchronized_; }

    void maintain(CacheOperation operation, u64 address) override
    {
        ++operations;
        const auto offset = offset_in_image(address);
        ASSERT_TRUE(offset) << "maintenance of what is not in the image";
        if (operation == CacheOperation::CleanAndInvalidate)
            cleaned_.push_back(line(bytes_of(image_), *offset, kDataLine));
        else if (address == address_of(&image_).raw() + *offset) // else another alias loses its line
            filled_.push_back(line(unified_, *offset, kInstructionLine));
    }
    void dsb(Shareability shareability, Access access) override
    {
        if (shareability == Shareability::NonShareable || access != Access::Any)
            return;
        complete(cleaned_, unified_);
        is_synchronized_ = is_synchronized_ && filled_.empty();
        complete(filled_, fetched_);
    }
    void isb() override { is_synchronized_ = true; }

private:
    using Memory = std::vector<std::byte>;
    struct Line {
        std::size_t offset;
        Memory contents;
    };
    static constexpr u64 kCacheType = 0x8444'c002;
    static constexpr std::size_t kInstructionLine = 16, kDataLine = 64; // as kCacheType says

    static Memory bytes_of(const Image& image)
    {
        Memory memory(sizeof image);
        std::memcpy(memory.data(), &image, sizeof image);
        return memory;
    }
    static Line line(const Memory& memory, u64 offset, std::size_t size)
    {
        const auto first = memory.begin() + static_cast<std::ptrdiff_t>(offset / size * size);
        return {offset / size * size, {first, first + static_cast<std::ptrdiff_t>(size)}};
    }
    static void complete(std::vector<Line>& lines, Memory& memory)
    {
        for (const Line& one : std::exchange(lines, {}))
            std::ranges::copy(one.contents, memory.begin() + static_cast<std::ptrdiff_t>(one.offset));
    }

    const Image& image_;
    Memory unified_; // what is clean to the Point of Unification
    Memory fetched_; // what the caches of instructions hold, by the addresses that are executed
    std::vector<Line> cleaned_{};
    std::vector<Line> filled_{};
    bool is_synchronized_{true};
};

constexpr u32 kLoadAdd = 0xf8e9'010a, kResult = 0xa; // ldaddal x9, x10, [x8]
constexpr u32 kNoResult = 0x1f;
constexpr u32 kLoad = 0xf940'0100, kLoadByDistance = 0xf868'6a40; // ldr x0, [x8], and [x18, x8]
constexpr u32 kVeneer = 0x1400'0100;                              // b

// Where the sites are, as indices of words in the text: two on the first page, three on the second.
constexpr std::array<u32, 5> kSites{10, 1023, 1024, 1100, 1500};
constexpr u32 kSequences = 1600, kSequence = 16; // five sequences of 16 words for each site

// Stores in `offset` the distance from there to a word of the text.
void point(s32& offset, const Image& image, u32 word)
{
    offset = static_cast<s32>(address_of(&image.text[word]).raw() - address_of(&offset).raw());
}

void fill(Image& image)
{
    for (u32 n = 0; n < kSites.size(); ++n) {
        Alternative& one = image.alternatives[n];
        const bool is_add = n != 2 && n != 3;
        const u32 first = kSequences + n * 5 * kSequence;
        point(one.site_offset, image, kSites[n]);
        one.instruction = is_add ? kLoadAdd : kLoad;
        one.result_is_unused = n == 1 || n == 4 ? 1 : 0;
        one.restart_instruction = n == 2 ? kLoadByDistance : 0;
        if (is_add)
            point(one.local_llsc, image, first);
        if (n != 2) {
            point(one.restart_lse, image, first + 1 * kSequence);
            point(one.restart_llsc, image, first + (is_add ? 2 : 1) * kSequence);
        }
        point(one.guarded_lse, image, first + 3 * kSequence);
        point(one.guarded_llsc, image, first + (is_add ? 4 : 3) * kSequence);
        image.text[first + 1 * kSequence + 1] = kLoadAdd;
        image.text[first + 3 * kSequence + 5] = kLoadAdd;
        image.text[kSites[n]] = instruction_of(one, kPercpuFormAsLinked);
    }
}

constexpr PercpuForm kForms[] = {
    {.mode = PercpuMode::Local, .lse = true},
    {.mode = PercpuMode::Local, .lse = true, .add = AddForm::StoreAdd},
    {.mode = PercpuMode::Restart, .lse = true, .add = AddForm::StoreAdd},
    {.mode = PercpuMode::Restart, .lse = true, .add = AddForm::LlSc},
    {.mode = PercpuMode::Restart, .lse = false},
    {.mode = PercpuMode::Guarded, .lse = false},
    {.mode = PercpuMode::Guarded, .lse = true},
    {.mode = PercpuMode::Local, .lse = false},
};

class TextWriterTest : public testing::Test {
protected:
    TextWriterTest() { windows_opened = 0; }
    ~TextWriterTest() override { EXPECT_TRUE(caches.has_settled()); }

    Image& image{make_image(fill)};
    InstructionCaches caches{image};
};

TEST_F(TextWriterTest, every_cpu_fetches_the_instructions_of_each_form)
{
    for (const PercpuForm& form : kForms) {
        patch_percpu_operations(form);
        EXPECT_EQ(percpu_form(), form);
        EXPECT_TRUE(caches.fetch_sees_what_was_written());
        for (u32 n = 0; n < kSites.size(); ++n) {
            Alternative& one = image.alternatives[n];
            EXPECT_EQ(image.text[kSites[n]], instruction_of(one, form));
            const bool stores = form.add == AddForm::StoreAdd && one.result_is_unused != 0;
            const u32 add = (kLoadAdd & ~kNoResult) | (stores ? kNoResult : kResult);
            const u32 first = kSequences + n * 5 * kSequence;
            EXPECT_EQ(image.text[first + 1 * kSequence + 1], add);
            EXPECT_EQ(image.text[first + 3 * kSequence + 5], add);
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
        fill(writable);
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
