// SPDX-License-Identifier: BSD-2-Clause
// Runs the map of a percpu chunk against a model: an array with one byte per grain, which is searched from
// its start each time. Each step is one operation. `Choose`, a callable that returns a number below its
// argument, chooses the operation and its arguments; it is a random generator in the tests, and reads the
// input in the fuzzer.
#pragma once

#include "support/percpu_map_check.hpp"

#include <string>
#include <utility>
#include <vector>

namespace percival::testing {

// The memory of a map, filled with garbage.
class PercpuMapMemory {
public:
    explicit PercpuMapMemory(Bytes unit)
        : words_(percpu::ChunkMap::words_for(percpu::ChunkMap::blocks_of(unit)), 0x2323'2323'2323'2323),
          blocks_(percpu::ChunkMap::blocks_of(unit))
    {
    }
    percpu::ChunkMap::Storage storage() { return {words_, blocks_}; }

private:
    std::vector<u64> words_;
    std::vector<percpu::Block> blocks_;
};

struct PercpuMapShape {
    Bytes unit;
    Bytes page;
    Bytes begin;
    Bytes end;
};

template <class Choose>
class PercpuMapModelRun {
public:
    // Checks the result of each step, and the whole map after every `check_every` steps.
    PercpuMapModelRun(Choose choose, PercpuMapShape shape, u32 check_every)
        : choose_{choose}, shape_{shape}, check_every_{check_every}, memory_{shape.unit},
          map_{memory_.storage(), shape.begin, shape.end}, grains_(shape.unit.count() / 4, Grain::Foreign),
          within_(percpu::ChunkMap::block_words(map_.block_count()))
    {
        std::fill(grains_.begin() + grain_of(shape.begin), grains_.begin() + grain_of(shape.end),
                  Grain::Free);
        free_ = shape.end - shape.begin;
        check_all();
    }

    // Runs one operation. Returns the first error so far, or an empty string.
    std::string step()
    {
        // Phases in which the map fills up alternate with phases in which it empties.
        const bool fill = (steps_ / 2048) % 2 == 0;
        ++steps_;
        exact_ = steps_ % check_every_ == 0;
        switch (choose_(8)) {
        case 0:
            choose_blocks();
            allocate(within_);
            break;
        case 1:
            fill ? allocate_many() : free_many();
            break;
        case 2:
            free_wrong();
            break;
        case 3:
            fill ? free_many() : allocate({});
            break;
        case 4:
            fill ? free() : allocate_many();
            break;
        default:
            fill ? allocate({}) : free();
            break;
        }
        demand(map_.free_bytes() == free_, "the count of free bytes");
        demand(map_.is_unused() == live_.empty(), "a map is unused exactly if nothing is allocated");
        if (exact_)
            check_all();
        return complaint_;
    }

    // Frees everything and checks that one free run is left. Returns the first error, or an empty string.
    std::string finish()
    {
        while (!live_.empty() && complaint_.empty())
            free();
        check_all();
        demand(map_.largest_free() == shape_.end - shape_.begin, "the free grains become one run again");
        return complaint_;
    }

private:
    using Grain = PercpuGrain;
    struct Live {
        u32 at;
        u32 grains;
    };

    static constexpr u32 kBlock = percpu::Block::kGrains;
    static u32 grain_of(Bytes offset) { return static_cast<u32>(offset.count() / 4); }
    static Bytes offset_of(u32 grain) { return Bytes{grain * u64{4}}; }
    u32 grain_count() const { return static_cast<u32>(grains_.size()); }
    u32 number(u64 below) { return static_cast<u32>(choose_(below)); }
    void demand(bool holds, const char* what)
    {
        if (!holds && complaint_.empty())
            complaint_ = std::string{what} + " (step " + std::to_string(steps_) + ")";
    }

    percpu::Request some_request()
    {
        const u32 kind = number(16);
        const u64 below = kind == 0 ? percpu::kMaxSize.count() : kind < 4 ? 2048 : 64;
        const u64 alignment = kind % 4 == 3
                                  ? u64{1} << number(static_cast<u64>(std::bit_width(shape_.page.count())))
                                  : u64{4} << number(3);
        return *percpu::Request::of(Bytes{number(below) + u64{1}}, Bytes{alignment}, shape_.page);
    }
    void choose_blocks()
    {
        for (u64& word : within_)
            word = u64{number(1u << 16)} | u64{number(1u << 16)} << 16 | u64{number(1u << 16)} << 32;
    }

    bool is_place(percpu::Request request, u32 at, std::span<const u64> within) const
    {
        if (at % request.alignment() != 0 || at + request.grains() > grain_count())
            return false;
        for (u32 grain = at; grain < at + request.grains(); ++grain) {
            if (grains_[grain] != Grain::Free)
                return false;
            if (!within.empty() && !bit_is_set(within, grain / kBlock))
                return false;
        }
        return true;
    }
    std::optional<u32> first_place(percpu::Request request, std::span<const u64> within) const
    {
        for (u32 at = 0; at < grain_count(); at += request.alignment()) {
            if (grains_[at] == Grain::Free && is_place(request, at, within))
                return at;
        }
        return std::nullopt;
    }

