// SPDX-License-Identifier: Apache-2.0
// Guest time: steps made and skipped, and what they are on a clock.
#pragma once

#include "isa/state.h"

namespace rookery {

inline constexpr u64 kStepsPerUs = (u64{isa::TIMEBASE_HZ} << isa::MTIME_SHIFT) / 1'000'000;

inline u64 guest_steps(const isa::MachineState& state) {
  return std::visit([](const auto& s) { return s.hart.icount + s.hart.time_skipped; }, state);
}

}  // namespace rookery
