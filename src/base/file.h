// SPDX-License-Identifier: Apache-2.0
// Whole files in memory, with a limit on their size: the only place below the CLI that opens files.
// Errors are of kind `io` and name the path.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/types.h"

namespace rookery {

// Reads all of `path`, which may be a pipe; fails if it holds more than `max_bytes`.
// `what` names the file's purpose in the message: "kernel", "device tree".
Result<std::vector<u8>> read_file(const std::string& path, const std::string& what, u64 max_bytes);

// Replaces `path` by `bytes`. On failure the file may be incomplete.
Result<void> write_file(const std::string& path, const std::string& what,
                        std::span<const u8> bytes);

bool file_exists(const std::string& path);

// "64 MiB", "3.4 MiB", "17 bytes": sizes as messages show them.
std::string size_text(u64 bytes);

}  // namespace rookery
