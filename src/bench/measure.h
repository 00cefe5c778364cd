// SPDX-License-Identifier: Apache-2.0
// How fast an engine runs a workload: by wall clock, after a warm-up, counting only instructions
// that machines are known to have executed. A measurement ends with a check of the machines against
// the CPU engine; one that computed wrongly is an error, never a number.
//
// Uses threads (the CPU engine on several cores), so it is native only.
#pragma once

#include <functional>
#include <vector>

#include "bench/workload.h"
#include "fleet/parallel_engine.h"

namespace rookery::bench {

// Instructions a second over all machines, from at least kMinSamples parts of the run where it was
// long enough for them.
struct Speed {
  double median = 0;
  double lowest = 0;
  double highest = 0;
  u32 samples = 0;
  u64 instructions = 0;  // of all machines, while it was measured
  double seconds = 0;    // for which it was measured
};

inline constexpr u32 kMinSamples = 3;
inline constexpr u32 kMaxSamples = 5;

struct MeasureOptions {
  double seconds = 1;  // to measure for, warm-up not counted
  bool slow = false;   // an emulated adapter: begin with short dispatches
  // Asked between dispatches, by measure_cpu() on each of its threads; true: ends with an error.
  std::function<bool()> stop_requested;
};

// `machines` machines in one engine. out_of_memory: that many do not fit.
Result<Speed> measure_engine(const MakeEngine& make, const Workload& workload, u32 machines,
                             bool divergent, const MeasureOptions& options);

// One machine on the CPU engine on each of `threads` threads, seeds of their own.
Result<Speed> measure_cpu(const Workload& workload, u32 threads, const MeasureOptions& options);

}  // namespace rookery::bench
