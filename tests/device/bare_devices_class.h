// SPDX-License-Identifier: Apache-2.0
// The class CoreClass of bare_devices.h, for registers of type CoreWord. Included once for each
// width.

struct CoreClass : Vocabulary<CoreWord> {
  static constexpr u32 kRamBytes = 4096;

  Hart<CoreWord> hart;
  Aclint<CoreWord> aclint;
  Plic<CoreWord> plic;
  Uart<CoreWord> uart;
  MachineRow<CoreWord> machine;

  // What a test looks at.
  std::string console;
  u32 room = CONSOLE_RING_BYTES;
  u32 polls = 0;
  u32 retries = 0;
  u32 tlb_flushes = 0;
  u64 steps = 0;
  bool stores_need_a_page = false;  // ram_store finds no page and has the instruction retried
  std::array<u32, kRamBytes / 4> ram{};

  CoreClass() { machine.ram_bytes = kRamBytes; }

  // What the machine provides to the modules.
  // The poll that follows the instruction brings the PLIC up to date.
  void request_poll() {
    ++polls;
    uart_refill();
    plic_update();
  }
  dword mtime_now() { return (steps >> MTIME_SHIFT) + aclint.mtime_offset; }
  u32 ram_load(u32 pa) { return ram.at((pa - RAM_BASE) / 4); }
  void ram_store(u32 pa, u32 value, u32 mask) {
    if (stores_need_a_page) return exit_retry(EXIT_POOL_FULL, 1);
    u32& word = ram.at((pa - RAM_BASE) / 4);
    word = (word & ~mask) | (value & mask);
  }
  void console_put(u32 byte) {
    console.push_back(static_cast<char>(byte));
    --room;
  }
  u32 console_room() { return room; }
  std::string input;  // queued by the host
  bool more_input = false;
  u32 input_left() { return static_cast<u32>(input.size()); }
  u32 input_take() {
    const u32 byte = static_cast<u8>(input.front());
    input.erase(0, 1);
    return byte;
  }
  bool input_wants_more() { return std::exchange(more_input, false); }
  const ConsoleTexts* texts = nullptr;
  u32 match_texts() { return texts == nullptr ? 0 : texts->count(); }
  u32 match_next(u32 state, u32 byte) { return texts->next(state, byte); }
  void exit_raise(u32 reason, u32 arg0, u32 arg1) {
    machine.run_state = reason;
    machine.exit_arg0 = arg0;
    machine.exit_arg1 = arg1;
  }
  void exit_retry(u32 reason, u32 arg0) {
    ++retries;
    exit_raise(reason, arg0, 0);
  }
  void tlb_flush() { ++tlb_flushes; }

  // A test's own helpers.
  u32 load8(u32 pa) { return bus_load(pa, 0); }
  u32 load32(u32 pa) { return bus_load(pa, 2); }
  void store8(u32 pa, u32 value) { bus_store(pa, 0, value); }
  void store32(u32 pa, u32 value) { bus_store(pa, 2, value); }

  // Whether both a load and a store of that size are access faults.
  bool faults(u32 pa, u32 size) {
    bus_fault = false;
    bus_load(pa, size);
    const bool load_faults = bus_fault;
    bus_fault = false;
    bus_store(pa, size, 0);
    const bool store_faults = bus_fault;
    EXPECT_EQ(load_faults, store_faults);
    return load_faults && store_faults;
  }

#include "tests/device/bare_devices_decl.inc"
};
