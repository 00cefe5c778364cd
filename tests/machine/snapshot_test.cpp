// SPDX-License-Identifier: Apache-2.0
// Snapshots as bytes: what goes in comes out, equal pages are stored once, and no change of the
// bytes goes unnoticed.
#include "machine/snapshot.h"

#include <cstring>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "machine/snapshot_sections.h"
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
  snapshot.pending = {std::string("rest of a line\n\0\x04", 17), true};
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
  EXPECT_EQ(a.pending.typed, b.pending.typed);
  EXPECT_EQ(a.pending.line_is_open, b.pending.line_is_open);
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
            "The snapshot \"test.rook\" has format version 9; this program reads versions 1 to 2.");
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

// --- Parents ---

// Snapshots by their identities, as files are by their names.
class Shelf {
 public:
  // A parsed snapshot, whose bytes stay here.
  Snapshot put(const std::vector<u8>& bytes) {
    files_.push_back(bytes);
    auto parsed = parse_snapshot(bytes, kWhat, finder());
    EXPECT_TRUE(parsed) << parsed.error().text();
    return parsed ? *std::move(parsed) : Snapshot();
  }
  FindParent finder() {
    return [this](const SnapshotParent& wanted, const std::string&) -> Result<FoundSnapshot> {
      for (const std::vector<u8>& file : files_) {
        if (snapshot_id(file) == wanted.id)
          return FoundSnapshot{file, "snapshot \"" + wanted.path + "\""};
      }
      return fail(ErrorKind::io, "There is no \"{}\".", wanted.path);
    };
  }

 private:
  std::vector<std::vector<u8>> files_;
};

// The machine a little later: one page of now is zeros, one is new, one changed.
Snapshot later_snapshot() {
  Snapshot later = some_snapshot();
  std::vector<u8> ram = ram_of(*later.now, later.image.ram_bytes);
  std::fill_n(ram.begin() + 0x80000, 4096, 0);
  ram[0x90000] = 9;
  ram[10] ^= 1;
  later.now->numbers.clear();
  later.now->bytes.clear();
  for (u32 number = 0; number < ram.size() / isa::PAGE_BYTES; ++number) {
    const auto page = ram.begin() + i64{number} * isa::PAGE_BYTES;
    if (std::all_of(page, page + isa::PAGE_BYTES, [](u8 byte) { return byte == 0; })) continue;
    later.now->numbers.push_back(number);
    later.now->bytes.insert(later.now->bytes.end(), page, page + isa::PAGE_BYTES);
  }
  later.image.pieces.pop_back();  // a page of the image is zeros too
  later.instructions += 100;
  return later;
}

TEST(DifferentialSnapshot, ComesBack) {
  Shelf shelf;
  const Snapshot base = shelf.put(encode_snapshot(some_snapshot()).value());
  const Snapshot later = later_snapshot();
  const SnapshotBase from{base, "../base.rook"};
  const std::vector<u8> bytes = encode_snapshot(later, &from).value();
  const Snapshot parsed = shelf.put(bytes);
  expect_same(later, parsed);
  ASSERT_EQ(parsed.source.parents.size(), 1u);
  EXPECT_EQ(parsed.source.parents[0].id, base.source.id);
  EXPECT_EQ(parsed.source.parents[0].path, "../base.rook");
  EXPECT_EQ(parsed.source.own_pages, 2u);
  EXPECT_LT(bytes.size(), encode_snapshot(later)->size());
}

TEST(DifferentialSnapshot, ThatDiffersInNothingHoldsNoPage) {
  Shelf shelf;
  const Snapshot base = shelf.put(encode_snapshot(some_snapshot()).value());
  const SnapshotBase from{base, ""};
  const Snapshot parsed = shelf.put(encode_snapshot(some_snapshot(), &from).value());
  expect_same(some_snapshot(), parsed);
  EXPECT_EQ(parsed.source.own_pages, 0u);
}

// Where its parent has not run, a machine's RAM differs from the image.
TEST(DifferentialSnapshot, OfOneThatHasNotRun) {
  Shelf shelf;
  Snapshot packed;
  packed.image = some_image();
  const Snapshot base = shelf.put(encode_snapshot(packed).value());
  const SnapshotBase from{base, "packed.rook"};
  const Snapshot parsed = shelf.put(encode_snapshot(some_snapshot(), &from).value());
  expect_same(some_snapshot(), parsed);
  EXPECT_EQ(parsed.source.own_pages, 2u);
}

