// SPDX-License-Identifier: Apache-2.0
// How a run of one machine ends.
#pragma once

#include "base/types.h"

namespace rookery {

// The numbers stand in recordings (machine/recording.h): new ones are added, none is changed.
enum class EndReason : u8 {
  shutdown = 0,         // the guest powered off, or a bare program exited
  instructions = 1,     // RunOptions::max_instructions were executed
  timeout = 2,          // RunOptions::timeout_us went by
  stopped = 3,          // MachineHost::stop_requested(), or Machine::stop()
  idle = 4,             // the guest waits for input and there will be none
  stuck = 5,            // the guest waits for an interrupt that cannot come
  reboot_at_end = 6,    // the guest rebooted after its input had ended
  recording_stops = 7,  // a recording that was cut off knows no more; never in a recording
};

// "shutdown", "recording stops": for programs to read.
const char* end_name(EndReason reason);

struct RunEnd {
  EndReason reason = EndReason::shutdown;
  u32 status = 0;         // the guest's own, for shutdown
  bool failed = false;    // it ended after a failure (panic, failed test)
  bool replayed = false;  // it is the end that a recording has
};

}  // namespace rookery
