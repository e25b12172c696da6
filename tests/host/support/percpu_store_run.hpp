// SPDX-License-Identifier: BSD-2-Clause
// Random use of a percpu store, judged by its model. Each step is one operation with everything about it drawn from
// `Choose`, a callable that gives a number below its argument.
#pragma once

#include "support/percpu_store_model.hpp"

#include <bit>
#include <string>

namespace percival::testing {

template <class Choose>
class PercpuStoreRun {
public:
    // `with_failures`: now and then memory runs out during an operation. The statistics are looked at after each
    // `check_every` steps.
    PercpuStoreRun(Choose choose, const PercpuStoreShape& shape, bool with_failures, u32 check_every)
        : choose_{choose}, with_failures_{with_failures}, check_every_{check_every}, model_{shape}
    {
    }

    // Empty, or what went wrong.
    std::string step()
    {
        // Phases in which it fills up and empties.
        const bool fill = (steps_ / 4096) % 2 == 0;
        ++steps_;
        const bool may_fail = with_failures_ && choose_(8) == 0;
        if (may_fail)
            model_.machine().fail(1 + choose_(6), choose_(2) == 0 ? 1 : ~u64{0});
        operate(fill);
        if (may_fail)
            model_.machine().never_fail();
        if (steps_ % check_every_ == 0)
            model_.check_statistics();
        return said();
    }

    std::string finish()
    {
        model_.finish();
        return said();
    }

    PercpuStoreModel& model() { return model_; }

private:
    void operate(bool fill)
    {
        // The worker comes some time after it was called.
        if (model_.bed().store.needs_balance() && choose_(16) == 0)
            return model_.balance();
        switch (choose_(32)) {
        case 0:
            return model_.balance();
        case 1:
        case 2:
            return take_or_note(some_request());
        case 3:
        case 4:
        case 5:
        case 6:
            return fill ? take_many() : give_many();
        case 7:
            return fill ? give_many() : take_many();
        default:
            if (choose_(3) == 0 ? !fill : fill)
                take_one();
            else
                give_one();
        }
    }

    mm::PercpuRequest some_request()
    {
        constexpr Bytes kPage = PercpuStoreMachine::kPage;
        const u64 kind = choose_(32);
        const u64 below = kind == 0 ? mm::kMaxPercpuSize.count() : kind < 6 ? 4096 : 128;
        const u64 alignment = kind % 8 == 5
                                  ? u64{1} << choose_(static_cast<u64>(std::bit_width(kPage.count())))
                                  : u64{4} << choose_(3);
        return *mm::PercpuRequest::of(Bytes{1 + choose_(below)}, Bytes{alignment}, kPage);
    }

    void take_one()
    {
        const mm::PercpuRequest request = some_request();
        if (choose_(2) == 0)
            model_.take_blocking(request);
        else
            take_or_note(request);
    }
    // As an atomic caller does.
    void take_or_note(mm::PercpuRequest request)
    {
        if (model_.take(request, 1) == 0)
            model_.note_missed(request);
    }
    void take_many() { model_.take(some_request(), static_cast<u32>(choose_(40))); }

    void give_one()
    {
        if (const u64 count = model_.objects().size(); count != 0)
            model_.give(choose_(count), 1);
    }
    void give_many()
    {
        const u64 count = model_.objects().size();
        const u64 first = choose_(count + 1);
        model_.give(first, std::min(count - first, choose_(48)));
    }

    std::string said() const
    {
        const std::string& complaint = model_.complaint();
        return complaint.empty() ? complaint : complaint + " (step " + std::to_string(steps_) + ")";
    }

    Choose choose_;
    bool with_failures_;
    u32 check_every_;
    PercpuStoreModel model_;
    u64 steps_{0};
};

} // namespace percival::testing
