// SPDX-License-Identifier: Apache-2.0
// What a number of outcomes says about their share.
#pragma once

#include "base/types.h"

namespace rookery::sweep {

struct Interval {
  double low = 0;
  double high = 1;
};

// The two-sided 95 % quantile of the normal distribution.
inline constexpr double kZ95 = 1.959963984540054;

// The Wilson score interval for a share of which `hits` of `trials` were seen (Wilson 1927; Brown,
// Cai and DasGupta 2001, equation 4). Holds near 0 and 1 too, and for few trials; without any it is
// [0, 1]. `hits` is at most `trials`.
Interval wilson_interval(u64 hits, u64 trials, double z = kZ95);

}  // namespace rookery::sweep
