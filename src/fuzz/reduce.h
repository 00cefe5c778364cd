// SPDX-License-Identifier: Apache-2.0
// Reduces a machine on which two engines differ to what the difference needs.
#pragma once

#include <functional>

#include "debug/compare_engines.h"

namespace rookery::fuzz {

// A machine to start from, and for how many steps: then two engines differ.
struct Trial {
  MachineState state;
  std::vector<u8> ram;
  u64 steps = 0;
};

struct Reduction {
  Trial trial;
  u32 tried = 0;  // machines that were run for it
};

// Makes the run start later and end sooner, and fields of the state, pages and words of RAM zero
// (or words of RAM nops), as long as the engines differ. `trial` is one on which they do. pc and
// hart.icount stay. Both engines hold one machine, loaded like `loaded`, which may have run since;
// it is changed. Ends early when `stop` says so, which is asked between trials.
Result<Reduction> reduce(const EnginePair& pair, const Checkpoint& loaded, Trial trial,
                         const std::function<bool()>& stop);

// From `start`, with the pages that are not in it as `ram` has them.
Trial trial_of(const Checkpoint& start, std::vector<u8> ram, u64 steps);

// The same machine as a checkpoint beside `loaded`.
Checkpoint checkpoint_of(const Trial& trial, const Checkpoint& loaded);

}  // namespace rookery::fuzz
