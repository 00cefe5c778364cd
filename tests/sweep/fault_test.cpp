// SPDX-License-Identifier: Apache-2.0
// Sampled faults: reproducible, uniform, within the population.
#include "sweep/fault.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sweep/random.h"

namespace rookery::sweep {
namespace {

using testing::HasSubstr;

FaultSpec campaign() {
  FaultSpec spec;
  spec.targets = {FaultTarget::register_, FaultTarget::memory, FaultTarget::tlb};
  spec.kinds = {FaultKind::flip, FaultKind::stuck0};
  return spec;
}

TEST(Fault, IsAFunctionOfSeedAndNumber) {
  const FaultPopulation population{{32 * 32, u64{8} << 40, 0}, 1000, 2000};
  const auto fault = sample_fault(campaign(), 1, population, 7);
  ASSERT_TRUE(fault);
  // The same on every platform, for ever: results files depend on it.
  EXPECT_EQ(*fault, (Fault{FaultTarget::register_, 525, FaultKind::stuck0, 1637}))
      << target_name(fault->target) << " " << fault->bit << " " << kind_name(fault->kind) << " "
      << fault->at;
  EXPECT_EQ(*sample_fault(campaign(), 1, population, 7), *fault);
  EXPECT_NE(*sample_fault(campaign(), 1, population, 8), *fault);
  EXPECT_NE(*sample_fault(campaign(), 2, population, 7), *fault);
}

TEST(Fault, IsUniform) {
  const FaultPopulation population{{4, 3, 0}, 10, 15};
  constexpr u64 kFaults = 12'000;
  std::map<FaultTarget, u64> targets;
  std::map<std::pair<FaultTarget, u64>, u64> bits;
  std::map<FaultKind, u64> kinds;
  std::map<u64, u64> times;
  for (u64 i = 0; i < kFaults; ++i) {
    const auto fault = sample_fault(campaign(), 3, population, i);
    ASSERT_TRUE(fault);
    targets[fault->target] += 1;
    bits[{fault->target, fault->bit}] += 1;
    kinds[fault->kind] += 1;
    times[fault->at] += 1;
  }
  // Five standard deviations of a binomial distribution.
  const auto expect_share = [](u64 count, double share) {
    const double n = static_cast<double>(kFaults);
    EXPECT_NEAR(static_cast<double>(count), n * share, 5 * std::sqrt(n * share * (1 - share)));
  };
  ASSERT_EQ(targets.size(), 2u);  // nothing to hit in the TLB
  for (const auto& [target, count] : targets) expect_share(count, 1.0 / 2);
  ASSERT_EQ(bits.size(), 7u);
  for (const auto& [bit, count] : bits)
    expect_share(count, bit.first == FaultTarget::register_ ? 1.0 / 8 : 1.0 / 6);
  ASSERT_EQ(kinds.size(), 2u);
  for (const auto& [kind, count] : kinds) expect_share(count, 1.0 / 2);
  ASSERT_EQ(times.size(), 5u);
  EXPECT_EQ(times.begin()->first, 10u);
  EXPECT_EQ(times.rbegin()->first, 14u);
  for (const auto& [time, count] : times) expect_share(count, 1.0 / 5);
}

TEST(Fault, NeedsSomethingToHit) {
  const auto nothing = sample_fault(campaign(), 1, {{0, 0, 0}, 0, 10}, 0);
  ASSERT_FALSE(nothing);
  EXPECT_THAT(nothing.error().text(), HasSubstr("There is no bit that a fault could hit"));
  const auto never = sample_fault(campaign(), 1, {{1, 0, 0}, 10, 10}, 0);
  ASSERT_FALSE(never);
  EXPECT_THAT(never.error().text(), HasSubstr("from 10 to 10 there are none"));
}

TEST(Fault, UniformReachesAllOf64Bits) {
  u64 together = ~u64{0};
  u64 any = 0;
  for (u64 i = 0; i < 100; ++i) {
    const u64 value = uniform(1, "x", i, 0);
    together &= value;
    any |= value;
  }
  EXPECT_EQ(together, 0u);
  EXPECT_EQ(any, ~u64{0});
  EXPECT_EQ(uniform(1, "x", 0, 1), 0u);
  for (u64 i = 0; i < 100; ++i) EXPECT_LE(uniform(1, "x", i, (u64{1} << 63) + 1), u64{1} << 63);
}

TEST(Fault, AddressesAreNumbersOrSymbols) {
  const auto text = [](std::string_view expression) {
    const auto address = AddressExpression::parse(expression);
    return address ? address->text() : std::string("none");
  };
  EXPECT_EQ(text("0x80400000"), "0x80400000");
  EXPECT_EQ(text("4096"), "0x1000");
  EXPECT_EQ(text("memcpy"), "memcpy");
  EXPECT_EQ(text("memcpy+0x10"), "memcpy+0x10");
  EXPECT_EQ(text("memcpy+16"), "memcpy+0x10");
  for (const char* wrong :
       {"", "0x", "12x", "a b", "memcpy+", "memcpy+x", "memcpy+-1", "+4", "-4", "a-4"})
    EXPECT_EQ(text(wrong), "none") << wrong;
}

}  // namespace
}  // namespace rookery::sweep
