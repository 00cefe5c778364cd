// SPDX-License-Identifier: Apache-2.0
// `rookery profile --lanes`: machines that begin alike but for what tells them apart, side by side.
#pragma once

#include <string>

#include "cli/console.h"
#include "debug/divergence.h"
#include "machine/boot.h"

namespace rookery::cli {

struct LaneOptions {
  u32 lanes = 32;
  u64 from = 0;  // of the instructions of each
  u64 to = 0;
  std::string typed;      // "{lane}" in it is a machine's number
  bool seeds_a0 = false;  // a0 is the machine's number at the start
};

// Runs them on the CPU engine: a machine does the same on every engine, count for count, and so
// does a fleet. A machine is over where it reboots.
Result<DivergenceReport> compare_lanes(const BootImage& image, const LaneOptions& options,
                                       Console& console);

}  // namespace rookery::cli
