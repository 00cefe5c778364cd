// SPDX-License-Identifier: Apache-2.0
// All that enters a machine from outside, as a list of events. A machine is a function of its boot
// image and this list, on every engine: who has both has the whole run.
//
// An event belongs to a count of hart.icount. It takes place when the machine has made so many
// steps since it was last reset, before it makes another, and before interrupts are looked at. The
// events of one count take place in the order of the list. Whether the machine waited in wfi, and
// for how long on the host's clock, does not matter: only what entered does.
//
// What the host does as a function of the machine alone (draining the console, answering HTIF,
// loading a rebooted machine) is no event.
#pragma once

#include <string>
#include <variant>

#include "base/error.h"
#include "base/types.h"
#include "machine/run_end.h"

namespace rookery {

// Bytes that went into the UART's receive FIFO: all of them fitted.
struct Typed {
  std::string bytes;
  bool operator==(const Typed&) const = default;
};

// Time that went by while the guest waited in wfi: hart.time_skipped grew by so many steps.
struct TimeSkipped {
  u64 steps = 0;
  bool operator==(const TimeSkipped&) const = default;
};

// The guest asked to reboot and was reset: counts start again at 0.
struct Rebooted {
  bool operator==(const Rebooted&) const = default;
};

// The run is over. The last event.
struct Ended {
  EndReason reason = EndReason::shutdown;
  u32 status = 0;
  bool failed = false;
  bool operator==(const Ended&) const = default;
};

// Nothing entered; Engine::state_hash() was this.
struct StateHash {
  u64 hash = 0;
  bool operator==(const StateHash&) const = default;
};

// Nothing entered; the machine was seen to come so far.
struct Reached {
  bool operator==(const Reached&) const = default;
};

struct OutsideEvent {
  u64 icount = 0;
  std::variant<Typed, TimeSkipped, Rebooted, Ended, StateHash, Reached> what;
  bool operator==(const OutsideEvent&) const = default;
};

// Takes down what enters a machine, as it enters. Events come with counts that never fall but at a
// Rebooted. A failure ends the run.
class Journal {
 public:
  virtual ~Journal() = default;
  virtual Result<void> note(const OutsideEvent& event) = 0;
};

}  // namespace rookery
