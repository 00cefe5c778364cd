// SPDX-License-Identifier: Apache-2.0
#include "machine/run_end.h"

namespace rookery {

const char* end_name(EndReason reason) {
  switch (reason) {
    case EndReason::shutdown:
      return "shutdown";
    case EndReason::instructions:
      return "instructions";
    case EndReason::timeout:
      return "timeout";
    case EndReason::stopped:
      return "stopped";
    case EndReason::idle:
      return "idle";
    case EndReason::stuck:
      return "stuck";
    case EndReason::reboot_at_end:
      return "reboot";
    case EndReason::recording_stops:
      return "recording stops";
  }
  return "unknown";
}

}  // namespace rookery
