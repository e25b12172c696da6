// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/probes/litmus_steps.hpp"

#include "kernel/probes/meeting.hpp"

#include <algorithm>

namespace percival {
namespace {

using Place = Stage::Place;
using Start = Stage::Start;

Outcome seen_at(const Stage& stage, Place place = Place::At)
{
    switch (stage.read(place)) {
    case Stage::kOld:
        return Outcome::Old;
    case Stage::kNew:
        return Outcome::New;
    default:
        return Outcome::Reused;
    }
}

void map_and_tell(Stage& stage)
{
    stage.map_new(Place::At);
    publish_stores();
    stage.tell();
}

Outcome see_when_told(Stage& stage)
{
    stage.await_flag();
    return seen_at(stage);
}

constexpr std::array<NamedSteps, kLitmusShapes.size()> kSteps{{
    {"CoWTf.inv+dsb.ishst-isb",
     {Start::Holes, nullptr, nullptr,
      [](Stage& stage) {
          stage.map_new(Place::At);
          publish_stores();
          arch::isb();
          return seen_at(stage);
      }}},
    {"CoWTf.inv+dsb.ishst",
     {Start::Holes, nullptr, nullptr,
      [](Stage& stage) {
          stage.map_new(Place::At);
          publish_stores();
          return seen_at(stage);
      }}},
    {"CoRpteTf.inv+dsb.ishst-isb",
     {Start::Holes, [](Stage& stage) { stage.map_new(Place::At); }, nullptr,
      [](Stage& stage) {
          wait_patiently([&stage] { return !stage.is_clear(Place::At); });
          publish_stores();
          arch::isb();
          return seen_at(stage);
      }}},
    {"MP.RTf.inv+dsb.ishst-rel+acq", {Start::Holes, &map_and_tell, nullptr, &see_when_told}},
    {"CoWinvT+dsb.ishst-tlbiis-dsb-isb",
     {Start::OldPage, nullptr, nullptr,
      [](Stage& stage) {
          static_cast<void>(stage.read(Place::At));
          stage.clear(Place::At);
          stage.flush(Place::At);
          arch::isb();
          return seen_at(stage);
      }}},
    {"MP.RinvT+dmb.ishst+xchg-dsb.ishst-tlbiis-dsb-isb",
     {Start::OldPage,
      [](Stage& stage) {
          stage.clear(Place::At);
          arch::dmb<arch::Shareability::InnerShareable, arch::Access::Store>();
          stage.flag.store(1, std::memory_order_relaxed);
      },
      nullptr,
      [](Stage& stage) {
          wait_patiently([&stage] { return stage.flag.exchange(0, std::memory_order_acquire) != 0; });
          stage.flush(Place::At);
          arch::isb();
          return seen_at(stage);
      }}},
    {"BBM+dsb.ishst-tlbiis-dsb-rel+acq",
     {Start::OldPage,
      [](Stage& stage) {
          stage.clear(Place::At);
          stage.flush(Place::At);
          map_and_tell(stage);
      },
      [](Stage& stage) { stage.read_until_told(); }, &see_when_told}},
    {"MP.RWro+dsb.ishst-tlbiis-dsb-rel+acq",
     {Start::OldPage,
      [](Stage& stage) {
          stage.map_old(Place::At, mm::kReadOnlyData);
          stage.flush(Place::At);
          stage.tell();
      },
      [](Stage& stage) { stage.read_until_told(); },
      [](Stage& stage) {
          stage.await_flag();
          stage.write(Place::At, Stage::kOld);
          return Outcome::Old;
      }}},
    {"BBM.alias+dsb.ishst-tlbiis-dsb+dmb.ishld",
     {Start::OldPage,
      [](Stage& stage) {
          stage.clear(Place::At);
          stage.clear(Place::Alias);
          publish_stores();
          stage.invalidate(Place::At);
          stage.invalidate(Place::Alias);
          stage.complete();
          arch::isb();
          stage.map_new(Place::At);
          stage.map_new(Place::Alias);
          publish_stores();
          stage.flag.store(1, std::memory_order_relaxed);
      },
      nullptr,
      [](Stage& stage) {
          // The flag is no order: it only brings the reads near the writer's last steps.
          wait_patiently([&stage] { return stage.flag.load(std::memory_order_relaxed) != 0; });
          const Outcome first = seen_at(stage, Place::At);
          arch::dmb<arch::Shareability::InnerShareable, arch::Access::Load>();
          const Outcome second = seen_at(stage, Place::Alias);
          return first == Outcome::New ? second : Outcome::New;
      }}},
    {"MP.RTreuse+dsb.ishst-tlbiis-dsb",
     {Start::OldPage,
      [](Stage& stage) {
          stage.clear(Place::At);
          stage.flush(Place::At);
          stage.reuse_old_page();
      },
      nullptr,
      [](Stage& stage) {
          wait_patiently([&stage] { return stage.read(Place::At) != Stage::kOld; });
          return Outcome::Reused;
      }}},
}};

static_assert(std::ranges::equal(kLitmusShapes, kSteps, {}, &LitmusShape::name, &NamedSteps::name));

} // namespace

std::span<const NamedSteps> litmus_steps()
{
    return kSteps;
}

} // namespace percival
