// SPDX-License-Identifier: Apache-2.0
#include "sweep/statistics.h"

#include <algorithm>
#include <cmath>

namespace rookery::sweep {

Interval wilson_interval(u64 hits, u64 trials, double z) {
  if (trials == 0) return {};
  const double n = static_cast<double>(trials);
  const double share = static_cast<double>(hits) / n;
  const double z2_n = z * z / n;
  const double middle = (share + z2_n / 2) / (1 + z2_n);
  const double half = z / (1 + z2_n) * std::sqrt(share * (1 - share) / n + z2_n / (4 * n));
  // Exact at the ends, where rounding would leave some 1e-17.
  return {hits == 0 ? 0 : std::max(0.0, middle - half),
          hits == trials ? 1 : std::min(1.0, middle + half)};
}

}  // namespace rookery::sweep
