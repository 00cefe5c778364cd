// SPDX-License-Identifier: Apache-2.0
// A set of case numbers as ranges: cases end nearly in order, so that there are few.
#pragma once

#include <map>

#include "base/types.h"

namespace rookery::sweep {

class CaseRanges {
 public:
  // False if it is in already.
  bool add(u64 number);
  bool contains(u64 number) const;
  u64 size() const { return size_; }
  // The lowest number from `number` on that is not in.
  u64 next_missing(u64 number) const;

  // First numbers, each with the number after its range's last; ranges do not touch.
  const std::map<u64, u64>& ranges() const { return ranges_; }

 private:
  std::map<u64, u64> ranges_;
  u64 size_ = 0;
};

}  // namespace rookery::sweep
