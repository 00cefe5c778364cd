// SPDX-License-Identifier: Apache-2.0
// The machine's own SBI, call by call, for both widths. Chapters are those of the SBI
// specification 2.0.
#include <gtest/gtest.h>

#include "device/bare_devices.h"
#include "device/uart/uart.h"

namespace rookery::device {
namespace {

using namespace isa;

constexpr i64 kNotSupported = -2;
constexpr i64 kInvalidParam = -3;
constexpr i64 kAlreadyAvailable = -6;

template <class Machine>
struct Sbi : testing::Test {
  using M = Machine;
  using Word = decltype(M{}.hart.pc);

  M m;
  Word a0 = 0, a1 = 0;

  // Makes a call, takes a0 and a1 off, and checks that nothing else has changed.
  void call(u32 extension, u32 function, std::array<u64, 3> arguments = {}) {
    auto& x = m.hart.x;
    for (u32 i = 0; i < 32; ++i) x[i] = 0x1000 + i;
    for (u32 i = 0; i < 3; ++i) x[10 + i] = static_cast<Word>(arguments[i]);
    x[16] = function;
    x[17] = static_cast<Word>(static_cast<i64>(static_cast<i32>(extension)));
    const auto before = x;
    m.sbi_call();
    a0 = x[10];
    a1 = x[11];
    for (u32 i = 0; i < 32; ++i) {
      if (i == 10 || i == 11) continue;
      EXPECT_EQ(x[i], before[i]) << "x" << i;
    }
  }
  i64 error() const { return static_cast<std::make_signed_t<Word>>(a0); }
  void type(std::string_view text) {
    m.uart.fcr = UART_FCR_ENABLE;
    ASSERT_EQ(uart_push_input(m.uart, {reinterpret_cast<const u8*>(text.data()), text.size()}),
              text.size());
  }
  void put(u32 pa, std::string_view text) {
    for (char c : text) {
      const u32 shift = (pa & 3) * 8;
      m.ram_store(pa & ~3u, static_cast<u32>(static_cast<u8>(c)) << shift, 0xffu << shift);
      ++pa;
    }
  }
  std::string get(u32 pa, u32 count) {
    std::string text;
    for (u32 i = 0; i < count; ++i, ++pa)
      text += static_cast<char>(m.ram_load(pa & ~3u) >> ((pa & 3) * 8));
    return text;
  }
};

using BothWidths = testing::Types<BareDevices32, BareDevices64>;
TYPED_TEST_SUITE(Sbi, BothWidths);

TYPED_TEST(Sbi, Base) {
  const u32 expected[] = {0x02000000, TypeParam::SBI_IMPL_ID, TypeParam::SBI_IMPL_VERSION, 0, 0, 0,
                          0};
  for (u32 function : {0u, 1u, 2u, 4u, 5u, 6u}) {
    this->call(0x10, function);
    EXPECT_EQ(this->error(), 0);
    EXPECT_EQ(this->a1, expected[function]) << function;
  }
  this->call(0x10, 7);
  EXPECT_EQ(this->error(), kNotSupported);
  for (u32 extension :
       {0u, 8u, 0x10u, 0x54494d45u, 0x735049u, 0x52464e43u, 0x48534du, 0x53525354u, 0x4442434eu}) {
    this->call(0x10, 3, {extension});
    EXPECT_EQ(this->error(), 0);
    EXPECT_EQ(this->a1, 1u) << std::hex << extension;
  }
  for (u32 extension : {9u, 0xfu, 0x11u, 0x504d55u, 0x53555350u, 0xffffffffu}) {  // PMU, SUSP, ...
    this->call(0x10, 3, {extension});
    EXPECT_EQ(this->error(), 0);
    EXPECT_EQ(this->a1, 0u) << std::hex << extension;
  }
}

TYPED_TEST(Sbi, UnknownExtensionsAndFunctions) {
  for (u32 extension : {9u, 0x11u, 0x504d55u, 0xffffffffu}) {
    this->call(extension, 0);
    EXPECT_EQ(this->error(), kNotSupported);
    EXPECT_EQ(this->a1, 0u);
  }
  for (u32 extension : {0x54494d45u, 0x735049u, 0x52464e43u, 0x48534du, 0x53525354u, 0x4442434eu}) {
    this->call(extension, 99);
    EXPECT_EQ(this->error(), kNotSupported) << std::hex << extension;
  }
}

TYPED_TEST(Sbi, SetTimer) {
  const bool is_64 = sizeof(this->a0) == 8;
  for (u32 extension : {0x54494d45u, 0u}) {
    this->m.hart.stimecmp = 0;
    this->m.polls = 0;
    this->call(extension, 0, {is_64 ? 0x1234567'89abcdefu : 0x89abcdefu, 0x1234567});
    EXPECT_EQ(this->error(), 0);
    EXPECT_EQ(this->m.hart.stimecmp, 0x1234567'89abcdefu);
    EXPECT_GT(this->m.polls, 0u);
  }
  EXPECT_EQ(this->a1, 0x1234567u) << "a legacy call leaves a1 alone";
}

TYPED_TEST(Sbi, Ipi) {
  const u64 all = ~u64{0};
  struct Case {
    u64 mask, base;
    i64 error;
    bool raised;
  };
  for (const Case& c :
       {Case{1, 0, 0, true}, Case{0, 0, 0, false}, Case{0, all, 0, true}, Case{all, all, 0, true},
        Case{2, 0, kInvalidParam, false}, Case{3, 0, kInvalidParam, false},
        Case{1, 1, kInvalidParam, false}, Case{0x80000000, 0, kInvalidParam, false}}) {
    this->m.hart.mip = 0;
    this->call(0x735049, 0, {c.mask, c.base});
    EXPECT_EQ(this->error(), c.error) << c.mask << " " << c.base;
    EXPECT_EQ(this->m.hart.mip, c.raised ? 2u : 0u);
  }
  this->m.hart.mip = 0;
  this->call(4, 0);
  EXPECT_EQ(this->m.hart.mip, 2u);
  this->call(3, 0);
  EXPECT_EQ(this->a0, 1u) << "one was pending";
  EXPECT_EQ(this->m.hart.mip, 0u);
  this->call(3, 0);
  EXPECT_EQ(this->a0, 0u);
}

TYPED_TEST(Sbi, RemoteFences) {
  const u64 all = ~u64{0};
  u32 flushes = 0;
  for (u32 function : {0u, 1u, 2u}) {
    this->call(0x52464e43, function, {1, 0});
    EXPECT_EQ(this->error(), 0);
    this->call(0x52464e43, function, {0, all});
    EXPECT_EQ(this->error(), 0);
    if (function != 0) flushes += 2;
    EXPECT_EQ(this->m.tlb_flushes, flushes);
    this->call(0x52464e43, function, {0, 0});
    EXPECT_EQ(this->error(), 0);
    this->call(0x52464e43, function, {4, 0});
    EXPECT_EQ(this->error(), kInvalidParam);
    EXPECT_EQ(this->m.tlb_flushes, flushes);
  }
  for (u32 function : {3u, 4u, 5u, 6u}) {  // no hypervisor extension
    this->call(0x52464e43, function, {1, 0});
    EXPECT_EQ(this->error(), kNotSupported);
  }
  for (u32 legacy : {5u, 6u, 7u}) {
    this->call(legacy, 0);
    EXPECT_EQ(this->error(), 0);
  }
  EXPECT_EQ(this->m.tlb_flushes, flushes + 2);
}

TYPED_TEST(Sbi, HartStates) {
  this->call(0x48534d, 0, {0});
  EXPECT_EQ(this->error(), kAlreadyAvailable);
  this->call(0x48534d, 0, {1});
  EXPECT_EQ(this->error(), kInvalidParam);
  this->call(0x48534d, 2, {0});
  EXPECT_EQ(this->error(), 0);
  EXPECT_EQ(this->a1, 0u) << "STARTED";
  this->call(0x48534d, 2, {1});
  EXPECT_EQ(this->error(), kInvalidParam);
  this->call(0x48534d, 3, {0x80000000});
  EXPECT_EQ(this->error(), kNotSupported);
  for (u64 reserved : {1u, 0x10000000u, 0x80000001u, 0x90000000u}) {
    this->call(0x48534d, 3, {reserved});
    EXPECT_EQ(this->error(), kInvalidParam);
  }
  EXPECT_EQ(this->m.hart.waiting, 0u);
  this->call(0x48534d, 3, {0});
  EXPECT_EQ(this->error(), 0);
  EXPECT_EQ(this->m.hart.waiting, 1u);
  EXPECT_EQ(this->m.machine.run_state, EXIT_NONE);
  this->call(0x48534d, 1);
  EXPECT_EQ(this->m.machine.run_state, EXIT_SHUTDOWN);
}

TYPED_TEST(Sbi, SystemReset) {
  struct Case {
    u32 type, reason, exit, arg0, arg1;
  };
  for (const Case& c : {Case{0, 0, EXIT_SHUTDOWN, 0, 0}, Case{0, 1, EXIT_SHUTDOWN, 1, 1},
                        Case{1, 0, EXIT_REBOOT, 0, 0}, Case{2, 1, EXIT_REBOOT, 1, 0}}) {
    this->m.machine = {};
    this->call(0x53525354, 0, {c.type, c.reason});
    EXPECT_EQ(this->m.machine.run_state, c.exit);
    EXPECT_EQ(this->m.machine.exit_arg0, c.arg0);
    EXPECT_EQ(this->m.machine.exit_arg1, c.arg1);
  }
  this->m.machine = {};
  for (auto [type, reason] : {std::pair{3u, 0u}, {0u, 2u}, {0xf0000000u, 0u}, {0u, 0xe0000000u}}) {
    this->call(0x53525354, 0, {type, reason});
    EXPECT_EQ(this->error(), kInvalidParam);
  }
  EXPECT_EQ(this->m.machine.run_state, EXIT_NONE);
  this->call(8, 0);
  EXPECT_EQ(this->m.machine.run_state, EXIT_SHUTDOWN);
}

TYPED_TEST(Sbi, ConsoleWrite) {
  const std::string text = "the quick brown fox";
  for (u32 pa : {RAM_BASE, RAM_BASE + 1, RAM_BASE + 2, RAM_BASE + 3}) {
    this->m.console.clear();
    this->put(pa, text);
    this->call(0x4442434e, 0, {text.size(), pa, 0});
    EXPECT_EQ(this->error(), 0);
    EXPECT_EQ(this->a1, text.size());
    EXPECT_EQ(this->m.console, text);
  }
  this->m.console.clear();
  this->call(0x4442434e, 2, {u64{0xffffff00} | 'x'});
  EXPECT_EQ(this->error(), 0);
  EXPECT_EQ(this->a1, 0u);
  this->call(1, 0, {'y'});
  EXPECT_EQ(this->error(), 0);
  EXPECT_EQ(this->m.console, "xy");
}

// How many bytes a write takes must not depend on how much room there is at the moment.
TYPED_TEST(Sbi, ALongConsoleWriteIsPartialAndAFullConsoleIsRetried) {
  const u32 max = TypeParam::SBI_CONSOLE_WRITE_MAX;
  static_assert(TypeParam::SBI_CONSOLE_WRITE_MAX <= CONSOLE_RING_BYTES,
                "or a retry would never end");
  this->m.room = max;
  this->call(0x4442434e, 0, {TypeParam::kRamBytes, RAM_BASE, 0});
  EXPECT_EQ(this->error(), 0);
  EXPECT_EQ(this->a1, max);
  EXPECT_EQ(this->m.console.size(), max);
  this->m.console.clear();
  this->m.room = max - 1;
  this->call(0x4442434e, 0, {TypeParam::kRamBytes, RAM_BASE, 0});
  EXPECT_EQ(this->m.retries, 1u);
  EXPECT_EQ(this->a0, TypeParam::kRamBytes) << "untouched";
  this->m.room = 0;
  this->call(0x4442434e, 2, {'x'});
  this->call(1, 0, {'x'});
  EXPECT_EQ(this->m.retries, 3u);
  EXPECT_EQ(this->a0, u32{'x'}) << "untouched";
  EXPECT_EQ(this->m.console, "");
}

TYPED_TEST(Sbi, ConsoleRangesMustBeRam) {
  const u64 ram = TypeParam::kRamBytes;
  const u64 end = RAM_BASE + ram;
  struct Case {
    u64 bytes, low, high;
    i64 error;
  };
  for (const Case& c :
       {Case{ram, RAM_BASE, 0, 0}, Case{0, end, 0, 0}, Case{1, end - 1, 0, 0},
        Case{2, end - 1, 0, kInvalidParam}, Case{1, end, 0, kInvalidParam},
        Case{1, RAM_BASE - 1, 0, kInvalidParam}, Case{4, UART_BASE, 0, kInvalidParam},
        Case{1, RAM_BASE, 1, kInvalidParam}, Case{0xffffffff, RAM_BASE + 4, 0, kInvalidParam},
        Case{0x80000001, RAM_BASE, 0, kInvalidParam}, Case{1, 0, 0, kInvalidParam}}) {
    this->m.room = CONSOLE_RING_BYTES;
    for (u32 function : {0u, 1u}) {
      this->call(0x4442434e, function, {c.bytes, c.low, c.high});
      EXPECT_EQ(this->error(), c.error)
          << std::hex << c.low << " + " << c.bytes << " function " << function;
    }
  }
  if constexpr (TypeParam::XLEN == 64) {  // the upper halves count
    this->call(0x4442434e, 0, {1, u64{RAM_BASE} | u64{1} << 32, 0});
    EXPECT_EQ(this->error(), kInvalidParam);
    this->call(0x4442434e, 0, {u64{1} << 32, RAM_BASE, 0});
    EXPECT_EQ(this->error(), kInvalidParam);
    this->call(0x4442434e, 0, {1, RAM_BASE, u64{1} << 32});
    EXPECT_EQ(this->error(), kInvalidParam);
  }
}

TYPED_TEST(Sbi, ConsoleRead) {
  this->call(0x4442434e, 1, {16, RAM_BASE, 0});
  EXPECT_EQ(this->error(), 0);
  EXPECT_EQ(this->a1, 0u) << "nothing typed";
  this->type("hello!");
  this->put(RAM_BASE, "................");
  this->call(0x4442434e, 1, {4, RAM_BASE + 3, 0});
  EXPECT_EQ(this->a1, 4u);
  this->call(0x4442434e, 1, {99, RAM_BASE + 7, 0});
  EXPECT_EQ(this->a1, 2u);
  EXPECT_EQ(this->get(RAM_BASE, 12), "...hello!...");

  this->type("x");
  this->m.stores_need_a_page = true;
  this->call(0x4442434e, 1, {4, RAM_BASE, 0});
  EXPECT_EQ(this->m.retries, 1u);
  EXPECT_EQ(this->m.uart.rx_count, 1u) << "the byte is still there for the next try";
  this->m.stores_need_a_page = false;
  this->m.machine.run_state = EXIT_NONE;

  this->call(2, 0);
  EXPECT_EQ(this->a0, u32{'x'});
  this->call(2, 0);
  EXPECT_EQ(this->error(), -1);
}

}  // namespace
}  // namespace rookery::device
