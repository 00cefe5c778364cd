// SPDX-License-Identifier: Apache-2.0
// Where a replayed machine was: checkpoints that are taken while it runs, so that it can go back to
// any count and come from there again.
//
// They lie the closer together the nearer they are to the last one, and together have a limit. Not
// thread-safe. Errors are the engine's.
#pragma once

#include <map>

#include "machine/machine.h"

namespace rookery::debug {

inline constexpr u64 kHistoryBytes = 256 * kMiB;

class History {
 public:
  // `machine`, which must outlive the history, can go back (RunOptions::goes_back) and has not run.
  static Result<History> begin(Machine& machine, u64 max_bytes = kHistoryBytes);

  // The machine ran: another checkpoint, if the last one is so far behind that it would be felt.
  Result<void> note();

  // The machine has to be where it was after `count` instructions: puts it there or, most often,
  // somewhat earlier, and the rest has to be run. `count` is at most where the machine stands.
  Result<void> go_back(u64 count);

  // A checkpoint where the machine stands, whatever it costs.
  Result<void> keep();

  u64 checkpoints() const { return checkpoints_.size(); }
  u64 bytes() const { return bytes_; }

 private:
  History(Machine& machine, u64 max_bytes) : machine_(machine), max_bytes_(max_bytes) {}

  Result<void> take();
  void thin_out();

  Machine& machine_;
  std::map<u64, MachineCheckpoint> checkpoints_;  // by Machine::instructions(); the first is at 0
  u64 bytes_ = 0;                                 // of all of them
  u64 max_bytes_;
};

}  // namespace rookery::debug
