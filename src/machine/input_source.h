// SPDX-License-Identifier: Apache-2.0
// Where a machine's outside input comes from. A source decides what enters and when; it acts on the
// machine through an InputPort alone, so that everything that enters can be taken down
// (machine/journal.h). There are two: a person or a program at the host (machine/live_input.h) and
// a recording (machine/replay_input.h).
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/types.h"
#include "engine/engine.h"
#include "machine/run_end.h"

namespace rookery {

// A machine between two steps, as its input source sees it.
class InputPort {
 public:
  // Steps since the machine was last reset: hart.icount.
  virtual u64 icount() const = 0;

  // Wall time as the machine counts it: it stands still while the machine is paused.
  virtual u64 now_us() = 0;

  virtual Result<MachineState> state() = 0;
  virtual Result<u64> state_hash() = 0;

  // Types into the UART's receive FIFO. Returns how many bytes fitted.
  virtual Result<u32> type(std::string_view bytes) = 0;

  // Moves guest time on by so many steps (or none) and lets the machine go on from its wfi.
  virtual Result<void> go_on(u64 skipped_steps) = 0;

 protected:
  ~InputPort() = default;
};

// What becomes of a machine that waits in wfi.
struct WfiAnswer {
  bool sleeps = false;        // ask again at the next turn
  std::optional<RunEnd> end;  // the run is over
};

// What happens before the machine runs on.
struct DispatchAnswer {
  u64 max_steps = std::numeric_limits<u64>::max();  // ask again after so many; at least 1
  std::optional<RunEnd> end;
};

// What a source has taken and has not typed yet.
struct PendingInput {
  std::string typed;
  bool line_is_open = false;  // it begins in the middle of a line: the rest is in the UART
};

class InputSource {
 public:
  virtual ~InputSource() = default;

  // The machine was reset, at the start too.
  virtual void on_reset() = 0;

  // What the machine takes with it into a snapshot.
  virtual PendingInput pending() const = 0;

  // The machine goes on from a snapshot; on_reset() came first.
  virtual void go_on_with(PendingInput pending) = 0;

  // The guest printed.
  virtual void on_printed(std::string_view bytes) = 0;

  // The machine is about to run on.
  virtual Result<DispatchAnswer> before_dispatch(InputPort& port) = 0;

  // The machine waits in wfi (`exit` is its EXIT_WFI). If the answer is neither sleep nor end,
  // go_on() was called.
  virtual Result<WfiAnswer> on_wfi(const Exit& exit, InputPort& port) = 0;

  // The guest ended the run; may fail, but not prevent it.
  virtual Result<RunEnd> on_guest_end(const RunEnd& end, InputPort& port) = 0;

  // The guest asked to reboot. Empty: so be it.
  virtual Result<std::optional<RunEnd>> on_reboot(InputPort& port) = 0;

  // The machine is paused: keys that are meant for the host still have to be heard.
  virtual Result<void> while_paused() = 0;
};

}  // namespace rookery
