// SPDX-License-Identifier: Apache-2.0
#include "sweep/console_tail.h"

namespace rookery::sweep {

std::string_view console_tail(std::string_view console, std::size_t max_lines,
                              std::size_t max_bytes) {
  const std::size_t last = console.find_last_not_of("\r\n");
  if (last == std::string_view::npos) return {};
  std::string_view tail = console.substr(0, last + 1);
  std::size_t from = tail.size();
  for (std::size_t lines = 0; lines < max_lines && from != 0; ++lines) {
    const std::size_t feed = tail.rfind('\n', from - 1);
    from = feed == std::string_view::npos ? 0 : feed;
  }
  if (tail[from] == '\n') ++from;
  tail.remove_prefix(from);
  if (tail.size() <= max_bytes) return tail;
  tail.remove_prefix(tail.size() - max_bytes);
  const std::size_t feed = tail.find('\n');
  if (feed != std::string_view::npos) tail.remove_prefix(feed + 1);
  return tail;
}

}  // namespace rookery::sweep
