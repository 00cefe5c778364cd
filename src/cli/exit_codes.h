// SPDX-License-Identifier: Apache-2.0
// What the process's exit status says. A guest's own status from 1 to 125 is passed through; the
// codes of ours above 63 are those of sysexits.h.
#pragma once

#include "base/error.h"

namespace rookery::cli {

inline constexpr int kExitGood = 0;
inline constexpr int kExitGuestFailed = 1;  // a panic, or an end that nobody can explain
inline constexpr int kExitDifferent = 1;    // verify, fuzz: the engines differ, as cmp(1) has it
inline constexpr int kExitGuestMax = 125;   // the highest guest status passed through
inline constexpr int kExitLimitReached =
    124;  // --timeout or --max-instructions, as timeout(1) has it
inline constexpr int kExitSignalBase = 128;  // + the signal's number

inline constexpr int exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
      return 64;  // EX_USAGE
    case ErrorKind::image:
      return 65;  // EX_DATAERR
    case ErrorKind::device_lost:
      return 69;  // EX_UNAVAILABLE
    case ErrorKind::internal:
      return 70;  // EX_SOFTWARE
    case ErrorKind::out_of_memory:
      return 71;  // EX_OSERR
    case ErrorKind::io:
      return 74;  // EX_IOERR
  }
  return 70;
}

}  // namespace rookery::cli
