// SPDX-License-Identifier: Apache-2.0
// Snapshots as bytes: what goes in comes out, equal pages are stored once, and no change of the
// bytes goes unnoticed.
#include "machine/snapshot.h"

#include <cstring>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "machine/trial.h"

namespace rookery::test {
namespace {

using ::testing::HasSubstr;

constexpr const char* kWhat = "snapshot \"test.rook\"";

std::vector<u8> ram_of(const BootImage& image) {
  std::vector<u8> ram(image.ram_bytes);
  for (const BootPiece& piece : image.pieces)
    std::ranges::copy(piece.bytes, ram.begin() + (piece.pa - isa::RAM_BASE));
  return ram;
}

std::vector<u8> ram_of(const Checkpoint& machine, u64 ram_bytes) {
  std::vector<u8> ram(ram_bytes);
  for (u64 i = 0; i < machine.numbers.size(); ++i) {
    std::memcpy(ram.data() + u64{machine.numbers[i]} * isa::PAGE_BYTES,
                machine.bytes.data() + i * isa::PAGE_BYTES, isa::PAGE_BYTES);
  }
  return ram;
}

BootImage some_image() {
  BootImage image;
  image.ram_bytes = 1 * kMiB;
  image.layout.mode = BootMode::firmware;
  image.layout.entry_pa = 0x80000010;
  image.layout.fromhost_pa = 0x80001040;
  image.pieces.push_back({isa::RAM_BASE + 10, std::vector<u8>(5000, 0x17)});
  image.pieces.push_back({isa::RAM_BASE + 0x20000, std::vector<u8>(3 * 4096, 0x42)});
  image.pieces.push_back({isa::RAM_BASE + 0xfffff, {1}});
  return image;
}

// A machine that has run: the image, with one page changed, one new and one of zeros.
Snapshot some_snapshot(Xlen xlen = Xlen::rv32) {
  Snapshot snapshot;
  snapshot.image = some_image();
  snapshot.image.xlen = xlen;
  snapshot.instructions = 12'345'678'901;
  snapshot.program = "rookery test";
  snapshot.engine = "CPU";
  snapshot.command_line = "console=ttyS0 \"quoted\" \xff";
  Checkpoint now;
  now.state = initial_state(snapshot.image);
  std::visit(
      [](auto& s) {
        s.machine.ram_bytes = 1 * kMiB;
        s.hart.x[10] = 7;
        s.uart.scr = 0x99;
      },
      now.state);
  std::vector<u8> ram = ram_of(snapshot.image);
  std::fill_n(ram.begin() + 0x20000, 4096, 0);
  ram[0x20000 + 5000] = 1;
  ram[0x80000] = 2;
  for (u32 number = 0; number < ram.size() / isa::PAGE_BYTES; ++number) {
    const auto page = ram.begin() + i64{number} * isa::PAGE_BYTES;
    if (std::all_of(page, page + isa::PAGE_BYTES, [](u8 byte) { return byte == 0; })) continue;
    now.numbers.push_back(number);
    now.bytes.insert(now.bytes.end(), page, page + isa::PAGE_BYTES);
  }
  snapshot.now = std::move(now);
  return snapshot;
}

void expect_same(const Snapshot& a, const Snapshot& b) {
  EXPECT_EQ(a.image.xlen, b.image.xlen);
  EXPECT_EQ(a.image.layout.mode, b.image.layout.mode);
  EXPECT_EQ(a.image.layout.entry_pa, b.image.layout.entry_pa);
  EXPECT_EQ(a.image.layout.fromhost_pa, b.image.layout.fromhost_pa);
  EXPECT_EQ(ram_of(a.image), ram_of(b.image));
  EXPECT_EQ(a.instructions, b.instructions);
  EXPECT_EQ(a.program, b.program);
  ASSERT_EQ(a.now.has_value(), b.now.has_value());
  if (!a.now) return;
  EXPECT_EQ(ram_of(*a.now, a.image.ram_bytes), ram_of(*b.now, b.image.ram_bytes));
  std::visit([](const auto& one,
                const auto& other) { EXPECT_TRUE(std::ranges::equal(one.words(), other.words())); },
             a.now->state, b.now->state);
}

TEST(Snapshot, ComesBack) {
  for (const Xlen xlen : {Xlen::rv32, Xlen::rv64}) {
    const Snapshot snapshot = some_snapshot(xlen);
    const auto bytes = encode_snapshot(snapshot);
    ASSERT_TRUE(bytes);
    EXPECT_TRUE(is_snapshot(*bytes));
    const auto parsed = parse_snapshot(*bytes, kWhat);
    ASSERT_TRUE(parsed) << parsed.error().text();
    expect_same(snapshot, *parsed);
  }
}

TEST(Snapshot, OfAMachineThatHasNotRunComesBack) {
  Snapshot snapshot;
  snapshot.image = some_image();
  const auto parsed = parse_snapshot(encode_snapshot(snapshot).value(), kWhat);
  ASSERT_TRUE(parsed) << parsed.error().text();
  expect_same(snapshot, *parsed);
}

TEST(Snapshot, StoresEqualPagesOnce) {
  std::mt19937 random(1);
  Snapshot once;
  once.image.ram_bytes = 1 * kMiB;
  std::vector<u8> page(isa::PAGE_BYTES);
  for (u8& byte : page) byte = static_cast<u8>(random());  // does not compress
  once.image.pieces.push_back({isa::RAM_BASE, page});
  Snapshot often = once;
  for (u32 i = 1; i < 100; ++i)
    often.image.pieces.push_back({isa::RAM_BASE + i * isa::PAGE_BYTES, page});
  const std::size_t small = encode_snapshot(once)->size();
  EXPECT_GT(small, isa::PAGE_BYTES);
  EXPECT_LT(encode_snapshot(often)->size(), small + 1000);
}

TEST(Snapshot, EveryChangedByteIsNoticed) {
  const std::vector<u8> bytes = encode_snapshot(some_snapshot()).value();
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const u8 flip : {0x01, 0x80}) {
      std::vector<u8> changed = bytes;
      changed[at] ^= flip;
      const auto parsed = parse_snapshot(changed, kWhat);
      ASSERT_FALSE(parsed) << "byte " << at;
      EXPECT_EQ(parsed.error().kind, ErrorKind::image);
      EXPECT_THAT(parsed.error().message, HasSubstr("test.rook"));
    }
  }
}

