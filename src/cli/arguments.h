// SPDX-License-Identifier: Apache-2.0
// Small things about the command line that CLI11 does not do.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/types.h"

namespace rookery::cli {

// Rewrites the options that QEMU spells with one dash (-kernel, -initrd, -append, -bios, -dtb, -m)
// to ours, so that a QEMU command line can be pasted; a value of --append may begin with a dash.
std::vector<std::string> with_our_spelling(const std::vector<std::string>& arguments);

// "1000", "30M", "2.5G": a count in decimal units.
Result<u64> parse_count(std::string_view text, std::string_view option);

// "90", "0.5": seconds, as microseconds. 0 is refused: it would mean "no limit" to some.
Result<u64> parse_seconds(std::string_view text, std::string_view option);

}  // namespace rookery::cli
