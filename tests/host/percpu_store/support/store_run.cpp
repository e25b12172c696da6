// SPDX-License-Identifier: BSD-2-Clause
#include "percpu_store/support/store_run.hpp"

#include <algorithm>
#include <bit>

namespace percival::testing {

using namespace mm;

std::string PercpuStoreRun::step()
{
    // Phases in which the store fills up alternate with phases in which it empties.
    const bool fill = (steps_ / 4096) % 2 == 0;
    ++steps_;
    const bool may_fail = with_failures_ && choose(8) == 0;
    if (may_fail) {
        const u64 first = 1 + choose(6);
        model_.machine().fail(first, choose(2) == 0 ? 1 : ~u64{0});
    }
    operate(fill);
    if (may_fail)
        model_.machine().never_fail();
    if (steps_ % check_every_ == 0)
        model_.check_statistics();
    return complaint_at_step();
}

std::string PercpuStoreRun::finish()
{
    model_.finish();
    return complaint_at_step();
}

void PercpuStoreRun::operate(bool fill)
{
    // The worker runs some time after it was called for.
    if (model_.bed().store.needs_balance() && choose(16) == 0)
        return model_.balance();
    switch (choose(32)) {
    case 0:
        return model_.balance();
    case 1:
    case 2:
        return take_or_note(some_request());
    case 3:
    case 4:
    case 5:
    case 6:
        return fill ? take_many() : put_many();
    case 7:
        return fill ? put_many() : take_many();
    default:
        // Two of three operations go in the direction of the phase.
        return (choose(3) == 0) != fill ? take_one() : put_one();
    }
}

// Returns a random request, usually a small one.
percpu::Request PercpuStoreRun::some_request()
{
    constexpr Bytes kPage = PercpuStoreMachine::kPage;
    const u64 kind = choose(32);
    const u64 below = kind == 0 ? percpu::kMaxSize.count() : kind < 6 ? 4096 : 128;
    const u64 alignment = kind % 8 == 5 ? u64{1} << choose(static_cast<u64>(std::bit_width(kPage.count())))
                                        : u64{4} << choose(3);
    return *percpu::Request::of(Bytes{1 + choose(below)}, Bytes{alignment}, kPage);
}

void PercpuStoreRun::take_one()
{
    const percpu::Request request = some_request();
    if (choose(2) == 0)
        model_.take_blocking(request);
    else
        take_or_note(request);
}

// Does what an atomic caller does.
void PercpuStoreRun::take_or_note(percpu::Request request)
{
    if (model_.take(request, 1) == 0)
        model_.note_missed(request);
}

void PercpuStoreRun::take_many()
{
    const percpu::Request request = some_request();
    model_.take(request, static_cast<u32>(choose(40)));
}

void PercpuStoreRun::put_one()
{
    if (const u64 count = model_.objects().size(); count != 0)
        model_.put(choose(count), 1);
}

void PercpuStoreRun::put_many()
{
    const u64 count = model_.objects().size();
    const u64 first = choose(count + 1);
    model_.put(first, std::min(count - first, choose(48)));
}

std::string PercpuStoreRun::complaint_at_step() const
{
    const std::string& complaint = model_.complaint();
    return complaint.empty() ? complaint : complaint + " (step " + std::to_string(steps_) + ")";
}

} // namespace percival::testing
