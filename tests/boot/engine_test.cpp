// SPDX-License-Identifier: Apache-2.0
// What src/engine/engine.h promises, on both engines: memory, state, typing, a full console, copy
// on write, a pool that has to grow, machines that move from engine to engine, and fleets. Expected
// results come from the CPU engine or are spelled out.
#include <algorithm>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "boot/guest_code.h"
#include "boot/test_engines.h"
#include "debug/compare_engines.h"
#include "debug/state_text.h"
#include "engine/checkpoint.h"
#include "engine/whole_machine.h"
#include "machine/boot.h"

namespace rookery::test {
namespace {

using namespace guest;

constexpr u64 kRamBytes = u64{1} << 20;
constexpr u32 kTohostPa = isa::RAM_BASE + 0xf000;
constexpr u32 kDataPa = isa::RAM_BASE + 0x10000;

// With room in t0 and t1: writes 1 to tohost and stays there.
const std::vector<u32> kEnd = {auipc(t0, 0),    srli(t0, t0, 16),  slli(t0, t0, 16), lui(t1, 0xf),
                               add(t0, t0, t1), addi(t1, zero, 1), sw(t1, 0, t0),    kSpin};

std::vector<u8> bytes_of(std::vector<u32> code, const std::vector<u32>& tail = {}) {
  code.insert(code.end(), tail.begin(), tail.end());
  std::vector<u8> bytes(code.size() * 4);
  std::memcpy(bytes.data(), code.data(), bytes.size());
  return bytes;
}

MachineState state_at_start(Xlen xlen) {
  MachineState any = isa::make_state(xlen);
  std::visit(
      [](auto& state) {
        state.hart.pc = isa::RAM_BASE;
        state.hart.privilege = 3;
        state.aclint.mtimecmp = ~u64{0};
        state.machine.ram_bytes = static_cast<u32>(kRamBytes);
        state.machine.tohost = kTohostPa;
      },
      any);
  return any;
}

void set_register(MachineState& state, u32 number, u64 value) {
  std::visit(
      [&](auto& s) { s.hart.x[number] = static_cast<std::decay_t<decltype(s.hart.pc)>>(value); },
      state);
}

// Prints a0 characters as fast as it can.
const std::vector<u32> kPrinter = {lui(t0, 0x10000),   addi(t1, zero, 0), andi(t2, t1, 0x3f),
                                   addi(t2, t2, 0x20), sb(t2, 0, t0),     addi(t1, t1, 1),
                                   bne(t1, a0, -16)};

// Sends back what is typed, with the FIFOs on.
const std::vector<u32> kEcho = {lui(t0, 0x10000), addi(t1, zero, 1), sb(t1, 2, t0),
                                lbu(t1, 5, t0),   andi(t1, t1, 1),   beq(t1, zero, -8),
                                lbu(t1, 0, t0),   sb(t1, 0, t0),     beq(zero, zero, -20)};

// a0 rounds of xorshift from a1: each changes a word of data that the number picks and sometimes
// prints.
const std::vector<u32> kWanderer = {auipc(s0, 0),        lui(t0, 0x10),
                                    add(s0, s0, t0),     lui(s1, 0x10000),
                                    lui(t5, 0x3f),       addi(t5, t5, 0x7fc),
                                    slli(t0, a1, 13),    exclusive_or(a1, a1, t0),
                                    srli(t0, a1, 17),    exclusive_or(a1, a1, t0),  // round:
                                    slli(t0, a1, 5),     exclusive_or(a1, a1, t0),
                                    bit_and(t0, a1, t5), add(t0, t0, s0),
                                    lw(t1, 0, t0),       add(t1, t1, a1),
                                    sw(t1, 0, t0),       andi(t2, a1, 0x38),
                                    bne(t2, zero, 8),    sb(t1, 0, s1),
                                    addi(a0, a0, -1),    bne(a0, zero, -60)};

// Stores to a0 pages of data, one after the other, by `store_word` (of t1, to 8(t0)) and an atomic.
std::vector<u32> page_toucher(u32 store_word) {
  return {auipc(t0, 0),         lui(t1, 0x10),    add(t0, t0, t1),      lui(t2, 1),
          addi(t1, zero, 0x55), store_word,       amoadd_w(t3, t1, t0), addi(t1, t1, 3),
          add(t0, t0, t2),      addi(a0, a0, -1), bne(a0, zero, -20)};
}

#define ASSERT_GOOD(expression)                                  \
  if (const auto& good_result = (expression); !good_result) {    \
    FAIL() << #expression << ": " << good_result.error().text(); \
  }

using Make = Result<std::unique_ptr<Engine>> (*)(const EngineConfig&);

// The engine, or a skip or failure and null.
std::unique_ptr<Engine> made(Make make, const EngineConfig& config, std::string& why_skipped) {
  auto engine = make(config);
  if (engine) return std::move(*engine);
  why_skipped = engine.error().text();
  if (engine.error().kind != ErrorKind::usage) ADD_FAILURE() << why_skipped;
  return nullptr;
}

#define MAKE_ENGINE(name, make, ...)                           \
  std::string name##_skipped;                                  \
  const std::unique_ptr<Engine> name##_owner =                 \
      made(make, EngineConfig{__VA_ARGS__}, name##_skipped);   \
  if (name##_owner == nullptr) GTEST_SKIP() << name##_skipped; \
  Engine& name = *name##_owner

// A machine of its own on the CPU engine, run for `steps` or to its exit.
struct Reference {
  u64 hash = 0;
  u64 icount = 0;
  std::string console;
  std::optional<Exit> exit;
  u64 dirty_pages = 0;
};
Result<Reference> reference(Xlen xlen, u64 ram_bytes, const std::vector<u8>& code,
                            const MachineState& state, u64 steps) {
  auto engine = make_cpu_engine({.xlen = xlen, .ram_bytes = ram_bytes});
  if (!engine) return std::unexpected(engine.error());
  if (auto ok = (*engine)->load_base(isa::RAM_BASE, code); !ok) return std::unexpected(ok.error());
  if (auto ok = (*engine)->write_state(0, state); !ok) return std::unexpected(ok.error());
  Result<Stop> stop = run_until(**engine, 0, steps);
  if (!stop) return std::unexpected(stop.error());
  return Reference{*(*engine)->state_hash(0), *icount(**engine, 0), stop->console, stop->exit,
                   *(*engine)->dirty_pages(0)};
}

void expect_reference(Engine& engine, u32 vm, const Reference& expected) {
  SCOPED_TRACE("machine " + std::to_string(vm));
  EXPECT_EQ(*icount(engine, vm), expected.icount);
  EXPECT_EQ(*engine.state_hash(vm), expected.hash);
}

// --- Memory, state, typing ---

void check_memory(Engine& engine) {
  constexpr u32 kVms = 3;
  // Unaligned, over three pages; what lies beside stays zero.
  std::vector<u8> image(2 * isa::PAGE_BYTES);
  for (size_t i = 0; i < image.size(); ++i) image[i] = static_cast<u8>(i * 7 + 1);
  constexpr u32 kImagePa = isa::RAM_BASE + 5 * isa::PAGE_BYTES + 1234;
  ASSERT_GOOD(engine.load_base(kImagePa, image));
  const std::vector<u8> code = bytes_of(kWanderer, kEnd);
  ASSERT_GOOD(engine.load_base(isa::RAM_BASE, code));
  for (u32 vm = 0; vm < kVms; ++vm) {
    SCOPED_TRACE(vm);
    std::vector<u8> read(image.size() + 2, 0xff);
    ASSERT_GOOD(engine.read_ram(vm, kImagePa - 1, read));
    EXPECT_EQ(read.front(), 0);
    EXPECT_EQ(read.back(), 0);
    EXPECT_TRUE(std::equal(image.begin(), image.end(), read.begin() + 1));
    EXPECT_EQ(*engine.dirty_pages(vm), 0u);
  }

  // A write belongs to one machine.
  const std::vector<u8> note(20, 0xab);
  constexpr u32 kNotePa = isa::RAM_BASE + 6 * isa::PAGE_BYTES - 7;
  ASSERT_GOOD(engine.write_ram(1, kNotePa, note));
  std::vector<u8> read(22);
  ASSERT_GOOD(engine.read_ram(1, kNotePa - 1, read));
  EXPECT_EQ(read.front(), image[kNotePa - 1 - kImagePa]);
  EXPECT_EQ(read.back(), image[kNotePa + 20 - kImagePa]);
  EXPECT_TRUE(std::equal(note.begin(), note.end(), read.begin() + 1));
  ASSERT_GOOD(engine.read_ram(2, kNotePa - 1, read));
  EXPECT_TRUE(std::equal(read.begin(), read.end(), image.begin() + (kNotePa - 1 - kImagePa)));
  EXPECT_EQ(*engine.dirty_pages(1), 2u);
  EXPECT_EQ(*engine.dirty_pages(2), 0u);
  EXPECT_THAT(*engine.dirty_page_numbers(1), testing::ElementsAre(5, 6));
  const u32 numbers[] = {6, 2};  // a private one and one of zeros
  std::vector<u8> pages(2 * isa::PAGE_BYTES, 0xff);
  ASSERT_GOOD(engine.read_pages(1, numbers, pages));
  EXPECT_EQ(pages[0], 0xab);
  EXPECT_EQ(pages[13], image[kNotePa + 20 - kImagePa]);
  EXPECT_THAT(std::span(pages).subspan(isa::PAGE_BYTES), testing::Each(0));
  const u32 behind_ram = static_cast<u32>(kRamBytes / isa::PAGE_BYTES);
  EXPECT_EQ(
      engine.read_pages(1, {&behind_ram, 1}, std::span(pages).first(isa::PAGE_BYTES)).error().kind,
      ErrorKind::usage);
  EXPECT_EQ(engine.read_pages(1, numbers, std::span(pages).first(1)).error().kind,
            ErrorKind::usage);
  EXPECT_EQ(*engine.state_hash(0), *engine.state_hash(2));
  EXPECT_NE(*engine.state_hash(0), *engine.state_hash(1));
  // Taken back, nothing can be told from a machine that was left alone.
  ASSERT_GOOD(
      engine.write_ram(1, kNotePa, std::span(image).subspan(kNotePa - kImagePa, note.size())));
  EXPECT_EQ(*engine.state_hash(0), *engine.state_hash(1));

  // Ranges that are not in RAM.
  u8 byte = 0;
  const u32 end = static_cast<u32>(isa::RAM_BASE + kRamBytes);
  std::vector<u8> long_range(kRamBytes + 1);
  EXPECT_EQ(engine.read_ram(0, end, {&byte, 1}).error().kind, ErrorKind::usage);
  EXPECT_EQ(engine.read_ram(0, isa::RAM_BASE - 1, {&byte, 1}).error().kind, ErrorKind::usage);
  EXPECT_EQ(engine.read_ram(0, 0xffffffffu, {&byte, 1}).error().kind, ErrorKind::usage);
  EXPECT_EQ(engine.read_ram(0, isa::RAM_BASE, long_range).error().kind, ErrorKind::usage);
  EXPECT_EQ(engine.write_ram(0, end - 1, std::span<const u8>(image).first(2)).error().kind,
            ErrorKind::usage);
  EXPECT_THAT(engine.read_ram(0, end, {&byte, 1}).error().message,
              testing::HasSubstr("1 bytes at 0x80100000 are not inside RAM"));
  ASSERT_GOOD(engine.read_ram(0, end, {}));
  ASSERT_GOOD(engine.read_ram(0, end - 1, {&byte, 1}));

  // Nothing happens in a run of no steps. What has run can still be read and written.
  for (u32 vm = 0; vm < kVms; ++vm) {
    MachineState state = state_at_start(Xlen::rv32);
    set_register(state, a0, 20 + vm);
    set_register(state, a1, 77 + vm);
    ASSERT_GOOD(engine.write_state(vm, state));
  }
  Result<RunReport> report = engine.run(0);
  ASSERT_GOOD(report);
  EXPECT_EQ(report->steps, 0u);
  EXPECT_TRUE(report->exits.empty());
  for (u32 vm = 0; vm < kVms; ++vm) EXPECT_EQ(*icount(engine, vm), 0u);

  // To the end of all three; each tells its own exit once.
  std::vector<Exit> exits;
  for (u32 runs = 0; runs < 100 && exits.size() < kVms; ++runs) {
    report = engine.run(10'000);
    ASSERT_GOOD(report);
    exits.insert(exits.end(), report->exits.begin(), report->exits.end());
  }
  std::sort(exits.begin(), exits.end(), [](const Exit& l, const Exit& r) { return l.vm < r.vm; });
  ASSERT_EQ(exits.size(), kVms);
  for (u32 vm = 0; vm < kVms; ++vm) {
    EXPECT_EQ(exits[vm].vm, vm);
    EXPECT_EQ(exits[vm].reason, isa::EXIT_HTIF);
    EXPECT_EQ(exits[vm].arg0, 1u);
    EXPECT_GT(*engine.dirty_pages(vm), 1u);
  }
  report = engine.run(1000);
  ASSERT_GOOD(report);
  EXPECT_EQ(report->steps, 0u) << "stopped machines stay stopped";
  EXPECT_TRUE(report->exits.empty());
  // A write to a page that the machine has stored to, then on: the others stay where they are.
  const u64 before = *icount(engine, 1);
  ASSERT_GOOD(engine.write_ram(1, kTohostPa, std::vector<u8>(4)));
  ASSERT_GOOD(engine.resume(1));
  report = engine.run(500);
  ASSERT_GOOD(report);
  EXPECT_EQ(*icount(engine, 1), before + report->steps);
  EXPECT_LT(*icount(engine, 0), before + 1);
}

void check_states(Engine& engine) {
  std::vector<MachineState> states;
  for (u32 vm = 0; vm < 3; ++vm) {
    isa::State<u32> state;
    u32 value = 0x01010101 * (vm + 1);
    for (u32& word : state.words()) word = (value = value * 1664525 + 1013904223);
    state.machine.ram_bytes = static_cast<u32>(kRamBytes);
    state.machine.run_state = isa::EXIT_WFI;  // it must not run
    ASSERT_GOOD(engine.write_state(vm, state));
    states.push_back(state);
  }
  for (int round = 0; round < 2; ++round) {
    for (u32 vm = 0; vm < 3; ++vm) {
      Result<MachineState> read = engine.read_state(vm);
      ASSERT_GOOD(read);
      EXPECT_EQ(compare_states(states[vm], *read), "") << "machine " << vm;
    }
    const Result<RunReport> report = engine.run(1000);  // and once more after they could have run
    ASSERT_GOOD(report);
    EXPECT_EQ(report->steps, 0u);
  }
  const Result<void> other_width = engine.write_state(0, isa::State<u64>{});
  ASSERT_FALSE(other_width);
  EXPECT_EQ(other_width.error().kind, ErrorKind::usage);
}

void check_typing(Engine& engine) {
  constexpr u32 kVm = 2;
  const std::string text = "The quick brown fox jumps over the lazy dog.";
  const std::span<const u8> bytes(reinterpret_cast<const u8*>(text.data()), text.size());
  for (u32 vm = 0; vm < 3; ++vm) ASSERT_GOOD(engine.write_ram(vm, isa::RAM_BASE, bytes_of(kEcho)));
  for (u32 vm = 0; vm < 3; ++vm) ASSERT_GOOD(engine.write_state(vm, state_at_start(Xlen::rv32)));
  for (u32 vm = 0; vm < 3; ++vm) (void)engine.take_console(vm);
  EXPECT_EQ(*engine.push_input(kVm, {}), 0u);
  EXPECT_EQ(*engine.push_input(kVm, bytes), 1u) << "its FIFO is not on yet";
  EXPECT_EQ(*engine.push_input(kVm, bytes), 0u);
  ASSERT_GOOD(engine.run(3));  // turns it on, which empties it
  std::string echoed;
  size_t typed = 0;
  for (int turns = 0; turns < 50 && echoed.size() < text.size(); ++turns) {
    ASSERT_GOOD(engine.run(1000));
    echoed += engine.take_console(kVm);
    const u32 fitted = *engine.push_input(kVm, bytes.subspan(typed));
    if (turns == 0) {
      EXPECT_EQ(fitted, isa::UART_FIFO_BYTES);
    }
    typed += fitted;
  }
  EXPECT_EQ(echoed, text);
  EXPECT_EQ(engine.take_console(kVm), "");
  EXPECT_EQ(engine.take_console(0), "") << "typed into another machine";
}

void check_full_console(Engine& engine) {
  constexpr u32 kBytes = 20'011;  // about five rings
  const std::vector<u8> code = bytes_of(kPrinter, kEnd);
  for (u32 vm = 0; vm < 3; ++vm) {
    MachineState state = state_at_start(Xlen::rv32);
    set_register(state, a0, kBytes / (vm + 1));
    ASSERT_GOOD(engine.write_ram(vm, isa::RAM_BASE, code));
    ASSERT_GOOD(engine.write_ram(vm, kTohostPa, std::vector<u8>(4)));
    ASSERT_GOOD(engine.write_state(vm, state));
    (void)engine.take_console(vm);
  }
  std::vector<std::string> printed(3);
  size_t ended = 0;
  u64 made = 0;
  for (int runs = 0; runs < 2000 && ended < 3; ++runs) {
    const Result<RunReport> report = engine.run(1'000'000);
    ASSERT_GOOD(report);
    for (const Exit& exit : report->exits) EXPECT_EQ(exit.reason, isa::EXIT_HTIF);
    ended += report->exits.size();
    made += report->steps;
    // Who did not exit has made what the report says.
    if (ended == 0) {
      EXPECT_EQ(*icount(engine, 0), made);
    }
    for (u32 vm = 0; vm < 3; ++vm) printed[vm] += engine.take_console(vm);
  }
  EXPECT_EQ(ended, 3u);
  for (u32 vm = 0; vm < 3; ++vm) {
    std::string expected;
    for (u32 i = 0; i < kBytes / (vm + 1); ++i) expected += static_cast<char>((i & 0x3f) + 0x20);
    EXPECT_EQ(printed[vm].size(), expected.size());
    EXPECT_TRUE(printed[vm] == expected) << "not a byte is lost, doubled or moved";
    // Waiting for the host costs no steps: two to begin, five for each byte, kEnd's seven.
    EXPECT_EQ(*icount(engine, vm), 2 + 5 * u64{kBytes / (vm + 1)} + 7);
  }
}

// One engine for all: on a software adapter making it takes seconds. The order matters: what
// load_base() loads is loaded first.
void check_interface(Make make) {
  MAKE_ENGINE(engine, make, .xlen = Xlen::rv32, .ram_bytes = kRamBytes, .vm_count = 3);
  EXPECT_FALSE(engine.name().empty());
  EXPECT_EQ(engine.config().vm_count, 3u);
  for (const auto check : {check_memory, check_states, check_typing, check_full_console}) {
    check(engine);
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(EngineCpu, KeepsTheInterface) { check_interface(make_cpu_engine); }
TEST(EngineGpu, KeepsTheInterface) { check_interface(make_gpu_engine); }

void check_refusals(Make make) {
  for (const EngineConfig& config :
       {EngineConfig{.ram_bytes = 0}, EngineConfig{.ram_bytes = 4097},
        EngineConfig{.ram_bytes = kMaxRamBytes + isa::PAGE_BYTES}, EngineConfig{.vm_count = 0}}) {
    const auto engine = make(config);
    ASSERT_FALSE(engine);
    EXPECT_EQ(engine.error().kind, ErrorKind::usage);
  }
}

TEST(EngineCpu, RefusesConfigurationsThatCannotBe) { check_refusals(make_cpu_engine); }
TEST(EngineGpu, RefusesConfigurationsThatCannotBe) { check_refusals(make_gpu_engine); }

// --- A pool that is too small ---

void check_pool_growth(Xlen xlen, u32 store_word, Make make) {
  constexpr u32 kPages = 150;
  const std::vector<u8> code = bytes_of(page_toucher(store_word), kEnd);
  MachineState state = state_at_start(xlen);
  set_register(state, a0, kPages);
  const Result<Reference> expected = reference(xlen, kRamBytes, code, state, 100'000);
  ASSERT_GOOD(expected);
  ASSERT_TRUE(expected->exit);
  MAKE_ENGINE(engine, make, .xlen = xlen, .ram_bytes = kRamBytes, .pool_pages = 2);
  ASSERT_GOOD(engine.load_base(isa::RAM_BASE, code));
  ASSERT_GOOD(engine.load_base(kDataPa + 100 * isa::PAGE_BYTES, std::vector<u8>(10)));
  ASSERT_GOOD(engine.write_state(0, state));
  const Result<Stop> stop = run_until(engine, 0, 100'000);
  ASSERT_GOOD(stop);
  ASSERT_TRUE(stop->exit);
  EXPECT_EQ(stop->exit->reason, isa::EXIT_HTIF);
  expect_reference(engine, 0, *expected);
  EXPECT_EQ(*engine.dirty_pages(0), kPages + 1) << "those and tohost's";
  EXPECT_EQ(*engine.dirty_pages(0), expected->dirty_pages);
}

TEST(EngineGpu, GrowsAPoolThatIsFullRv32) {
  check_pool_growth(Xlen::rv32, sw(t1, 8, t0), make_gpu_engine);
}
TEST(EngineGpu, GrowsAPoolThatIsFullRv64) {
  check_pool_growth(Xlen::rv64, sd(t1, 8, t0), make_gpu_engine);
}

TEST(EngineGpu, GrowsAPoolThatIsFullForTheHost) {
  MAKE_ENGINE(engine, make_gpu_engine, .ram_bytes = kRamBytes, .pool_pages = 2);
  for (u32 page = 0; page < 10; ++page) {
    const u8 byte = static_cast<u8>(page + 1);
    ASSERT_GOOD(engine.write_ram(0, isa::RAM_BASE + page * isa::PAGE_BYTES, {&byte, 1}));
  }
}

// Two groups of machines that share blocks, and a pool that has too few for both.
TEST(EngineGpu, NeighboursShareBlocksAndLeaveThem) {
  constexpr u32 kPages = 150;
  constexpr u32 kVms = 2 * isa::WORKGROUP;
  constexpr u64 kPoolPages = kRamBytes / isa::PAGE_BYTES * isa::WORKGROUP;
  const std::vector<u8> code = bytes_of(page_toucher(sw(t1, 8, t0)), kEnd);
  MachineState state = state_at_start(Xlen::rv32);
  // Neighbours do not need equally many.
  const auto pages_of = [](u32 vm) { return kPages - vm % 3; };
  std::vector<Reference> expected;
  for (u32 vm = 0; vm < 3; ++vm) {
    set_register(state, a0, pages_of(vm));
    const Result<Reference> one = reference(Xlen::rv32, kRamBytes, code, state, 100'000);
    ASSERT_GOOD(one);
    expected.push_back(*one);
  }
  MAKE_ENGINE(engine, make_gpu_engine, .ram_bytes = kRamBytes, .vm_count = kVms, .pool_pages = 64,
              .max_pool_pages = kPoolPages);
  ASSERT_GOOD(engine.load_base(isa::RAM_BASE, code));
  ASSERT_GOOD(engine.load_state(state));
  const isa::State<u32> layout;
  const auto word = [&](const u32& field) {
    return static_cast<u32>(&field - layout.words().data());
  };
  const auto change = [&](u32 first, u32 at, auto value_of) {
    std::vector<WordChange> changes;
    for (u32 vm = first; vm < first + isa::WORKGROUP; ++vm)
      changes.push_back({vm, at, 0, value_of(vm)});
    return engine.change_states(changes);
  };
  const auto begin = [&](u32 first) { return change(first, word(layout.hart.x[a0]), pages_of); };
  std::map<u32, u32> reasons;
  const auto run = [&] {
    for (bool any = true; any;) {
      const auto report = engine.run(100'000);
      ASSERT_GOOD(report);
      for (const Exit& exit : report->exits) reasons[exit.vm] = exit.reason;
      any = report->steps != 0 || !report->exits.empty();
    }
  };
  const auto group = [&](u32 first) {
    std::vector<u32> vms(isa::WORKGROUP);
    std::iota(vms.begin(), vms.end(), first);
    return vms;
  };
  Checkpoint loaded;
  loaded.state = state;

  ASSERT_GOOD(begin(0));
  ASSERT_GOOD(begin(isa::WORKGROUP));
  run();
  ASSERT_EQ(reasons.size(), kVms);
  const auto waits = [&](u32 vm) { return reasons[vm] == isa::EXIT_POOL_FULL; };
  EXPECT_TRUE(std::ranges::any_of(group(0), waits) ||
              std::ranges::any_of(group(isa::WORKGROUP), waits));
  // The host finds no page either, and is told so: neighbours do not wait for each other's.
  const u32 last_word = isa::RAM_BASE + static_cast<u32>(kRamBytes) - 4;
  const WordChange both[] = {{0, last_word, 0, 1}, {1, last_word, 0, 1}};
  const Result<void> refused = engine.change_ram(both);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::out_of_memory);
  // The second group gives back what it has, and waits for the first; then they change places.
  for (const u32 first : {0u, isa::WORKGROUP}) {
    const u32 other = isa::WORKGROUP - first;
    ASSERT_GOOD(engine.reset(group(other), loaded));
    ASSERT_GOOD(change(other, word(layout.machine.run_state), [](u32) { return isa::EXIT_COUNT; }));
    if (first == 0) {
      u32 resumed = 0;
      for (const u32 vm : group(first)) {
        if (!waits(vm)) continue;
        ASSERT_GOOD(engine.resume(vm));
        resumed = vm;
      }
      // What it did not do while the host had to make room is not done now.
      const u64 stood_at = *icount(engine, resumed);
      const auto report = engine.run(1);
      ASSERT_GOOD(report);
      EXPECT_EQ(*icount(engine, resumed), stood_at + 1);
      for (const Exit& exit : report->exits) reasons[exit.vm] = exit.reason;
    } else {
      ASSERT_GOOD(begin(first));
      for (const u32 vm : group(first)) ASSERT_GOOD(engine.resume(vm));
    }
    run();
    for (const u32 vm : group(first)) {
      EXPECT_EQ(reasons[vm], isa::EXIT_HTIF);
      expect_reference(engine, vm, expected[vm % 3]);
      EXPECT_EQ(*engine.dirty_pages(vm), expected[vm % 3].dirty_pages);
    }
  }
}

// --- Moving ---

struct BareProgram {
  std::string name;
  WholeMachine machine;
  u64 steps;
};

std::vector<BareProgram> bare_programs(u64 ram_bytes) {
  std::ifstream file(ROOKERY_BARE_MANIFEST);
  std::vector<BareProgram> found;
  for (const nlohmann::json& row : nlohmann::json::parse(file)) {
    if (row["xlen"] != 32) continue;
    MachineConfig config;
    config.ram_bytes = ram_bytes;
    config.bare_path = row["elf"];
    Result<BootFiles> files = read_boot_files(config);
    if (!files) continue;
    const Result<BootImage> image = plan_boot(config, std::move(*files));
    if (image) found.push_back({row["name"], machine_of(*image), row["steps"]});
  }
  return found;
}

// A little kernel with user programs, page tables and a timer moves to and fro every few thousand
// steps.
void check_moving(Make make) {
  constexpr u64 kRam = u64{16} << 20;
  constexpr u64 kSteps = 150'000;
  constexpr u64 kHop = 7'919;
  const std::vector<BareProgram> programs = bare_programs(kRam);
  const auto program = std::ranges::find(programs, "mini_kernel", &BareProgram::name);
  if (program == programs.end())
    GTEST_SKIP() << "No bare programs were built: there is no cross compiler.";
  MAKE_ENGINE(straight, make_cpu_engine, .ram_bytes = kRam);
  MAKE_ENGINE(cpu, make_cpu_engine, .ram_bytes = kRam);
  MAKE_ENGINE(other, make, .ram_bytes = kRam);
  ASSERT_GOOD(put_machine(straight, 0, program->machine));
  ASSERT_GOOD(put_machine(cpu, 0, program->machine));
  Engine* here = &cpu;
  Engine* there = &other;
  for (u64 at = kHop; at < kSteps; at += kHop) {
    SCOPED_TRACE("on the " + std::string(here->name()) + " up to step " + std::to_string(at));
    ASSERT_GOOD(run_until(straight, 0, at));
    ASSERT_GOOD(run_until(*here, 0, at));
    ASSERT_EQ(*here->state_hash(0), *straight.state_hash(0));
    const Result<WholeMachine> machine = read_machine(*here, 0);
    ASSERT_GOOD(machine);
    ASSERT_GOOD(put_machine(*there, 0, *machine));
    ASSERT_EQ(*there->state_hash(0), *straight.state_hash(0)) << "after the move";
    std::swap(here, there);
  }
}

TEST(EngineCpu, AMachineMovesToAnotherEngineAndBack) { check_moving(make_cpu_engine); }
TEST(EngineGpu, AMachineMovesToAnotherEngineAndBack) { check_moving(make_gpu_engine); }

// --- Fleets ---

// Machines of one image with different registers: each as if it were alone. More than one
// workgroup, and more than the machines whose reports come in one piece.
void check_fleet_of_one_image(Make make) {
  constexpr u32 kVms = 70;
  const std::vector<u8> code = bytes_of(kWanderer, kEnd);
  MAKE_ENGINE(engine, make, .ram_bytes = kRamBytes, .vm_count = kVms);
  ASSERT_GOOD(engine.load_base(isa::RAM_BASE, code));
  std::vector<MachineState> states;
  for (u32 vm = 0; vm < kVms; ++vm) {
    states.push_back(state_at_start(Xlen::rv32));
    set_register(states[vm], a0, 150 + 9 * (vm % 7));
    set_register(states[vm], a1, 0x9e3779b9u * (vm + 1));
    ASSERT_GOOD(engine.write_state(vm, states[vm]));
  }
  std::vector<std::string> printed(kVms);
  std::vector<u32> exits(kVms);
  size_t ended = 0;
  for (int runs = 0; runs < 1000 && ended < kVms; ++runs) {
    const Result<RunReport> report = engine.run(1'000);
    ASSERT_GOOD(report);
    for (const Exit& exit : report->exits) {
      ASSERT_LT(exit.vm, kVms);
      EXPECT_EQ(exit.reason, isa::EXIT_HTIF);
      ++exits[exit.vm];
      ++ended;
    }
    for (u32 vm = 0; vm < kVms; ++vm) printed[vm] += engine.take_console(vm);
  }
  EXPECT_THAT(exits, testing::Each(1u));
  for (u32 vm = 0; vm < kVms; ++vm) {
    const Result<Reference> expected = reference(Xlen::rv32, kRamBytes, code, states[vm], 100'000);
    ASSERT_GOOD(expected);
    expect_reference(engine, vm, *expected);
    EXPECT_EQ(printed[vm], expected->console) << "machine " << vm;
    EXPECT_EQ(*engine.dirty_pages(vm), expected->dirty_pages) << "machine " << vm;
  }
}

TEST(EngineCpu, AFleetOfOneImageRunsAsTheMachinesAlone) {
  check_fleet_of_one_image(make_cpu_engine);
}
TEST(EngineGpu, AFleetOfOneImageRunsAsTheMachinesAlone) {
  check_fleet_of_one_image(make_gpu_engine);
}

// Enough pages and machines for a dispatch of two dimensions, asked for out of order.
void check_hashes_of_a_fleet(Make make) {
  constexpr u64 kRam = u64{64} << 20;
  constexpr u32 kVms = 300;
  MAKE_ENGINE(engine, make, .ram_bytes = kRam, .vm_count = kVms, .pool_pages = 8);
  const std::vector<u8> image(10'000, 0x5a);
  ASSERT_GOOD(engine.load_base(kDataPa + 100, image));
  std::vector<MachineState> states(kVms, state_at_start(Xlen::rv32));
  for (u32 vm = 0; vm < kVms; ++vm) {
    set_register(states[vm], a0, vm);
    ASSERT_GOOD(engine.write_state(vm, states[vm]));
  }
  // Machine 7 has pages that are new, changed, the same as before, and zeros.
  struct Change {
    u32 pa;
    std::vector<u8> bytes;
  };
  const u32 last_page = static_cast<u32>(isa::RAM_BASE + kRam - isa::PAGE_BYTES);
  const Change changes[] = {{isa::RAM_BASE, {1, 2, 3}},
                            {last_page + 4095, {9}},
                            {kDataPa + 100, {0x5a, 0x5b}},
                            {kDataPa + isa::PAGE_BYTES, {0x5a}},
                            {kDataPa + 2 * isa::PAGE_BYTES, std::vector<u8>(isa::PAGE_BYTES)},
                            {kDataPa + 3 * isa::PAGE_BYTES, {0}}};
  for (const Change& change : changes) ASSERT_GOOD(engine.write_ram(7, change.pa, change.bytes));
  std::vector<u32> vms(kVms);
  for (u32 i = 0; i < kVms; ++i) vms[i] = (i * 7 + 11) % kVms;
  const Result<std::vector<u64>> hashes = engine.state_hashes(vms);
  ASSERT_GOOD(hashes);
  ASSERT_EQ(hashes->size(), kVms);
  auto cpu = make_cpu_engine({.ram_bytes = kRam});
  ASSERT_GOOD(cpu);
  ASSERT_GOOD((*cpu)->load_base(kDataPa + 100, image));
  for (u32 i = 0; i < kVms; ++i) {
    if (vms[i] == 7 || vms[i] % 60 != 0) continue;
    ASSERT_GOOD((*cpu)->write_state(0, states[vms[i]]));
    EXPECT_EQ((*hashes)[i], *(*cpu)->state_hash(0)) << "machine " << vms[i];
  }
  for (const Change& change : changes) ASSERT_GOOD((*cpu)->write_ram(0, change.pa, change.bytes));
  ASSERT_GOOD((*cpu)->write_state(0, states[7]));
  EXPECT_EQ((*hashes)[std::ranges::find(vms, 7u) - vms.begin()], *(*cpu)->state_hash(0));
  std::vector<u64> sorted = *hashes;
  std::ranges::sort(sorted);
  EXPECT_TRUE(std::ranges::adjacent_find(sorted) == sorted.end()) << "all states differ";
  EXPECT_TRUE(engine.state_hashes({})->empty());
}

TEST(EngineCpu, HashesAFleet) { check_hashes_of_a_fleet(make_cpu_engine); }
TEST(EngineGpu, HashesAFleet) { check_hashes_of_a_fleet(make_gpu_engine); }

// Every RV32 bare program beside the others: lanes that do different things at every step.
void check_fleet_of_programs(Make make) {
  constexpr u64 kRam = u64{16} << 20;
  constexpr u64 kSteps = 12'000;
  const std::vector<BareProgram> programs = bare_programs(kRam);
  if (programs.empty()) GTEST_SKIP() << "No bare programs were built: there is no cross compiler.";
  const u32 vms = static_cast<u32>(programs.size());
  MAKE_ENGINE(engine, make, .ram_bytes = kRam, .vm_count = vms);
  for (u32 vm = 0; vm < vms; ++vm) {
    const std::vector<u8>& ram = programs[vm].machine.ram;
    for (u64 at = 0; at < ram.size(); at += isa::PAGE_BYTES) {
      const std::span<const u8> page = std::span(ram).subspan(at, isa::PAGE_BYTES);
      if (std::ranges::all_of(page, [](u8 byte) { return byte == 0; })) continue;
      ASSERT_GOOD(engine.write_ram(vm, static_cast<u32>(isa::RAM_BASE + at), page));
    }
    ASSERT_GOOD(engine.write_state(vm, programs[vm].machine.state));
  }
  for (u64 done = 0; done < kSteps;) {
    const Result<RunReport> report = engine.run(kSteps - done);
    ASSERT_GOOD(report);
    if (report->steps == 0 && report->exits.empty()) break;
    done += report->steps;
  }
  auto cpu = make_cpu_engine({.ram_bytes = kRam});
  ASSERT_GOOD(cpu);
  for (u32 vm = 0; vm < vms; ++vm) {
    SCOPED_TRACE(programs[vm].name);
    const u64 steps = *icount(engine, vm);
    EXPECT_GT(steps, 0u);
    ASSERT_GOOD(put_machine(**cpu, 0, programs[vm].machine));
    const Result<Stop> stop = run_until(**cpu, 0, steps);
    ASSERT_GOOD(stop);
    EXPECT_EQ(*icount(**cpu, 0), steps);
    EXPECT_EQ(*engine.state_hash(vm), *(*cpu)->state_hash(0));
  }
}

TEST(EngineGpu, AFleetOfDifferentProgramsRunsAsTheMachinesAlone) {
  check_fleet_of_programs(make_gpu_engine);
}

// --- Forks: all machines begin alike, and each can be told where to stop ---

// What all machines of `engine` are loaded as.
Result<Checkpoint> load_forks(Engine& engine, const std::vector<u32>& program, u64 count) {
  Checkpoint loaded;
  loaded.state = state_at_start(engine.config().xlen);
  set_register(loaded.state, a0, count);
  set_register(loaded.state, a1, 12345);
  std::visit([](auto& s) { s.uart.fcr = isa::UART_FCR_ENABLE; }, loaded.state);
  loaded.numbers = {0};
  loaded.bytes = bytes_of(program, kEnd);
  loaded.bytes.resize(isa::PAGE_BYTES);
  if (Result<void> ok = load_machine(engine, loaded); !ok)
    return std::unexpected(std::move(ok.error()));
  return loaded;
}

// Runs until a machine exits.
Result<Exit> next_exit(Engine& engine) {
  for (int runs = 0; runs < 2000; ++runs) {
    Result<RunReport> report = engine.run(1'000'000);
    if (!report) return std::unexpected(std::move(report.error()));
    if (report->exits.size() == 1) return report->exits.front();
    if (!report->exits.empty()) return fail(ErrorKind::internal, "Several machines exited.");
  }
  return fail(ErrorKind::internal, "No machine exited.");
}

std::vector<u64> hashes_of(Engine& engine) {
  std::vector<u32> all(engine.config().vm_count);
  for (u32 vm = 0; vm < all.size(); ++vm) all[vm] = vm;
  return engine.state_hashes(all).value_or(std::vector<u64>{});
}

void check_stops_at_counts(Make make) {
  MAKE_ENGINE(engine, make, .ram_bytes = kRamBytes, .vm_count = 3);
  ASSERT_GOOD(load_forks(engine, kWanderer, 2000));
  auto alone = make_cpu_engine({.ram_bytes = kRamBytes});
  ASSERT_GOOD(alone);
  ASSERT_GOOD(load_forks(**alone, kWanderer, 2000));
  ASSERT_GOOD(engine.stop_at(1, 7777));
  ASSERT_GOOD(engine.stop_at(2, 1));
  std::vector<Exit> exits;
  for (int runs = 0; runs < 2000 && exits.size() < 3; ++runs) {
    const Result<RunReport> report = engine.run(1'000'000);
    ASSERT_GOOD(report);
    exits.insert(exits.end(), report->exits.begin(), report->exits.end());
  }
  ASSERT_EQ(exits.size(), 3u);
  std::ranges::sort(exits, {}, &Exit::vm);
  EXPECT_EQ(exits[0].reason, isa::EXIT_HTIF);
  EXPECT_EQ(exits[1].reason, isa::EXIT_COUNT);
  EXPECT_EQ(exits[1].icount, 7777u);
  EXPECT_EQ(*icount(engine, 1), 7777u);
  EXPECT_EQ(exits[2].icount, 1u);
  ASSERT_GOOD(run_until(**alone, 0, 7777));
  EXPECT_EQ(*engine.state_hash(1), *(*alone)->state_hash(0));
  // It goes on, and does not stop there again.
  ASSERT_GOOD(engine.resume(1));
  const Result<Exit> end = next_exit(engine);
  ASSERT_GOOD(end);
  EXPECT_EQ(end->vm, 1u);
  EXPECT_EQ(end->reason, isa::EXIT_HTIF);
  EXPECT_EQ(end->icount, exits[0].icount);
  EXPECT_EQ(hashes_of(engine)[0], hashes_of(engine)[1]);
  // A count that is gone by stops it before anything happens.
  ASSERT_GOOD(engine.stop_at(2, 1));
  ASSERT_GOOD(engine.resume(2));
  const Result<Exit> again = next_exit(engine);
  ASSERT_GOOD(again);
  EXPECT_EQ(again->reason, isa::EXIT_COUNT);
  EXPECT_EQ(again->icount, 1u);
}

TEST(EngineCpu, StopsMachinesAtCounts) { check_stops_at_counts(make_cpu_engine); }
TEST(EngineGpu, StopsMachinesAtCounts) { check_stops_at_counts(make_gpu_engine); }

void check_stops_on_texts(Make make) {
  MAKE_ENGINE(engine, make, .ram_bytes = kRamBytes, .vm_count = 2);
  const Result<Checkpoint> loaded = load_forks(engine, kPrinter, 100);
  ASSERT_GOOD(loaded);
  const std::string texts[] = {"#%", "/0", "%&", "$%&'"};
  const auto table = ConsoleTexts::create(texts);
  ASSERT_GOOD(table);
  ASSERT_GOOD(engine.stop_on_texts(*table));
  ASSERT_GOOD(engine.stop_at(0, 1));
  const Result<RunReport> parked = engine.run(1);
  ASSERT_GOOD(parked);
  ASSERT_EQ(parked->exits.size(), 1u);
  const auto expect_text = [&](u32 index, const std::string& console) {
    const Result<Exit> exit = next_exit(engine);
    ASSERT_GOOD(exit);
    EXPECT_EQ(exit->vm, 1u);
    EXPECT_EQ(exit->reason, isa::EXIT_TEXT);
    EXPECT_EQ(exit->arg0, index);
    EXPECT_EQ(engine.take_console(1), console);
    ASSERT_GOOD(engine.resume(1));
  };
  expect_text(2, " !\"#$%&");
  expect_text(1, "'()*+,-./0");
  // Without texts it goes on to its end.
  ASSERT_GOOD(engine.stop_on_texts(nullptr));
  const Result<Exit> end = next_exit(engine);
  ASSERT_GOOD(end);
  EXPECT_EQ(end->reason, isa::EXIT_HTIF);
}

TEST(EngineCpu, StopsMachinesThatPrintATextAfterItsLastByte) {
  check_stops_on_texts(make_cpu_engine);
}
TEST(EngineGpu, StopsMachinesThatPrintATextAfterItsLastByte) {
  check_stops_on_texts(make_gpu_engine);
}

void check_queued_input(Make make) {
  std::string text;
  for (u32 i = 0; i < 2 * isa::INPUT_QUEUE_BYTES - 3; ++i) text += static_cast<char>('!' + i % 90);
  const std::span<const u8> bytes(reinterpret_cast<const u8*>(text.data()), text.size());
  MAKE_ENGINE(engine, make, .ram_bytes = kRamBytes, .vm_count = 2);
  const Result<Checkpoint> loaded = load_forks(engine, kEcho, 0);
  ASSERT_GOOD(loaded);
  std::vector<u64> hashes;
  // However a run is cut: the FIFO is filled at the same steps.
  for (const u64 slice : {u64{1'000'000}, u64{17}}) {
    SCOPED_TRACE(slice);
    const u32 all[] = {0, 1};
    ASSERT_GOOD(engine.reset(all, *loaded));
    EXPECT_EQ(*engine.queue_input(1, bytes, true), isa::INPUT_QUEUE_BYTES);
    std::string echoed;
    u64 asked_at = 0;
    for (u64 icount_now = 0; icount_now < 6000;) {
      const Result<RunReport> report = engine.run(std::min(slice, 6000 - icount_now));
      ASSERT_GOOD(report);
      echoed += engine.take_console(1);
      EXPECT_EQ(engine.take_console(0), "") << "typed into another machine";
      for (const Exit& exit : report->exits) {
        ASSERT_EQ(exit.reason, isa::EXIT_INPUT);
        EXPECT_EQ(asked_at, 0u) << "once";
        asked_at = exit.icount;
        EXPECT_EQ(*engine.queue_input(1, bytes.subspan(isa::INPUT_QUEUE_BYTES), false),
                  isa::INPUT_QUEUE_BYTES - 3);
        ASSERT_GOOD(engine.resume(1));
      }
      icount_now = *icount(engine, 1);
    }
    EXPECT_EQ(echoed, text);
    hashes.push_back(*engine.state_hash(1));
    hashes.push_back(asked_at);
  }
  EXPECT_EQ(hashes[0], hashes[2]);
  EXPECT_EQ(hashes[1], hashes[3]);
}

TEST(EngineCpu, QueuesWhatIsTyped) { check_queued_input(make_cpu_engine); }
TEST(EngineGpu, QueuesWhatIsTyped) { check_queued_input(make_gpu_engine); }

void check_reset(Make make) {
  MAKE_ENGINE(engine, make, .ram_bytes = kRamBytes, .vm_count = 3, .pool_pages = 150);
  const std::vector<u32> program = page_toucher(sw(t1, 8, t0));
  const Result<Checkpoint> loaded = load_forks(engine, program, 60);
  ASSERT_GOOD(loaded);
  const std::vector<u64> first = hashes_of(engine);
  EXPECT_EQ(first[0], first[2]);
  const u32 two[] = {2, 0};
  const u32 all[] = {0, 1, 2};
  std::vector<u64> ended;
  // Far more pages in all than there are: those given back are used again.
  for (int round = 0; round < 12; ++round) {
    u32 exits = 0;
    for (int runs = 0; runs < 200 && exits < (round == 0 ? 3 : 2); ++runs) {
      const Result<RunReport> report = engine.run(1'000'000);
      ASSERT_GOOD(report);
      for (const Exit& exit : report->exits) ASSERT_EQ(exit.reason, isa::EXIT_HTIF);
      exits += static_cast<u32>(report->exits.size());
    }
    if (round == 0) ended = hashes_of(engine);
    EXPECT_EQ(hashes_of(engine), ended);
    EXPECT_EQ(*engine.dirty_page_counts(all), (std::vector<u32>{61, 61, 61}));
    ASSERT_GOOD(engine.stop_at(2, 5));  // forgotten
    ASSERT_GOOD(engine.reset(two, *loaded));
    EXPECT_EQ(*engine.dirty_page_counts(all), (std::vector<u32>{0, 61, 0}));
    EXPECT_EQ(hashes_of(engine), (std::vector<u64>{first[0], ended[1], first[2]}));
  }
}

TEST(EngineCpu, ResetsMachines) { check_reset(make_cpu_engine); }
TEST(EngineGpu, ResetsMachines) { check_reset(make_gpu_engine); }

// Workgroups take turns among the pools, so more than two of them are needed to fill three.
TEST(EngineGpu, SpreadsPagesOverPools) {
  constexpr u32 kMachines = 101;
  constexpr u32 kMarkPa = kDataPa + 6 * isa::PAGE_BYTES + 64;
  MAKE_ENGINE(engine, make_gpu_engine_with_pools, .ram_bytes = kRamBytes, .vm_count = kMachines,
              .pool_pages = 400);
  const Result<Checkpoint> loaded = load_forks(engine, page_toucher(sw(t1, 8, t0)), 7);
  ASSERT_GOOD(loaded);
  const std::vector<u64> first = hashes_of(engine);
  std::vector<u32> all(kMachines);
  for (u32 vm = 0; vm < kMachines; ++vm) all[vm] = vm;
  std::vector<u64> ended;
  for (int round = 0; round < 3; ++round) {
    // A word of its own in each, in the last page that it will store to.
    std::vector<WordChange> marks;
    marks.reserve(all.size());
    for (const u32 vm : all) marks.push_back({vm, kMarkPa, 0, vm});
    ASSERT_GOOD(engine.change_ram(marks));
    u32 exits = 0;
    for (int runs = 0; runs < 200 && exits < kMachines; ++runs) {
      const Result<RunReport> report = engine.run(1'000'000);
      ASSERT_GOOD(report);
      exits += static_cast<u32>(report->exits.size());
    }
    ASSERT_EQ(exits, kMachines);
    EXPECT_EQ(*engine.dirty_page_counts(all), std::vector<u32>(kMachines, 8));
    if (round == 0) {
      ended = hashes_of(engine);
      for (const u32 vm : {0u, 40u, 70u, 100u}) {
        auto cpu = make_cpu_engine({.ram_bytes = kRamBytes});
        ASSERT_GOOD(cpu);
        ASSERT_GOOD(load_machine(**cpu, *loaded));
        const WordChange mark{0, kMarkPa, 0, vm};
        ASSERT_GOOD((*cpu)->change_ram({&mark, 1}));
        ASSERT_GOOD(run_until(**cpu, 0, 100'000));
        EXPECT_EQ(ended[vm], *(*cpu)->state_hash(0)) << vm;
        u32 word = 0;
        ASSERT_GOOD(engine.read_ram(vm, kMarkPa, {reinterpret_cast<u8*>(&word), sizeof word}));
        EXPECT_EQ(word, vm);
      }
    }
    EXPECT_EQ(hashes_of(engine), ended);
    ASSERT_GOOD(engine.reset(all, *loaded));
    EXPECT_EQ(hashes_of(engine), first);
  }
}

void check_changes(Make make) {
  MAKE_ENGINE(engine, make, .ram_bytes = kRamBytes, .vm_count = 3);
  ASSERT_GOOD(load_forks(engine, kWanderer, 500));
  ASSERT_GOOD(engine.stop_at(0, 100));
  ASSERT_GOOD(engine.stop_at(2, 200));
  for (u32 exits = 0; exits < 3;) {
    const Result<RunReport> report = engine.run(1'000'000);
    ASSERT_GOOD(report);
    exits += static_cast<u32>(report->exits.size());
  }
  const MachineState state = *engine.read_state(0);
  const auto& s32 = std::get<isa::State<u32>>(state);
  const u32 word = static_cast<u32>(&s32.hart.x[a1] - s32.words().data());
  const WordChange states[] = {{0, word, ~u32{0}, 0x10}, {2, word, 0, 0xabcdef}};
  ASSERT_GOOD(engine.change_states(states));
  const auto a1_of = [&](u32 vm) {
    return std::get<isa::State<u32>>(*engine.read_state(vm)).hart.x[a1];
  };
  EXPECT_EQ(a1_of(0), s32.hart.x[a1] ^ 0x10);
  EXPECT_EQ(a1_of(2), 0xabcdefu);
  // In a page that is shared, in one of its own, and twice in the same page.
  const u32 untouched = isa::RAM_BASE + 0x70'004;
  const WordChange ram[] = {{0, isa::RAM_BASE, ~u32{0}, 0x80},
                            {2, untouched, 0, 0x11223344},
                            {2, untouched + 4, ~u32{0}, 1},
                            {0, kDataPa, 0xffff, 0x10000}};
  std::array<u32, 4> before{};
  const auto read = [&](u32 vm, u32 pa) {
    u32 found = 0;
    EXPECT_TRUE(engine.read_ram(vm, pa, {reinterpret_cast<u8*>(&found), 4}));
    return found;
  };
  for (u32 i = 0; i < 4; ++i) before[i] = read(ram[i].vm, ram[i].at);
  ASSERT_GOOD(engine.change_ram(ram));
  for (u32 i = 0; i < 4; ++i)
    EXPECT_EQ(read(ram[i].vm, ram[i].at), (before[i] & ram[i].keep) ^ ram[i].flip) << i;
  EXPECT_EQ(read(1, untouched), 0u) << "of another machine";
  EXPECT_EQ(read(1, isa::RAM_BASE), before[0]);

  const WordChange wrong_word[] = {{0, 100'000, 0, 0}};
  const WordChange wrong_vm[] = {{3, word, 0, 0}};
  const WordChange unaligned[] = {{0, isa::RAM_BASE + 2, 0, 0}};
  const WordChange outside[] = {{0, isa::RAM_BASE + static_cast<u32>(kRamBytes), 0, 0}};
  EXPECT_EQ(engine.change_states(wrong_word).error().kind, ErrorKind::usage);
  EXPECT_EQ(engine.change_states(wrong_vm).error().kind, ErrorKind::usage);
  EXPECT_EQ(engine.change_ram(unaligned).error().kind, ErrorKind::usage);
  EXPECT_EQ(engine.change_ram(outside).error().kind, ErrorKind::usage);
  EXPECT_EQ(engine.change_ram(wrong_vm).error().kind, ErrorKind::usage);
}

TEST(EngineCpu, ChangesWordsOfMachines) { check_changes(make_cpu_engine); }
TEST(EngineGpu, ChangesWordsOfMachines) { check_changes(make_gpu_engine); }

// Of two machines the second does nothing but what the slow stage has to do.
TEST(EngineGpu, NobodyWaitsForAMachineThatIsSlow) {
  constexpr u32 kSlowPa = isa::RAM_BASE + 0x1000;
  const u32 read_mstatus = i_type(0x73, 2, t0, zero, 0x300);
  const EngineConfig config{.ram_bytes = kRamBytes, .vm_count = 2};
  const auto load = [&](Engine& engine) {
    ASSERT_TRUE(engine.load_base(isa::RAM_BASE, bytes_of({addi(t0, t0, 1), beq(zero, zero, -4)})));
    ASSERT_TRUE(engine.load_base(kSlowPa, bytes_of({read_mstatus, beq(zero, zero, -4)})));
    MachineState state = state_at_start(Xlen::rv32);
    ASSERT_TRUE(engine.write_state(0, state));
    std::get<isa::State<u32>>(state).hart.pc = kSlowPa;
    ASSERT_TRUE(engine.write_state(1, state));
  };
  MAKE_ENGINE(gpu, make_gpu_engine, config);
  load(gpu);
  u64 steps = 0;
  for (u32 i = 0; i < 3; ++i) {
    Result<RunReport> report = gpu.run_unevenly(4000);
    ASSERT_TRUE(report) << report.error().text();
    EXPECT_TRUE(report->exits.empty());
    steps += report->steps;
  }
  const auto icount = [&](u32 vm) { return icount_of(gpu.read_state(vm).value()); };
  EXPECT_EQ(icount(0), steps);
  EXPECT_GT(icount(1), 0u);
  EXPECT_LT(icount(1), steps / 4);
  for (u32 vm = 0; vm < 2; ++vm) {
    Result<std::unique_ptr<Engine>> cpu = make_cpu_engine(config);
    ASSERT_TRUE(cpu);
    load(**cpu);
    ASSERT_TRUE((*cpu)->run(icount(vm)));
    EXPECT_EQ(gpu.state_hash(vm).value(), (*cpu)->state_hash(vm).value());
  }
}

// The bytes of `printed` after which something was found, and what.
std::vector<std::pair<size_t, u32>> found_in(const ConsoleTexts& texts, std::string_view printed) {
  std::vector<std::pair<size_t, u32>> found;
  u32 state = 0;
  for (size_t i = 0; i < printed.size(); ++i) {
    if (const auto text = texts.find(state, printed.substr(i, 1))) found.emplace_back(i + 1, *text);
  }
  return found;
}

TEST(ConsoleTexts, FindTheEndsOfLinesThatHaveSomething) {
  const std::vector<std::string> texts = {"stop"};
  const std::vector<std::string> with = {"ab", "bca", "error: "};
  const auto table = ConsoleTexts::create(texts, LineEnds{with});
  ASSERT_GOOD(table);
  std::mt19937 random(1);
  for (u32 round = 0; round < 200; ++round) {
    std::string printed;
    while (printed.size() < 100) {
      static const std::array<std::string_view, 8> kPieces = {"a",   "b",       "c",    "\n",
                                                              "bca", "error: ", "erro", "x"};
      printed += kPieces[random() % kPieces.size()];
    }
    std::vector<std::pair<size_t, u32>> expected;
    size_t begin = 0;
    for (size_t end; (end = printed.find('\n', begin)) != std::string::npos; begin = end + 1) {
      const std::string line = printed.substr(begin, end - begin);
      const auto has = [&](const std::string& text) {
        return line.find(text) != std::string::npos;
      };
      if (std::ranges::any_of(with, has)) expected.emplace_back(end + 1, 1);
    }
    EXPECT_EQ(found_in(**table, printed), expected) << printed;
  }
  // A text is found as ever, and the search begins anew behind it.
  const std::vector<std::pair<size_t, u32>> once = {{6, 0}};
  EXPECT_EQ(found_in(**table, "abstop\n"), once);
}

TEST(ConsoleTexts, FindTheEndsOfAllLines) {
  const std::vector<std::string> texts = {"stop"};
  const std::vector<std::pair<size_t, u32>> expected = {{1, 1}, {4, 1}, {8, 0}, {9, 1}};
  const auto all = ConsoleTexts::create(texts, LineEnds{});
  ASSERT_GOOD(all);
  EXPECT_EQ((*all)->count(), 2u);
  EXPECT_EQ(found_in(**all, "\nab\nstop\n"), expected);
  // So too where there is no room for what lines shall have.
  const auto hints =
      ConsoleTexts::create(texts, LineEnds{{std::string(isa::TEXT_STATES / 2, 'x')}});
  ASSERT_GOOD(hints);
  EXPECT_EQ(found_in(**hints, "\nab\nstop\n"), expected);
  const auto nothing_else = ConsoleTexts::create({}, LineEnds{{"b"}});
  ASSERT_GOOD(nothing_else);
  const std::vector<std::pair<size_t, u32>> second = {{4, 0}};
  EXPECT_EQ(found_in(**nothing_else, "\nab\nstop\n"), second);
}

TEST(ConsoleTexts, RefusesWhatCannotBe) {
  const std::string empty[] = {"a", ""};
  EXPECT_EQ(ConsoleTexts::create(empty).error().kind, ErrorKind::usage);
  const std::string too_long[] = {std::string(isa::TEXT_STATES, 'a')};
  EXPECT_EQ(ConsoleTexts::create(too_long).error().kind, ErrorKind::usage);
  std::vector<std::string> too_many(300, "a");
  EXPECT_EQ(ConsoleTexts::create(too_many).error().kind, ErrorKind::usage);
}

// --- A lost device ---

TEST(EngineGpu, SaysThatTheDeviceWasLost) {
  auto engine = make_impatient_gpu_engine({.ram_bytes = kRamBytes});
  if (!engine && engine.error().kind == ErrorKind::usage) GTEST_SKIP() << engine.error().text();
  // Making the engine may itself take longer than the device has.
  if (!engine) {
    EXPECT_EQ(engine.error().kind, ErrorKind::device_lost) << engine.error().text();
    return;
  }
  ASSERT_GOOD((*engine)->load_base(isa::RAM_BASE, bytes_of({kSpin})));
  ASSERT_GOOD((*engine)->write_state(0, state_at_start(Xlen::rv32)));
  Result<RunReport> report = RunReport{};
  for (int runs = 0; report && runs < 100; ++runs) report = (*engine)->run(10'000'000);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().kind, ErrorKind::device_lost) << report.error().text();
  // And so does everything that comes after.
  EXPECT_EQ((*engine)->run(1).error().kind, ErrorKind::device_lost);
  EXPECT_EQ((*engine)->read_state(0).error().kind, ErrorKind::device_lost);
  EXPECT_EQ((*engine)->state_hash(0).error().kind, ErrorKind::device_lost);
}

}  // namespace
}  // namespace rookery::test