TEST(Snapshot, EveryCutIsNoticed) {
  const std::vector<u8> bytes = encode_snapshot(some_snapshot()).value();
  for (std::size_t size = 0; size < bytes.size(); ++size)
    ASSERT_FALSE(parse_snapshot(std::span(bytes).first(size), kWhat)) << size;
  std::vector<u8> longer = bytes;
  longer.push_back(0);
  const auto parsed = parse_snapshot(longer, kWhat);
  ASSERT_FALSE(parsed);
  EXPECT_THAT(parsed.error().message, HasSubstr("something comes behind its end"));
}

TEST(Snapshot, OtherVersionsAreRefusedByNumber) {
  std::vector<u8> bytes = encode_snapshot(some_snapshot()).value();
  bytes[8] = 9;
  const auto parsed = parse_snapshot(bytes, kWhat);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().message,
            "The snapshot \"test.rook\" has format version 9; this program reads version 1.");
}

// States that no machine has, well packed.
TEST(Snapshot, ImpossibleStatesAreRefused) {
  const auto refused = [](auto&& change) {
    Snapshot snapshot = some_snapshot();
    change(std::get<isa::State<u32>>(snapshot.now->state));
    const auto parsed = parse_snapshot(encode_snapshot(snapshot).value(), kWhat);
    return parsed ? std::string() : parsed.error().message;
  };
  EXPECT_THAT(refused([](auto& s) { s.machine.ram_bytes = 2 * kMiB; }),
              HasSubstr("RAM of 2097152"));
  EXPECT_THAT(refused([](auto& s) { s.machine.run_state = 77; }), HasSubstr("exit 77"));
  EXPECT_THAT(refused([](auto& s) { s.hart.privilege = 2; }), HasSubstr("privilege level 2"));
  EXPECT_THAT(refused([](auto& s) { s.hart.tlb_page[5] = 0x80000ffc; }), HasSubstr("TLB"));
}

// --- Machines ---

