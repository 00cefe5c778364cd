// SPDX-License-Identifier: Apache-2.0
#include "sweep/case_ranges.h"

#include <iterator>

namespace rookery::sweep {

bool CaseRanges::add(u64 number) {
  const auto after = ranges_.upper_bound(number);
  const bool has_before = after != ranges_.begin();
  const auto before = has_before ? std::prev(after) : ranges_.end();
  if (has_before && number < before->second) return false;
  ++size_;
  const bool joins_before = has_before && before->second == number;
  const bool joins_after = after != ranges_.end() && after->first == number + 1;
  if (joins_before) {
    before->second = joins_after ? after->second : number + 1;
    if (joins_after) ranges_.erase(after);
  } else if (joins_after) {
    const u64 end = after->second;
    ranges_.emplace_hint(ranges_.erase(after), number, end);
  } else {
    ranges_.emplace_hint(after, number, number + 1);
  }
  return true;
}

bool CaseRanges::contains(u64 number) const { return next_missing(number) != number; }

u64 CaseRanges::next_missing(u64 number) const {
  const auto after = ranges_.upper_bound(number);
  if (after == ranges_.begin()) return number;
  const auto before = std::prev(after);
  return number < before->second ? before->second : number;
}

}  // namespace rookery::sweep
