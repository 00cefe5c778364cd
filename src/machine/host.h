// SPDX-License-Identifier: Apache-2.0
// What a running machine needs from whoever runs it (the CLI's console, a page, a test): a clock, a
// place for what the guest prints, and what somebody types. The machine calls it between
// dispatches, always from the thread that called Machine::turn().
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/types.h"
#include "engine/engine.h"

namespace rookery {

struct TypedInput {
  std::string bytes;    // empty: nothing typed yet
  bool closed = false;  // nothing will ever be typed again
};

class MachineHost {
 public:
  virtual ~MachineHost() = default;

  // Wall time from some fixed moment on; never goes back.
  virtual u64 now_us() = 0;

  // Takes all of `bytes`, or fails.
  virtual Result<void> print(std::string_view bytes) = 0;

  // What was typed since the last call, without waiting.
  virtual Result<TypedInput> read_typed() = 0;

  // Returns after `us` microseconds, or sooner if something was typed or somebody wants to stop.
  virtual void sleep(u64 us) = 0;

  // The same while the machine is paused: nobody reads piped input then, so it wakes nobody.
  virtual void sleep_paused(u64 us) { sleep(us); }

  // Somebody asked to stop: the run ends at the next instruction boundary.
  virtual bool stop_requested() = 0;

  // An exit is about to be served; `instructions` is the machine's count. For tracing only.
  virtual void saw_exit(const Exit& exit, u64 instructions) = 0;
};

}  // namespace rookery
