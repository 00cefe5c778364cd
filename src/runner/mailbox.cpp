// SPDX-License-Identifier: Apache-2.0
#include "runner/mailbox.h"

#include <charconv>
#include <cstring>
#include <map>
#include <string_view>

namespace rookery::runner {
namespace {

constexpr std::string_view kMark = "ROOKERY-MAILBOX line ";
constexpr u32 kDigits = 10;
constexpr u32 kLineBytes = 32;
constexpr u32 kLinesPerPage = isa::PAGE_BYTES / kLineBytes;
constexpr u32 kHeaderBytes = 16;
static_assert(kMark.size() + kDigits + 1 == kLineBytes);

}  // namespace

Mailbox::Mailbox(const Checkpoint& machine) {
  std::map<u32, u32> found;  // the number of the first line, the page's address
  for (const u32 number : machine.numbers) {
    const std::span<const u8> page = machine.page(number);
    const std::string_view text(reinterpret_cast<const char*>(page.data()), page.size());
    if (!text.starts_with(kMark) || text[kLineBytes - 1] != '\n') continue;
    u32 line = 0;
    const char* const digits = text.data() + kMark.size();
    const auto parsed = std::from_chars(digits, digits + kDigits, line);
    if (parsed.ptr != digits + kDigits || line % kLinesPerPage != 0) continue;
    found[line] = isa::RAM_BASE + number * isa::PAGE_BYTES;
  }
  for (const auto& [line, pa] : found) {
    if (line != pages_.size() * kLinesPerPage) break;
    pages_.push_back(pa);
  }
}

Result<std::vector<WordChange>> Mailbox::put(std::span<const u8> message) const {
  if (pages_.empty()) {
    return fail(ErrorKind::usage,
                "The snapshot has no mailbox: no page in its memory begins with \"{}\".", kMark);
  }
  if (message.size() + kHeaderBytes > bytes()) {
    return fail(ErrorKind::usage, "{} bytes do not fit into the mailbox, which has room for {}.",
                message.size(), bytes() - kHeaderBytes);
  }
  const std::string header = fmt::format("{:15}\n", message.size());
  std::vector<u8> content(header.begin(), header.end());
  content.insert(content.end(), message.begin(), message.end());
  content.resize((content.size() + 3) / 4 * 4);
  std::vector<WordChange> changes;
  changes.reserve(content.size() / 4);
  for (u64 at = 0; at < content.size(); at += 4) {
    u32 word = 0;
    std::memcpy(&word, content.data() + at, sizeof word);
    const u32 pa = pages_[at / isa::PAGE_BYTES] + static_cast<u32>(at % isa::PAGE_BYTES);
    changes.push_back({0, pa, 0, word});
  }
  return changes;
}

}  // namespace rookery::runner
