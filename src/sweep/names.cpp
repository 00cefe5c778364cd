// SPDX-License-Identifier: Apache-2.0
#include "sweep/names.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace rookery::sweep {
namespace {

// Letters added, left out, replaced, or swapped with their neighbour, to make `b` of `a` (optimal
// string alignment).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before_last = std::exchange(last, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

std::string but_known(std::string_view name, std::span<const std::string_view> known) {
  constexpr std::size_t kMaxCompared = 64;  // names are short, or not meant
  std::string_view nearest;
  std::size_t least = std::max<std::size_t>(1, name.size() / 3) + 1;
  for (const std::string_view candidate : known) {
    if (name.size() > kMaxCompared || candidate.size() > kMaxCompared) continue;
    const std::size_t edits = distance(name, candidate);
    if (edits >= least) continue;
    least = edits;
    nearest = candidate;
  }
  if (!nearest.empty()) return fmt::format("; did you mean \"{}\"?", nearest);
  if (known.empty()) return ".";
  constexpr std::size_t kMaxListed = 16;
  const std::size_t listed = std::min(known.size(), kMaxListed);
  std::string text = listed == 1 ? "; there is only " : "; there are ";
  for (std::size_t i = 0; i < listed; ++i) {
    if (i > 0) text += i + 1 == listed && listed == known.size() ? " and " : ", ";
    text += fmt::format("\"{}\"", known[i]);
  }
  return text + (listed < known.size() ? ", ..." : ".");
}

}  // namespace rookery::sweep