Result<std::unique_ptr<Engine>> make_engine() { return create_cpu_engine({.ram_bytes = 1 * kMiB}); }

// Taken at many places of a run with keys and timers, through the bytes, and continued: the same
// end.
TEST(Snapshot, AMachineGoesOnWhereItWas) {
  EventList journal;
  Trial recorded;
  recorded.program = ticking_echo_program(1000);
  recorded.options.input = InputMode::piped;
  recorded.options.max_instructions = 100'000;
  recorded.options.journal = &journal;
  recorded.host.typed = {{"one\ntwo\n", false}, {"", true}};
  ASSERT_TRUE(recorded.run());
  const u64 all = recorded.machine->instructions();
  const u64 hash = recorded.machine->engine().state_hash(0).value();
  const Recording recording{{}, journal.events, ""};

  for (u64 count = 0; count < all; count += all / 40 + 1) {
    Trial first;
    first.program = recorded.program;
    first.options.replay = &recording;
    first.options.max_instructions = count;
    ASSERT_TRUE(first.run());
    const Snapshot taken = first.machine->snapshot().value();
    EXPECT_EQ(taken.instructions, count);
    Snapshot snapshot = parse_snapshot(encode_snapshot(taken).value(), kWhat).value();

    Recording rest = recording;
    std::erase_if(rest.events, [&](const OutsideEvent& event) { return event.icount < count; });
    RunOptions options;
    options.replay = &rest;
    ScriptedHost host;
    auto machine = Machine::resume(std::move(snapshot), make_engine, options, host);
    ASSERT_TRUE(machine) << machine.error().text();
    EXPECT_EQ((*machine)->engine().state_hash(0).value(),
              first.machine->engine().state_hash(0).value());
    const auto end = (*machine)->run();
    ASSERT_TRUE(end) << end.error().text();
    EXPECT_EQ((*machine)->instructions(), all) << count;
    EXPECT_EQ((*machine)->engine().state_hash(0).value(), hash) << count;
    EXPECT_EQ(first.host.printed + host.printed, recorded.host.printed) << count;
  }
}

TEST(Snapshot, OneThatSleepsSleepsOn) {
  Trial trial;
  trial.program = timer_program(10'000'000);
  trial.options.input = InputMode::terminal;
  trial.host.typed.assign(1000, TypedInput{});
  ASSERT_TRUE(trial.start());
  while (!trial.machine->is_asleep()) ASSERT_TRUE(trial.machine->turn());
  ScriptedHost host;
  host.typed.assign(1000, TypedInput{});
  auto machine =
      Machine::resume(trial.machine->snapshot().value(), make_engine, trial.options, host);
  ASSERT_TRUE(machine) << machine.error().text();
  EXPECT_TRUE((*machine)->is_asleep());
  const auto end = (*machine)->run();
  ASSERT_TRUE(end) << end.error().text();
  EXPECT_EQ(end->reason, EndReason::shutdown);
  EXPECT_GT(host.slept_us, 0u);
}

// A reboot leads to the image, not to the snapshot.
TEST(Snapshot, ARebootBeginsAnew) {
  Trial trial;
  trial.program.print('a').print('b').write_word(kTest, 0x7777).end(9);
  trial.options.max_instructions = 5;
  ASSERT_TRUE(trial.run());
  EXPECT_EQ(trial.host.printed, "a");
  ScriptedHost host;
  RunOptions options;
  options.max_instructions = 40;
  auto machine = Machine::resume(trial.machine->snapshot().value(), make_engine, options, host);
  ASSERT_TRUE(machine);
  ASSERT_TRUE((*machine)->run());
  EXPECT_EQ(host.printed.substr(0, 3), "bab");
}

TEST(Snapshot, GarbageIsRefused) {
  std::mt19937 random(7);
  const std::vector<u8> good = encode_snapshot(some_snapshot()).value();
  for (u32 i = 0; i < 2000; ++i) {
    std::vector<u8> bytes(good.begin(), good.begin() + 16);
    bytes.resize(16 + random() % 500);
    for (std::size_t at = 16; at < bytes.size(); ++at) bytes[at] = static_cast<u8>(random());
    EXPECT_FALSE(parse_snapshot(bytes, kWhat));
  }
}

}  // namespace
}  // namespace rookery::test
