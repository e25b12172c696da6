// SPDX-License-Identifier: BSD-2-Clause
// A model of the caches of instructions of several CPUs. They hold the whole image already, indexed by
// virtual address, and never see a store by themselves.
//
// - Maintenance takes effect with a DSB of the CPU that made it. A line that is invalidated is filled again
//   at once, before a clean that has not completed.
// - A CPU has fetched the whole image ahead. It executes what it has fetched until it synchronizes itself: by
//   an ISB, or by an exception. If its caches change later, it fetches nothing of that by itself.
// - A CPU that is off keeps its caches, and no maintenance of another CPU reaches them.
#pragma once

#include "tests/host/caches/cache_model.hpp"
#include "tests/host/caches/image.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

namespace percival::arch {

class InstructionCaches : public CacheModel {
public:
    InstructionCaches(const Image& image, u32 cpus)
        : CacheModel{kCacheType}, image_{image}, unified_{bytes_of(image)}, cpus_(cpus, Cpu{unified_})
    {
    }

    u32 operations{0};

    // Returns the distance from the image's start of what the executing CPU reaches at `address`, the image
    // or an alias of it, or nothing.
    virtual std::optional<u64> offset_of(u64 address) const = 0;
    virtual u32 executing() const = 0;

    // Returns the instruction that `cpu` executes at `offset`.
    u32 instruction(u32 cpu, u64 offset) const
    {
        u32 word = 0;
        std::memcpy(&word, cpus_[cpu].executed.data() + offset, sizeof word);
        return word;
    }
    bool executes_what_was_written(u32 cpu) const { return cpus_[cpu].executed == bytes_of(image_); }
    bool has_settled() const
    {
        const Cpu& self = cpus_[executing()];
        return self.cleaned.empty() && self.filled.empty() && self.executed == self.cached;
    }
    void synchronize(u32 cpu) { cpus_[cpu].executed = cpus_[cpu].cached; }
    void turn(u32 cpu, bool on) { cpus_[cpu].is_on = on; }
    // The executing CPU invalidates all of its own lines (IC IALLU).
    void invalidate_own_lines() { self().filled.push_back({0, unified_, true}); }

    void maintain(CacheOperation operation, u64 address) override
    {
        ++operations;
        const auto offset = offset_of(address);
        ASSERT_TRUE(offset) << "maintenance of what is not in the image";
        if (operation == CacheOperation::CleanAndInvalidate)
            self().cleaned.push_back(line(bytes_of(image_), *offset, kDataLine));
        else if (address == address_of(&image_).raw() + *offset) // else another alias loses its line
            self().filled.push_back(line(unified_, *offset, kInstructionLine));
    }
    void dsb(Shareability shareability, Access access) override
    {
        if (access != Access::Any)
            return;
        const bool is_local = shareability == Shareability::NonShareable;
        if (!is_local) {
            for (const Line& one : std::exchange(self().cleaned, {}))
                copy(one, unified_);
        }
        for (const Line& one : self().filled) {
            for (Cpu& cpu : cpus_) {
                if (one.is_own ? &cpu == &self() : cpu.is_on && !is_local)
                    copy(one, cpu.cached);
            }
        }
        std::erase_if(self().filled, [is_local](const Line& one) { return one.is_own || !is_local; });
    }
    void isb() override { synchronize(executing()); }

private:
    using Memory = std::vector<std::byte>;
    struct Line {
        std::size_t offset;
        Memory contents;
        bool is_own{false};
    };
    struct Cpu {
        Memory cached;
        Memory executed{cached};
        std::vector<Line> cleaned{}; // maintenance that it has not waited for
        std::vector<Line> filled{};
        bool is_on{true};
    };
    static constexpr u64 kCacheType = 0x8444'c002;
    static constexpr std::size_t kInstructionLine = 16, kDataLine = 64; // as kCacheType says

    Cpu& self() { return cpus_[executing()]; }
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
    static void copy(const Line& one, Memory& memory)
    {
        std::ranges::copy(one.contents, memory.begin() + static_cast<std::ptrdiff_t>(one.offset));
    }

    const Image& image_;
    Memory unified_; // what is clean to the Point of Unification
    std::vector<Cpu> cpus_;
};

} // namespace percival::arch
