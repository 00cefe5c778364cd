// SPDX-License-Identifier: Apache-2.0
// What fleets cost: forking machines from a snapshot, running a command in each, making them the
// snapshot's again. One round at one number of machines; `rookery bench-fleet` prints several.
#pragma once

#include <string>

#include "fleet/fleet.h"

namespace rookery::bench {

struct FleetRound {
  std::string command;  // typed; "{vm}" stands for the machine's number
  std::string until;    // a machine has done it when it prints this
  u64 max_instructions = 0;
};

struct FleetTimes {
  std::string engine;
  u32 machines = 0;
  double fork_seconds = 0;      // until all are ready to run
  double run_seconds = 0;       // until the last has printed it
  double reset_seconds = 0;     // of all
  double host_cpu_seconds = 0;  // while they ran: of this process, all threads
  u64 instructions = 0;
  u32 finished = 0;           // printed it
  u64 dirty_pages = 0;        // of all
  u32 waited_for_memory = 0;  // at most at a time
  double busy_seconds = 0;    // until half of them had printed it
};

// Errors: Fleet::fork()'s.
Result<FleetTimes> time_fleet(const Snapshot& snapshot, const MakeEngine& make_engine, u32 machines,
                              const FleetRound& round);

}  // namespace rookery::bench
