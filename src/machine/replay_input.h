// SPDX-License-Identifier: Apache-2.0
// Input from a recording: every event takes place at its count, and the guest is checked against
// what the recording says of it. Nothing sleeps: time that went by in the recorded run is skipped.
// The host's own keys are still heard; what else is typed goes nowhere.
//
// A machine that does not do as the recording says is an error of kind `internal` with both counts:
// the machine and its images are known to be the recorded ones, so an engine is wrong, or another
// version of Rookery recorded.
#pragma once

#include <memory>

#include "machine/host.h"
#include "machine/input_source.h"
#include "machine/live_input.h"
#include "machine/recording.h"

namespace rookery {

class ReplayInput : public InputSource {
 public:
  // How many of the recording's events have taken place; going on from there, all that comes after
  // them takes place again.
  virtual std::size_t position() const = 0;
  virtual void go_to(std::size_t position) = 0;
};

// `recording` and `host` must outlive the source.
std::unique_ptr<ReplayInput> make_replay_input(const Recording& recording, InputMode mode,
                                               MachineHost& host);

}  // namespace rookery
