// SPDX-License-Identifier: Apache-2.0
// The bus, and the devices that are small: clock, test finisher, empty virtio slots.
#include <gtest/gtest.h>

#include "device/bare_devices.h"

namespace rookery::device {
namespace {

using M = BareDevices32;
using namespace isa;

TEST(Bus, FaultsWhereNothingIs) {
  M m;
  for (u32 pa : {0u, TEST_BASE - 4, TEST_BASE + TEST_SIZE, ACLINT_BASE - 4,
                 ACLINT_BASE + ACLINT_SIZE, PLIC_BASE - 4, PLIC_BASE + PLIC_SIZE, UART_BASE - 4,
                 UART_BASE + UART_SIZE, VIRTIO_BASE + VIRTIO_SIZE, RAM_BASE - 4, 0xfffffffcu}) {
    for (u32 size : {0u, 1u, 2u}) EXPECT_TRUE(m.faults(pa, size)) << std::hex << pa;
  }
  for (u32 pa :
       {TEST_BASE, TEST_BASE + TEST_SIZE - 4, ACLINT_BASE, ACLINT_BASE + ACLINT_SIZE - 4, PLIC_BASE,
        PLIC_BASE + PLIC_SIZE - 4, UART_BASE, VIRTIO_BASE, VIRTIO_BASE + VIRTIO_SIZE - 4}) {
    EXPECT_FALSE(m.faults(pa, 2)) << std::hex << pa;
  }
}

TEST(Aclint, HoldsSoftwareInterruptAndCompare) {
  M m;
  m.store32(ACLINT_BASE + M::ACLINT_MSIP, 0xffffffff);
  EXPECT_EQ(m.load32(ACLINT_BASE + M::ACLINT_MSIP), 1u);
  EXPECT_EQ(m.polls, 1u);
  m.store32(ACLINT_BASE + M::ACLINT_MTIMECMP_LO, 0x89abcdef);
  m.store32(ACLINT_BASE + M::ACLINT_MTIMECMP_HI, 0x01234567);
  EXPECT_EQ(m.aclint.mtimecmp, 0x01234567'89abcdefu);
  EXPECT_EQ(m.load32(ACLINT_BASE + M::ACLINT_MTIMECMP_LO), 0x89abcdefu);
  EXPECT_EQ(m.load32(ACLINT_BASE + M::ACLINT_MTIMECMP_HI), 0x01234567u);
  EXPECT_EQ(m.polls, 3u);
}

TEST(Aclint, TheClockFollowsStepsFromWhereItWasSet) {
  M m;
  m.steps = u64{5} << MTIME_SHIFT;
  EXPECT_EQ(m.load32(ACLINT_BASE + M::ACLINT_MTIME_LO), 5u);
  m.store32(ACLINT_BASE + M::ACLINT_MTIME_HI, 7);
  m.store32(ACLINT_BASE + M::ACLINT_MTIME_LO, 0xffffffff);
  EXPECT_EQ(m.mtime_now(), 0x7'ffffffffu);
  m.steps += u64{2} << MTIME_SHIFT;
  EXPECT_EQ(m.load32(ACLINT_BASE + M::ACLINT_MTIME_LO), 1u);
  EXPECT_EQ(m.load32(ACLINT_BASE + M::ACLINT_MTIME_HI), 8u);
  m.store32(ACLINT_BASE + M::ACLINT_MTIME_HI, 0);  // backwards
  EXPECT_EQ(m.mtime_now(), 1u);
}

TEST(Aclint, OtherHartsDoNotExist) {
  M m;
  for (u32 offset : {0x4u, 0x3ffcu, 0x4008u, 0xbff0u, 0xc000u, 0xfffcu}) {
    m.store32(ACLINT_BASE + offset, 0xffffffff);
    EXPECT_EQ(m.load32(ACLINT_BASE + offset), 0u) << std::hex << offset;
  }
  EXPECT_EQ(m.aclint.msip, 0u);
  EXPECT_EQ(m.aclint.mtimecmp, 0u);
  EXPECT_TRUE(m.faults(ACLINT_BASE, 0));
  EXPECT_TRUE(m.faults(ACLINT_BASE, 1));
}

struct Ending {
  u32 value, reason, arg0, arg1;
};

TEST(TestFinisher, EndsTheMachine) {
  for (const Ending& ending :
       {Ending{0x5555, EXIT_SHUTDOWN, 0, 0}, Ending{0x3333, EXIT_SHUTDOWN, 0, 1},
        Ending{0x002a3333, EXIT_SHUTDOWN, 42, 1}, Ending{0x7777, EXIT_REBOOT, 0, 0},
        Ending{0x1234, EXIT_NONE, 0, 0}, Ending{0x5555'0000, EXIT_NONE, 0, 0}}) {
    M m;
    m.store32(TEST_BASE, ending.value);
    EXPECT_EQ(m.machine.run_state, ending.reason) << std::hex << ending.value;
    EXPECT_EQ(m.machine.exit_arg0, ending.arg0) << std::hex << ending.value;
    EXPECT_EQ(m.machine.exit_arg1, ending.arg1) << std::hex << ending.value;
  }
  M m;
  m.store32(TEST_BASE + 4, 0x5555);
  EXPECT_EQ(m.machine.run_state, EXIT_NONE);
  EXPECT_EQ(m.load32(TEST_BASE), 0u);
}

TEST(Virtio, EverySlotIsAnEmptyTransport) {
  M m;
  for (u32 slot = 0; slot < 8; ++slot) {
    const u32 base = VIRTIO_BASE + slot * M::VIRTIO_SLOT_BYTES;
    EXPECT_EQ(m.load32(base), 0x74726976u);
    EXPECT_EQ(m.load32(base + 4), 2u);
    EXPECT_EQ(m.load32(base + 8), 0u) << "no device";
    EXPECT_EQ(m.load32(base + 0xc), 0x554d4551u);
    for (u32 offset = 0x10; offset < M::VIRTIO_SLOT_BYTES; offset += 4) {
      m.store32(base + offset, 0xffffffff);
      ASSERT_EQ(m.load32(base + offset), 0u);
    }
    EXPECT_EQ(m.load8(base), 0x76u);
  }
}

}  // namespace
}  // namespace rookery::device
