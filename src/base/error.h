// SPDX-License-Identifier: Apache-2.0
// Errors as values. Every fallible function returns Result<T>; nothing throws across our
// interfaces.
//
// A message is one or more full sentences with the offending value and the limit. `context` says
// what was being done, innermost first; text() prints it under the message:
//
//   Snapshot RAM (64 MiB) differs from the machine's (128 MiB).
//    - while restoring "vm-07"
//
// Only the CLI prints errors and picks exit codes. A guest's trap is data, never an Error.
#pragma once

#include <expected>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

namespace rookery {

enum class ErrorKind {
  usage,          // the caller asked for something that cannot be
  image,          // a kernel, initrd, device tree or ELF is not what it should be
  io,             // a file, pipe or terminal failed
  device_lost,    // the GPU went away in mid-run
  out_of_memory,  // host or device memory does not suffice
  internal,       // a fault of ours
};

struct Error {
  ErrorKind kind = ErrorKind::internal;
  std::string message;
  std::vector<std::string> context;

  // Adds a line of context: fail(...).error().during("restoring \"vm-07\"").
  Error&& during(std::string what) && {
    context.push_back(std::move(what));
    return std::move(*this);
  }

  std::string text() const {
    std::string out = message;
    for (const std::string& what : context) out += "\n - while " + what;
    return out;
  }
};

template <class T>
using Result = std::expected<T, Error>;

template <class... Args>
[[nodiscard]] std::unexpected<Error> fail(ErrorKind kind, fmt::format_string<Args...> format,
                                          Args&&... args) {
  return std::unexpected(Error{kind, fmt::format(format, std::forward<Args>(args)...), {}});
}

}  // namespace rookery
