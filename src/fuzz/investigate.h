// SPDX-License-Identifier: Apache-2.0
// What there is to know about a case in which two engines differ.
#pragma once

#include <string>

#include "fuzz/fuzz.h"
#include "fuzz/random_machine.h"

namespace rookery::fuzz {

// Where a case was seen to differ, in a fleet.
struct Suspect {
  u64 number = 0;      // the case
  u64 steps = 0;       // made by then
  std::string what;    // a sentence
  MachineState state;  // of the machine in the fleet, at the end of its case
};

struct Findings {
  std::string summary;  // a sentence
  std::string text;     // lines
};
Result<Findings> investigate(const Corpus& corpus, const Suspect& suspect,
                             const MakeEngine& expected, const MakeEngine& actual,
                             const FuzzOptions& options, FuzzHost& host);

}  // namespace rookery::fuzz