TEST(DifferentialSnapshot, ChainsEndAtTheLimit) {
  Shelf shelf;
  Snapshot last = shelf.put(encode_snapshot(some_snapshot()).value());
  for (u64 parents = 1; parents <= kMaxSnapshotParents; ++parents) {
    Snapshot next = last;
    next.now->bytes[0] = static_cast<u8>(parents);
    const SnapshotBase from{last, "last.rook"};
    const Snapshot parsed = shelf.put(encode_snapshot(next, &from).value());
    expect_same(next, parsed);
    EXPECT_EQ(parsed.source.parents.size(), parents);
    EXPECT_EQ(parsed.source.own_pages, 1u);
    last = parsed;
  }
  const SnapshotBase from{last, "last.rook"};
  const auto refused = encode_snapshot(last, &from);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::usage);
  EXPECT_THAT(refused.error().message, HasSubstr("The parent has 16 snapshots above it already"));

  // One whose writer kept to no limit.
  last.source.parents.clear();
  const auto parsed = parse_snapshot(encode_snapshot(last, &from).value(), kWhat, shelf.finder());
  ASSERT_FALSE(parsed);
  EXPECT_THAT(parsed.error().message, HasSubstr("has more than 16 snapshots above it"));
}

TEST(DifferentialSnapshot, WrongParentsAreRefused) {
  Shelf shelf;
  const std::vector<u8> base_bytes = encode_snapshot(some_snapshot()).value();
  const Snapshot base = shelf.put(base_bytes);
  const SnapshotBase from{base, "base.rook"};
  const std::vector<u8> bytes = encode_snapshot(later_snapshot(), &from).value();
  const auto refused = [&](const FindParent& find_parent) {
    const auto parsed = parse_snapshot(bytes, kWhat, find_parent);
    return parsed ? std::string() : parsed.error().message;
  };
  EXPECT_EQ(refused(nullptr),
            "The snapshot \"test.rook\" holds only what differs from its parent, snapshot " +
                base.source.id.text() + ", and there is none.");
  const auto other = [&](const SnapshotParent&, const std::string& child) {
    EXPECT_EQ(child, kWhat);
    return Result<FoundSnapshot>(FoundSnapshot{bytes, "snapshot \"other.rook\""});
  };
  EXPECT_THAT(refused(other), HasSubstr("The snapshot \"other.rook\" is not the parent of"));
  EXPECT_EQ(refused(Shelf().finder()), "There is no \"base.rook\".");

  Snapshot larger = some_snapshot();
  larger.image.ram_bytes = 2 * kMiB;
  const auto unequal = encode_snapshot(larger, &from);
  ASSERT_FALSE(unequal);
  EXPECT_EQ(unequal.error().message,
            "The parent is RV32 with 1 MiB of RAM, but the machine is RV32 with 2 MiB of RAM.");
}

TEST(DifferentialSnapshot, EveryChangedByteIsNoticed) {
  Shelf shelf;
  const Snapshot base = shelf.put(encode_snapshot(some_snapshot()).value());
  const SnapshotBase from{base, "base.rook"};
  const std::vector<u8> bytes = encode_snapshot(later_snapshot(), &from).value();
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::vector<u8> changed = bytes;
    changed[at] ^= 0x10;
    ASSERT_FALSE(parse_snapshot(changed, kWhat, shelf.finder())) << "byte " << at;
  }
}

// --- Version 1 ---

