// SPDX-License-Identifier: Apache-2.0
// The end of a console, for people.
#pragma once

#include <string_view>

#include "base/types.h"

namespace rookery::sweep {

// The last `max_lines` lines of at most `max_bytes` bytes, from the beginning of a line on if one
// begins there. Line feeds at the end do not count as lines.
std::string_view console_tail(std::string_view console, std::size_t max_lines,
                              std::size_t max_bytes);

}  // namespace rookery::sweep
