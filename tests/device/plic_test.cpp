// SPDX-License-Identifier: Apache-2.0
// The interrupt controller: priorities, thresholds, claim and completion, and what does not exist.
#include <gtest/gtest.h>

#include "device/bare_devices.h"

namespace rookery::device {
namespace {

using M = BareDevices32;
using isa::PLIC_BASE;
using isa::PLIC_CONTEXT;
using isa::PLIC_CONTEXT_STRIDE;
using isa::UART_BASE;
using isa::UART_IRQ;

constexpr u32 kClaimM = PLIC_BASE + PLIC_CONTEXT + M::PLIC_CLAIM;
constexpr u32 kClaimS = kClaimM + PLIC_CONTEXT_STRIDE;
constexpr u32 kThresholdS = PLIC_BASE + PLIC_CONTEXT + PLIC_CONTEXT_STRIDE;
constexpr u32 kEnableM = PLIC_BASE + M::PLIC_ENABLE;
constexpr u32 kEnableS = kEnableM + M::PLIC_ENABLE_STRIDE;
constexpr u32 kPriorityUart = PLIC_BASE + 4 * UART_IRQ;
constexpr u32 kUartBit = 1u << UART_IRQ;

// A machine whose UART line goes up with raise() and down with lower().
struct Plic : testing::Test {
  M m;
  void SetUp() override {
    m.store32(kPriorityUart, 3);
    m.store32(kEnableS, kUartBit);
  }
  void raise() { m.store8(UART_BASE + M::UART_IER, M::UART_IER_THRI); }
  void lower() { m.store8(UART_BASE + M::UART_IER, 0); }
};

TEST_F(Plic, ASourceIsPendingWhileItsLineIsHigh) {
  EXPECT_EQ(m.load32(PLIC_BASE + M::PLIC_PENDING), 0u);
  raise();
  EXPECT_EQ(m.load32(PLIC_BASE + M::PLIC_PENDING), kUartBit);
  EXPECT_TRUE(m.plic_pending(1));
  lower();
  EXPECT_FALSE(m.plic_pending(1));
  EXPECT_EQ(m.load32(kClaimS), 0u);
}

TEST_F(Plic, ClaimHoldsASourceUntilItIsCompleted) {
  raise();
  EXPECT_EQ(m.load32(kClaimS), UART_IRQ);
  EXPECT_FALSE(m.plic_pending(1));
  EXPECT_EQ(m.load32(kClaimS), 0u);
  m.polls = 0;
  m.store32(kClaimS, UART_IRQ);
  EXPECT_TRUE(m.plic_pending(1)) << "the line is still high";
  EXPECT_GT(m.polls, 0u);
}

TEST_F(Plic, CompletionOfWhatIsNotEnabledOrDoesNotExistIsIgnored) {
  raise();
  EXPECT_EQ(m.load32(kClaimS), UART_IRQ);
  m.store32(kClaimM, UART_IRQ);
  m.store32(kClaimS, 0);
  m.store32(kClaimS, 11);
  m.store32(kClaimS, 42);
  m.store32(kClaimS, 0xffffffff);
  EXPECT_FALSE(m.plic_pending(1));
}

TEST_F(Plic, ThresholdMasksWithoutHinderingAClaim) {
  raise();
  m.store32(kThresholdS, 3);
  EXPECT_FALSE(m.plic_pending(1)) << "it takes more than the threshold";
  m.store32(kThresholdS, 2);
  EXPECT_TRUE(m.plic_pending(1));
  m.store32(kThresholdS, 7);
  EXPECT_EQ(m.load32(kClaimS), UART_IRQ);
}

TEST_F(Plic, PriorityZeroNeverInterrupts) {
  raise();
  m.store32(kPriorityUart, 0);
  EXPECT_FALSE(m.plic_pending(1));
  EXPECT_EQ(m.load32(kClaimS), 0u);
}

TEST_F(Plic, HighestPriorityFirstThenLowestNumber) {
  // No device has these sources yet: set the gateways by hand.
  m.plic.pending = (1u << 3) | (1u << 5) | (1u << 31);
  m.plic.enabled[1] = m.plic.pending;
  m.plic.priority[3] = 1;
  m.plic.priority[5] = 7;
  m.plic.priority[31] = 7;
  EXPECT_EQ(m.plic_best(1), 5u);
  m.plic.priority[31] = 6;
  m.plic.priority[5] = 1;
  EXPECT_EQ(m.plic_best(1), 31u);
  m.plic.priority[31] = 1;
  EXPECT_EQ(m.plic_best(1), 3u);
}

TEST_F(Plic, RegistersReadBackWhatIsLegal) {
  m.store32(kPriorityUart, 0xff);
  EXPECT_EQ(m.load32(kPriorityUart), 7u);
  m.store32(PLIC_BASE, 7);
  EXPECT_EQ(m.load32(PLIC_BASE), 0u) << "source 0";
  m.store32(kEnableM, 0xffffffff);
  EXPECT_EQ(m.load32(kEnableM), 0xfffffffeu);
  m.store32(kThresholdS, 0xffffffff);
  EXPECT_EQ(m.load32(kThresholdS), 7u);
  m.store32(PLIC_BASE + M::PLIC_PENDING, 0xffffffff);
  EXPECT_EQ(m.load32(PLIC_BASE + M::PLIC_PENDING), 0u) << "read-only";
}

// Linux with QEMU's device tree initializes 95 sources; a stray pointer may go anywhere.
TEST_F(Plic, WhatDoesNotExistReadsZeroAndIgnoresWrites) {
  const isa::Plic<u32> before = m.plic;
  m.bus_fault = false;
  for (u32 offset = 0; offset < isa::PLIC_SIZE; offset += 4) {
    const bool exists =
        offset < 4 * isa::PLIC_SOURCES || offset == M::PLIC_PENDING ||
        PLIC_BASE + offset == kEnableM || PLIC_BASE + offset == kEnableS ||
        (offset >= PLIC_CONTEXT && offset < PLIC_CONTEXT + 2 * PLIC_CONTEXT_STRIDE &&
         offset % PLIC_CONTEXT_STRIDE < 8);
    if (exists) continue;
    m.store32(PLIC_BASE + offset, 0xffffffff);
    ASSERT_EQ(m.load32(PLIC_BASE + offset), 0u) << std::hex << offset;
  }
  EXPECT_FALSE(m.bus_fault);
  EXPECT_EQ(m.plic.priority, before.priority);
  EXPECT_EQ(m.plic.enabled, before.enabled);
  EXPECT_EQ(m.plic.threshold, before.threshold);
}

TEST_F(Plic, TakesWordsOnly) {
  EXPECT_TRUE(m.faults(kPriorityUart, 0));
  EXPECT_TRUE(m.faults(kPriorityUart, 1));
  EXPECT_FALSE(m.faults(kPriorityUart, 2));
}

}  // namespace
}  // namespace rookery::device
