// SPDX-License-Identifier: Apache-2.0
// gdb's `monitor` commands, for people: what they type, and the text that they see.
#pragma once

#include <string>
#include <string_view>

#include "debug/debug_target.h"

namespace rookery::debug {

// Lines, each with its end. What cannot be understood is answered by a sentence.
Result<std::string> run_monitor_command(DebugTarget& target, std::string_view line);

}  // namespace rookery::debug
