// SPDX-License-Identifier: BSD-2-Clause
// The litmus shapes that the kernel tries on real pages (kernel/probes/litmus_shapes.hpp), on the simulated
// machine: each has a twin here, and the machine allows or forbids its outcome as the shape's verdict says,
// with FEAT_ETS2 and without it.
#include "kernel/probes/litmus_shapes.hpp"
#include "page_table/litmus_bed.hpp"

namespace percival::testing::litmus {
namespace {

constexpr PhysAddr kNewPage = kMemory + kPage;
constexpr VirtAddr kAlias = kAt + kPage;

// A bed of its own for each look, so that nothing stays from the one before.
class Bed : public LitmusTest {
public:
    explicit Bed(bool has_ets2) { machine.set_ets2(has_ets2); }

    bool may_write(u32 cpu)
    {
        return std::ranges::any_of(machine.outcomes(cpu, kAt), [](const Outcome& outcome) {
            return outcome.attributes.protection == mm::Protection::ReadWrite;
        });
    }

private:
    void TestBody() override {}
};

struct Twin {
    std::string_view shape;
    bool (*is_allowed)(Bed&); // returns whether the machine allows the outcome that the shape asks for
};

constexpr std::array kTwins{
    Twin{"CoWTf.inv+dsb.ishst-isb",
         [](Bed& bed) {
             bed.store(Bed::page());
             dsb_ish<Access::Store>();
             arch::isb();
             return bed.may_fault(0);
         }},
    Twin{"CoWTf.inv+dsb.ishst",
         [](Bed& bed) {
             bed.store(Bed::page());
             dsb_ish<Access::Store>();
             return bed.may_fault(0);
         }},
    Twin{"CoRpteTf.inv+dsb.ishst-isb",
         [](Bed& bed) {
             bed.store(Bed::page());
             bed.machine.execute_on(1);
             bed.see();
             dsb_ish<Access::Store>();
             arch::isb();
             return bed.may_fault(1);
         }},
    Twin{"MP.RTf.inv+dsb.ishst-rel+acq",
         [](Bed& bed) {
             bed.store(Bed::page());
             dsb_ish<Access::Store>();
             bed.tell(Taking::Load);
             return bed.may_fault(1);
         }},
    Twin{"CoWinvT+dsb.ishst-tlbiis-dsb-isb",
         [](Bed& bed) {
             bed.begin_with(Bed::page());
             bed.store(Pte{});
             bed.flush();
             return bed.may_get(0, kMemory);
         }},
    Twin{"MP.RinvT+dmb.ishst+xchg-dsb.ishst-tlbiis-dsb-isb",
         [](Bed& bed) {
             bed.begin_with(Bed::page());
             bed.store(Pte{});
             bed.tell(Taking::Exchange);
             bed.flush();
             return bed.may_get(1, kMemory);
         }},
    Twin{"BBM+dsb.ishst-tlbiis-dsb-rel+acq",
         [](Bed& bed) {
             bed.begin_with(Bed::page());
             bed.store(Pte{});
             bed.flush();
             bed.store(Bed::page(kNewPage));
             dsb_ish<Access::Store>();
             bed.tell(Taking::Load);
             return bed.may_get(1, kMemory);
         }},
    Twin{"MP.RWro+dsb.ishst-tlbiis-dsb-rel+acq",
         [](Bed& bed) {
             bed.begin_with(Bed::page());
             bed.store(Bed::page(kMemory, mm::kReadOnlyData));
             bed.flush();
             bed.tell(Taking::Load);
             return bed.may_write(1);
         }},
    Twin{"BBM.alias+dsb.ishst-tlbiis-dsb+dmb.ishld",
         [](Bed& bed) {
             bed.begin_with(Bed::page(), 0);
             bed.begin_with(Bed::page(), 1);
             bed.store(Pte{}, 0);
             bed.store(Pte{}, 1);
             dsb_ish<Access::Store>();
             tlbi(kAt);
             tlbi(kAlias);
             dsb_ish<Access::Any>();
             arch::isb();
             bed.store(Bed::page(kNewPage), 0);
             bed.store(Bed::page(kNewPage), 1);
             dsb_ish<Access::Store>();
             return bed.may_get(1, kNewPage, kAt) && bed.may_get(1, kMemory, kAlias);
         }},
    // The machine refuses that memory is used again while a CPU may still get at it.
    Twin{"MP.RTreuse+dsb.ishst-tlbiis-dsb",
         [](Bed& bed) {
             bed.begin_with(Bed::page());
             bed.store(Pte{});
             bed.flush();
             bed.machine.reuse_memory({kMemory, kPage});
             return bed.is_refused();
         }},
};

bool allows(const Twin& twin, bool has_ets2)
{
    Bed bed{has_ets2};
    return twin.is_allowed(bed);
}

TEST(ProbedShapes, EachHasATwinHereAndNoTwinIsWithoutItsShape)
{
    EXPECT_TRUE(std::ranges::equal(kLitmusShapes, kTwins, {}, &LitmusShape::name, &Twin::shape));
}

TEST(ProbedShapes, TheMachineAllowsAndForbidsWhatTheKernelTakesForTheVerdict)
{
    for (u32 number = 0; number < kTwins.size(); ++number) {
        for (const bool has_ets2 : {false, true}) {
            EXPECT_EQ(allows(kTwins[number], has_ets2), is_allowed(kLitmusShapes[number].verdict, has_ets2))
                << kTwins[number].shape << (has_ets2 ? " with FEAT_ETS2" : " without FEAT_ETS2");
        }
    }
}

} // namespace
} // namespace percival::testing::litmus