// Files that the first encoder wrote, of tests/bare's uart: one that has not run, and one after 200
// instructions. The second can be read for as long as isa/state.def stays as it was.
TEST(SnapshotVersion1, IsRead) {
  const auto read = [](const std::string& name) {
    const std::string path = std::string(ROOKERY_SOURCE_DIR "/tests/machine/data/") + name;
    return parse_snapshot(read_file(path, "snapshot", 1 * kMiB).value(), kWhat);
  };
  auto packed = read("snapshot_version1_packed.rook");
  ASSERT_TRUE(packed) << packed.error().text();
  EXPECT_EQ(packed->source.version, 1u);
  EXPECT_FALSE(packed->now);
  EXPECT_EQ(packed->image.ram_bytes, 1 * kMiB);
  EXPECT_EQ(packed->image.layout.mode, BootMode::bare);

  const auto make_small_engine = [] { return create_cpu_engine({.ram_bytes = 1 * kMiB}); };
  const auto rest_of = [&](Snapshot snapshot) {
    ScriptedHost host;
    RunOptions options;
    options.max_instructions = 100'000;
    auto machine = Machine::resume(std::move(snapshot), make_small_engine, options, host);
    const auto end = machine ? (*machine)->run() : std::unexpected(machine.error());
    EXPECT_TRUE(end && end->reason == EndReason::shutdown && end->status == 0);
    return host.printed;
  };
  EXPECT_EQ(rest_of(*std::move(packed)), "uart ok\n");

  auto has_run = read("snapshot_version1.rook");
  if (!has_run) {
    EXPECT_THAT(has_run.error().message, HasSubstr("state is that of another version of Rookery"));
    GTEST_SKIP() << "The machine's state has other fields by now.";
  }
  EXPECT_EQ(has_run->instructions, 200u);
  EXPECT_EQ(has_run->pending.typed, "");
  EXPECT_EQ(rest_of(*std::move(has_run)), " ok\n");
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

// Typed while the guest does not look, far more than the UART holds: in the snapshot, and typed
// first when it goes on.
TEST(Snapshot, WhatWasTypedIsNotLost) {
  std::string line;
  for (u32 i = 0; i < 300; ++i) line += static_cast<char>('a' + i % 26);
  Trial trial;
  trial.program = echo_program(">");
  trial.options.input = InputMode::terminal;
  trial.options.max_instructions = 5;  // the UART's FIFOs are on
  trial.host.typed = {{"", false}, {line, false}};
  ASSERT_TRUE(trial.run());
  trial.machine->set_max_instructions(6);
  ASSERT_TRUE(trial.machine->run());
  const Snapshot taken = trial.machine->snapshot().value();
  EXPECT_EQ(taken.pending.typed, line.substr(16));

  const auto resumed = [](Snapshot snapshot, InputMode mode, std::vector<TypedInput> typed) {
    ScriptedHost host;
    host.typed = std::move(typed);
    RunOptions options;
    options.input = mode;
    options.max_instructions = 100'000;
    auto machine = Machine::resume(std::move(snapshot), make_engine, options, host);
    EXPECT_TRUE(machine && (*machine)->run());
    return host.printed;
  };
  const auto through_bytes = [](const Snapshot& snapshot) {
    return parse_snapshot(encode_snapshot(snapshot).value(), kWhat).value();
  };
  EXPECT_EQ(resumed(through_bytes(taken), InputMode::terminal, {{"!\x04", false}}),
            ">" + line + "!");
  EXPECT_EQ(resumed(through_bytes(taken), InputMode::piped, {{"!", true}}), ">" + line + "!\n");

  // Nobody types: what waits is still there for the next one.
  ScriptedHost host;
  auto machine = Machine::resume(through_bytes(taken), make_engine, {.max_instructions = 50}, host);
  ASSERT_TRUE(machine && (*machine)->run());
  EXPECT_EQ((*machine)->snapshot()->pending.typed, line.substr(16));
}

// Piped lines go in where they would have, wherever the snapshot is taken: the same output at the
// same counts.
TEST(Snapshot, PipedLinesGoOnInTheirMiddle) {
  const std::string lines = std::string(50, 'x') + "\n" + std::string(40, 'y') + "\nz\n";
  Trial whole;
  whole.program = echo_program(">");
  whole.options.input = InputMode::piped;
  whole.host.typed = {{lines, true}};
  ASSERT_TRUE(whole.run());
  EXPECT_EQ(whole.host.printed, ">" + lines);
  const u64 all = whole.machine->instructions();
  u32 taken_in_a_line = 0;
  for (u64 count = 1; count < all; count += 7) {
    Trial first;
    first.program = whole.program;
    first.options.input = InputMode::piped;
    first.options.max_instructions = count;
    first.host.typed = {{lines, true}};
    ASSERT_TRUE(first.run());
    const Snapshot taken = first.machine->snapshot().value();
    taken_in_a_line += taken.pending.line_is_open ? 1 : 0;
    ScriptedHost host;
    host.typed = std::move(first.host.typed);  // what was not read yet
    RunOptions options = whole.options;
    auto machine = Machine::resume(parse_snapshot(encode_snapshot(taken).value(), kWhat).value(),
                                   make_engine, options, host);
    ASSERT_TRUE(machine && (*machine)->run());
    EXPECT_EQ(first.host.printed + host.printed, whole.host.printed) << count;
    EXPECT_EQ((*machine)->instructions(), all) << count;
  }
  EXPECT_GT(taken_in_a_line, 10u);
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
