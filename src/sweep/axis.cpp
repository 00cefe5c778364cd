// SPDX-License-Identifier: Apache-2.0
#include "sweep/axis.h"

#include <algorithm>

#include <fmt/format.h>

#include "sweep/random.h"

namespace rookery::sweep {

std::string value_text(const AxisValue& value) {
  if (const auto* integer = std::get_if<i64>(&value)) return fmt::format("{}", *integer);
  if (const auto* real = std::get_if<double>(&value)) return fmt::format("{}", *real);
  if (const auto* boolean = std::get_if<bool>(&value)) return *boolean ? "true" : "false";
  return std::get<std::string>(value);
}

u64 Axis::size() const {
  if (const auto* range = std::get_if<AxisRange>(&values)) return range->count;
  if (const auto* random = std::get_if<AxisRandom>(&values)) return random->count;
  return std::get<AxisList>(values).size();
}

AxisValue Axis::value(u64 index, u64 seed) const {
  // In two's complement: the value fits, what leads to it may not.
  if (const auto* range = std::get_if<AxisRange>(&values))
    return static_cast<i64>(static_cast<u64>(range->first) + index * static_cast<u64>(range->step));
  if (const auto* random = std::get_if<AxisRandom>(&values)) {
    const u64 low = static_cast<u64>(random->low);
    const u64 width = static_cast<u64>(random->high) - low + 1;  // 0: all 2^64
    return static_cast<i64>(low + uniform(seed, "axis " + name, index, width));
  }
  return std::get<AxisList>(values)[index];
}

bool Axis::has_only_integers() const {
  const auto* list = std::get_if<AxisList>(&values);
  return list == nullptr || std::ranges::all_of(*list, [](const AxisValue& value) {
           return std::holds_alternative<i64>(value);
         });
}

}  // namespace rookery::sweep
