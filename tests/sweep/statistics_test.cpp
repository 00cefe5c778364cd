// SPDX-License-Identifier: Apache-2.0
// Wilson intervals: published values, ends, and how often they hold the true share.
#include "sweep/statistics.h"

#include <cmath>

#include <gtest/gtest.h>

namespace rookery::sweep {
namespace {

TEST(Statistics, WilsonIntervalsAreThoseOfTables) {
  struct Known {
    u64 hits;
    u64 trials;
    double low;
    double high;
  };
  // Newcombe 1998 (Statistics in Medicine 17, table I, method 3).
  for (const Known& known : {Known{81, 263, 0.2553, 0.3662}, Known{15, 148, 0.0624, 0.1605},
                             Known{0, 20, 0.0000, 0.1611}, Known{1, 29, 0.0061, 0.1718}}) {
    const Interval interval = wilson_interval(known.hits, known.trials);
    EXPECT_NEAR(interval.low, known.low, 0.00005) << known.hits;
    EXPECT_NEAR(interval.high, known.high, 0.00005) << known.hits;
  }
}

TEST(Statistics, WilsonIntervalsAreMirroredAndStayInside) {
  for (const u64 trials : {u64{1}, u64{7}, u64{1000}, u64{1} << 40}) {
    for (const u64 hits : {u64{0}, u64{1}, trials / 2, trials}) {
      const Interval interval = wilson_interval(hits, trials);
      const Interval mirrored = wilson_interval(trials - hits, trials);
      const double share = static_cast<double>(hits) / static_cast<double>(trials);
      EXPECT_LE(0, interval.low);
      EXPECT_LE(interval.low, share);
      EXPECT_LE(share, interval.high);
      EXPECT_LE(interval.high, 1);
      EXPECT_NEAR(interval.low, 1 - mirrored.high, 1e-12);
    }
  }
  EXPECT_EQ(wilson_interval(0, 10).low, 0);
  EXPECT_EQ(wilson_interval(10, 10).high, 1);
  EXPECT_EQ(wilson_interval(0, 0).low, 0);
  EXPECT_EQ(wilson_interval(0, 0).high, 1);
}

// The mean over shares of how often the interval of `trials` holds the true share.
TEST(Statistics, WilsonIntervalsHoldTheShareNinetyFiveTimesInAHundred) {
  constexpr u64 kTrials = 50;
  double sum = 0;
  u32 shares = 0;
  for (u32 percent = 2; percent < 99; ++percent, ++shares) {
    const double share = percent / 100.0;
    double held = 0;
    for (u64 hits = 0; hits <= kTrials; ++hits) {
      const Interval interval = wilson_interval(hits, kTrials);
      if (share < interval.low || share > interval.high) continue;
      const double n = kTrials;
      const double k = static_cast<double>(hits);
      held += std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) +
                       k * std::log(share) + (n - k) * std::log(1 - share));
    }
    EXPECT_GT(held, 0.88) << share;
    sum += held;
  }
  EXPECT_NEAR(sum / shares, 0.95, 0.01);
}

}  // namespace
}  // namespace rookery::sweep
