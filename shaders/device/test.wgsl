// SPDX-License-Identifier: Apache-2.0
// The test finisher ("sifive,test1", hw/misc/sifive_test.c in QEMU): a word written to offset 0 ends
// the machine. Linux reaches it as syscon-poweroff and syscon-reboot, bare-metal tests write it
// themselves. Everything else reads 0 and ignores writes. A byte access is an access fault.

const TEST_FAIL: u32 = 0x3333u;  // in the low half; the high half is the status

fn test_load(offset: u32, size: u32) -> u32 {
  if (size == 0u) { bus_fault = true; }
  return 0u;
}

fn test_store(offset: u32, size: u32, value: u32) {
  if (size == 0u) { bus_fault = true; return; }
  if (offset != TEST_FINISHER) { return; }
  switch (value & 0xffffu) {
    case TEST_PASS: {
      exit_raise(EXIT_SHUTDOWN, 0u, 0u);
    }
    case TEST_FAIL: {
      exit_raise(EXIT_SHUTDOWN, value >> 16u, 1u);
    }
    case TEST_RESET: {
      exit_raise(EXIT_REBOOT, 0u, 0u);
    }
    default: {
    }
  }
}
