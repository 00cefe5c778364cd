// SPDX-License-Identifier: Apache-2.0
// One axis of a sweep: a name and its values, which are computed when asked for, so that an axis of
// a thousand million values takes no memory.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "base/types.h"

namespace rookery::sweep {

using AxisValue = std::variant<i64, double, bool, std::string>;

// As templates insert it and reports show it: "-3", "0.1" (the shortest text that reads back the
// same), "true", the text itself.
std::string value_text(const AxisValue& value);

struct NamedValue {
  std::string axis;
  AxisValue value;
};

struct AxisRange {
  i64 first = 0;
  i64 step = 1;
  u64 count = 1;
};

// Uniform from `low` to `high`, both included: value i is a function of the sweep's seed, the
// axis's name and i.
struct AxisRandom {
  i64 low = 0;
  i64 high = 0;
  u64 count = 1;
};

using AxisList = std::vector<AxisValue>;

struct Axis {
  std::string name;
  std::variant<AxisRange, AxisRandom, AxisList> values;

  u64 size() const;
  // `index` is below size().
  AxisValue value(u64 index, u64 seed) const;
  bool has_only_integers() const;
};

}  // namespace rookery::sweep