    void mark(percpu::Request request, Bytes offset)
    {
        const u32 at = grain_of(offset);
        for (u32 grain = at; grain < at + request.grains(); ++grain)
            grains_[grain] = grain == at ? Grain::Start : Grain::Inside;
        live_.push_back({at, request.grains()});
        free_ = free_ - request.size();
    }
    void unmark(std::size_t index)
    {
        const Live gone = live_[index];
        live_[index] = live_.back();
        live_.pop_back();
        std::fill_n(grains_.begin() + gone.at, gone.grains, Grain::Free);
        free_ = free_ + offset_of(gone.grains);
    }

    // Checks the result of an allocation, and enters it into the model.
    void accept(percpu::Request request, std::span<const u64> within, std::optional<Bytes> offset)
    {
        if (exact_) {
            const auto place = first_place(request, within);
            demand(offset.has_value() == place.has_value(), "a place is found exactly if one is free");
            if (offset && place)
                demand(*offset == offset_of(*place), "the place is the first that fits");
        }
        if (!offset)
            return;
        demand(offset->count() % 4 == 0 && is_place(request, grain_of(*offset), within),
               "an allocated place was free, is aligned and lies in an allowed block");
        if (complaint_.empty())
            mark(request, *offset);
    }
    void allocate(std::span<const u64> within)
    {
        const percpu::Request request = some_request();
        accept(request, within, map_.allocate(request, within));
    }
    // Checks that allocate_many() does the same as single allocations.
    void allocate_many()
    {
        const percpu::Request request = some_request();
        const bool restricted = choose_(4) == 0;
        if (restricted)
            choose_blocks();
        const std::span<const u64> within =
            restricted ? std::span<const u64>{within_} : std::span<const u64>{};
        std::vector<Bytes> offsets(number(40));
        const u32 count = map_.allocate_many(request, offsets, within);
        demand(count <= offsets.size(), "no more places than were asked for");
        for (u32 index = 0; index < count; ++index)
            accept(request, within, offsets[index]);
        if (count < offsets.size())
            accept(request, within, std::nullopt);
    }

    void free()
    {
        if (live_.empty())
            return;
        const u32 index = number(live_.size());
        const Live gone = live_[index];
        demand(map_.size_at(offset_of(gone.at)) == offset_of(gone.grains), "the size of an allocation");
        demand(map_.free(offset_of(gone.at)) == offset_of(gone.grains),
               "free() returns the size of the allocation");
        unmark(index);
    }
    // Frees allocations in random, ascending or descending order, sometimes with a wrong offset among them.
    void free_many()
    {
        std::vector<Bytes> offsets;
        const u32 wanted = number(40);
        for (u32 index = number(live_.size() + 1); index < live_.size() && offsets.size() < wanted; ++index)
            offsets.push_back(offset_of(live_[index].at));
        const u32 order = number(3);
        if (order == 1)
            std::ranges::sort(offsets);
        else if (order == 2)
            std::ranges::sort(offsets, std::greater{});
        // The wrong offset is a random one, or one that is freed for the second time.
        std::size_t right = offsets.size();
        if (choose_(4) == 0) {
            right = number(right + 1);
            const Bytes wrong = right != 0 && choose_(2) == 0 ? offsets[number(right)] : wrong_offset();
            offsets.insert(offsets.begin() + static_cast<long>(right), wrong);
        }
        const auto freed = map_.free_many(offsets);
        demand(freed.count == right,
               "the allocations before the first wrong offset are freed, and no others");
        demand(freed.error.has_value() == (right != offsets.size()), "a wrong offset is an error");
        for (std::size_t index = 0; index < freed.count && complaint_.empty(); ++index) {
            const auto gone = std::ranges::find(live_, grain_of(offsets[index]), &Live::at);
            demand(gone != live_.end(), "only an allocation can be freed");
            if (gone != live_.end())
                unmark(static_cast<std::size_t>(gone - live_.begin()));
        }
    }

    Bytes wrong_offset()
    {
        const Bytes offset{choose_(shape_.unit.count() + 4096)};
        return expected_error(offset) ? offset : offset + Bytes{1};
    }
    std::optional<percpu::FreeError> expected_error(Bytes offset) const
    {
        if (offset < shape_.begin || offset >= shape_.end)
            return percpu::FreeError::OutOfRange;
        if (offset.count() % 4 != 0)
            return percpu::FreeError::Misaligned;
        switch (grains_[grain_of(offset)]) {
        case Grain::Free:
            return percpu::FreeError::NotAllocated;
        case Grain::Inside:
            return percpu::FreeError::NotTheStart;
        default:
            return std::nullopt;
        }
    }
    void free_wrong()
    {
        const Bytes offset = wrong_offset();
        const auto freed = map_.free(offset);
        demand(!freed && freed.error() == expected_error(offset), "a wrong free returns the right error");
        demand(!map_.size_at(offset), "an offset that cannot be freed has no size");
    }

    void check_all()
    {
        const std::string wrong = check_percpu_map(map_, grains_, grain_of(shape_.end));
        if (!wrong.empty())
            demand(false, wrong.c_str());
    }

    Choose choose_;
    PercpuMapShape shape_;
    u32 check_every_;
    PercpuMapMemory memory_;
    percpu::ChunkMap map_;
    std::vector<Grain> grains_;
    std::vector<u64> within_;
    std::vector<Live> live_;
    Bytes free_{};
    u64 steps_{0};
    bool exact_{false};
    std::string complaint_;
};

} // namespace percival::testing
