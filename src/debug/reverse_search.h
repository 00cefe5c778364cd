// SPDX-License-Identifier: Apache-2.0
// Going backwards by running forwards: the machine is put back to where it was before, and runs
// again up to where it is wanted. For a stop point that is the last place before the start at which
// one would stop it, looked for from checkpoint to checkpoint, the latest first.
#pragma once

#include <optional>

#include "debug/debug_target.h"

namespace rookery::debug {

class ReverseSearch {
 public:
  enum class Goal {
    step,  // the machine as it was one instruction ago
    // The last place before this one where a stop point would have stopped it. At a data point it
    // stands behind the access: that is the next instruction to be undone, as gdb expects it.
    stop_point,
  };
  // `target`, which must outlive the search, can go back.
  ReverseSearch(DebugTarget& target, Goal goal);

  struct Found {
    bool is_beginning = false;  // there is nothing before: it stands where the history begins
    std::optional<u32> stop = std::nullopt;  // by its place among the stop points
  };
  // A dispatch's worth of searching. Until something was found, the machine stands anywhere
  // between, which is a place where it was.
  Result<std::optional<Found>> turn();

 private:
  struct Place {
    u64 count;
    std::optional<u32> stop;
  };

  DebugTarget& target_;
  u64 stretch_begin_ = 0;
  u64 stretch_end_;  // all behind it was looked at
  bool in_stretch_ = false;
  std::optional<Place> last_hit_;  // in this stretch
  std::optional<Place> goal_;      // known: the machine is on the way there
};

}  // namespace rookery::debug
