// SPDX-License-Identifier: Apache-2.0
// The format of recordings: what is written is read, and bytes that are cut, changed or made up are
// told from it.
#include "machine/recording.h"

#include <bit>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "machine/machine_identity.h"

namespace rookery {
namespace {

using ::testing::HasSubstr;

RecordedMachine some_machine() {
  RecordedMachine machine;
  machine.xlen_bits = 32;
  machine.ram_bytes = 64 * kMiB;
  machine.append = "console=ttyS0";
  machine.bios = "none";
  machine.kernel = {"/images/Image", 12'345'678, 0x0123456789abcdef};
  machine.initrd = {"/images/root.cpio", 1, 2};
  machine.device_tree = {"", 3000, 0xfedcba9876543210};
  machine.start_xxh3 = ~u64{0};
  machine.program = "rookery 0.1.0";
  machine.engine = "CPU";
  return machine;
}

std::vector<OutsideEvent> some_events() {
  return {
      {0, Typed{"a"}},
      {100, TimeSkipped{u64{1} << 40}},
      {100, Typed{std::string("\0\xff\n", 3)}},
      {1'000'000'000'000, StateHash{0xdeadbeef12345678}},
      {1'000'000'000'000, Rebooted{}},
      {7, Reached{}},
      {300, StateHash{0}},
      {300, Ended{EndReason::shutdown, 0xffffffff, true}},
  };
}

std::vector<u8> bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

std::vector<u8> encoded(const std::vector<OutsideEvent>& events) {
  RecordingEncoder encoder(some_machine());
  for (const OutsideEvent& event : events) encoder.add(event);
  return bytes_of(encoder.take());
}

TEST(Recordings, AreReadAsTheyWereWritten) {
  const auto recording = parse_recording(encoded(some_events()));
  ASSERT_TRUE(recording) << recording.error().text();
  EXPECT_EQ(recording->machine, some_machine());
  EXPECT_EQ(recording->events, some_events());
  EXPECT_EQ(recording->cut, "");

  RecordedMachine resumed = some_machine();
  resumed.snapshot = {"/snapshots/booted.rook", {0x0123456789abcdef, 1}};
  const auto from_snapshot = parse_recording(bytes_of(RecordingEncoder(resumed).take()));
  ASSERT_TRUE(from_snapshot) << from_snapshot.error().text();
  EXPECT_EQ(from_snapshot->machine, resumed);
}

TEST(Recordings, MayBeTakenInPieces) {
  RecordingEncoder encoder(some_machine());
  std::string bytes = encoder.take();
  for (const OutsideEvent& event : some_events()) {
    encoder.add(event);
    bytes += encoder.take();
  }
  EXPECT_EQ(bytes_of(bytes), encoded(some_events()));
}

// Golden: a change of the format is a new version.
TEST(Recordings, HaveTheirDocumentedBytes) {
  const std::vector<u8> bytes = encoded({{300, Typed{"hi"}}});
  const std::string text(bytes.begin(), bytes.end());
  EXPECT_EQ(text.substr(0, 12), std::string("\x8bRKREC\r\n\x02\0\0\0", 12));
  const std::string record = text.substr(text.size() - 12);
  EXPECT_EQ(record.substr(0, 8), std::string("\x02\x04\0\x5c\xac\x02hi", 8));
}

TEST(Recordings, BrokenOffAnywhereAreReadUpToThere) {
  const std::vector<u8> whole = encoded(some_events());
  const std::size_t header = encoded({}).size();
  std::size_t most = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto recording = parse_recording(std::span(whole).first(size));
    if (size < header) {
      ASSERT_FALSE(recording) << size;
      EXPECT_EQ(recording.error().kind, ErrorKind::image);
      continue;
    }
    ASSERT_TRUE(recording) << size << recording.error().text();
    EXPECT_THAT(recording->cut, HasSubstr(fmt::format("breaks off at byte {}, ", size)));
    const auto& events = recording->events;
    ASSERT_LT(events.size(), some_events().size());
    EXPECT_GE(events.size(), most);
    most = events.size();
    for (std::size_t i = 0; i < most; ++i) EXPECT_EQ(events[i], some_events()[i]);
  }
  EXPECT_EQ(most, some_events().size() - 1);
}

TEST(Recordings, EveryChangedByteIsNoticed) {
  const std::vector<u8> whole = encoded(some_events());
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (u32 flip = 1; flip < 256; ++flip) {
      std::vector<u8> bytes = whole;
      bytes[at] ^= static_cast<u8>(flip);
      const auto recording = parse_recording(bytes);
      ASSERT_FALSE(recording) << "byte " << at << " xor " << flip;
      EXPECT_EQ(recording.error().kind, ErrorKind::image);
      EXPECT_THAT(recording.error().text(),
                  testing::AnyOf(HasSubstr("is damaged at byte "), HasSubstr("no recording of"),
                                 HasSubstr("has format version")));
    }
  }
}

TEST(Recordings, ARecordElsewhereIsNoticed) {
  const std::vector<u8> whole = encoded({{5, Reached{}}, {5, Reached{}}, {5, Reached{}}});
  const std::size_t header = encoded({}).size();
  const std::size_t record = encoded({{5, Reached{}}}).size() - header;
  std::vector<u8> bytes = whole;  // without the first of three
  bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(header),
              bytes.begin() + static_cast<std::ptrdiff_t>(header + record));
  const auto recording = parse_recording(bytes);
  ASSERT_FALSE(recording);
  EXPECT_THAT(recording.error().text(),
              HasSubstr(fmt::format("The recording is damaged at byte {}: the record of", header)));
}

TEST(Recordings, NothingFollowsTheEnd) {
  std::vector<u8> bytes = encoded(some_events());
  const std::size_t size = bytes.size();
  bytes.push_back(0);
  EXPECT_THAT(parse_recording(bytes).error().text(),
              HasSubstr(fmt::format("damaged at byte {}: 1 bytes follow", size)));
}

// As version 1's encoder wrote it, of tests/bare's uart.
TEST(Recordings, OfVersion1AreRead) {
  const auto bytes = read_file(ROOKERY_SOURCE_DIR "/tests/machine/data/recording_version1.rec",
                               "recording", 1 * kMiB);
  ASSERT_TRUE(bytes && (*bytes)[8] == 1);
  const auto recording = parse_recording(*bytes);
  ASSERT_TRUE(recording) << recording.error().text();
  EXPECT_EQ(recording->machine.bare.path, "/tmp/uart.elf");
  EXPECT_EQ(recording->machine.ram_bytes, 1 * kMiB);
  EXPECT_FALSE(recording->machine.snapshot);
  ASSERT_FALSE(recording->events.empty());
  EXPECT_TRUE(std::holds_alternative<Ended>(recording->events.back().what));
}

TEST(Recordings, OfAnotherVersionAreRefused) {
  std::vector<u8> bytes = encoded(some_events());
  bytes[8] = 3;
  EXPECT_EQ(parse_recording(bytes).error().text(),
            "The recording has format version 3; this program reads versions 1 to 2.");
}

TEST(Recordings, OtherFilesAreRefused) {
  for (const std::string& text : {std::string(), std::string("hello"), std::string(1000, '\0')}) {
    EXPECT_THAT(parse_recording(bytes_of(text)).error().text(),
                HasSubstr(fmt::format("no recording of Rookery's: {} bytes", text.size())));
  }
}

// Checksums do not make values sane.
TEST(Recordings, SoundRecordsWithoutSenseAreRefused) {
  const auto reason = std::bit_cast<EndReason>(u8{200});
  for (const std::vector<OutsideEvent>& events : std::vector<std::vector<OutsideEvent>>{
           {{0, Typed{""}}},
           {{~u64{0}, Reached{}}},
           {{u64{1} << 61, Reached{}}, {u64{5} << 60, Reached{}}},
           {{0, TimeSkipped{~u64{0}}}},
           {{0, Ended{reason, 0, false}}},
           {{0, Ended{EndReason::recording_stops, 0, false}}},
       }) {
    const auto recording = parse_recording(encoded(events));
    ASSERT_FALSE(recording);
    EXPECT_THAT(recording.error().text(), HasSubstr("makes no sense there"));
  }
}

// --- Whose recording it is ---

TEST(RecordedMachines, WhatDiffersIsNamed) {
  struct Case {
    void (*change)(RecordedMachine&);
    const char* sentence;
  };
  const Case cases[] = {
      {[](RecordedMachine& m) { m.xlen_bits = 64; }, "its width was RV32, and here it is RV64."},
      {[](RecordedMachine& m) { m.ram_bytes = 32 * kMiB; },
       "its RAM was 64 MiB, and here it is 32 MiB."},
      {[](RecordedMachine& m) { m.kernel.xxh3 = 1; },
       "its kernel was 12345678 bytes, XXH3 0123456789abcdef, from \"/images/Image\", and here it "
       "is 12345678 bytes, XXH3 0000000000000001, from \"/images/Image\"."},
      {[](RecordedMachine& m) { m.initrd = {}; }, "and here it is none."},
      {[](RecordedMachine& m) {
         m.bare = {"x", 1, 1};
       },
       "its bare program was none, and here"},
      {[](RecordedMachine& m) {
         m.firmware = {"x", 1, 1};
       },
       "its firmware was none"},
      {[](RecordedMachine& m) { m.bios = ""; }, "its --bios was \"none\", and here it is \"\"."},
      {[](RecordedMachine& m) { m.append = "quiet"; },
       "its kernel command line was \"console=ttyS0\", and here it is \"quiet\"."},
      {[](RecordedMachine& m) { m.device_tree.bytes = 1; }, "its device tree was 3000 bytes"},
      {[](RecordedMachine& m) { m.start_xxh3 = 1; }, "its first state was ffffffffffffffff (by "},
  };
  for (const Case& one : cases) {
    RecordedMachine present = some_machine();
    one.change(present);
    const auto same = check_same_machine(some_machine(), present);
    ASSERT_FALSE(same) << one.sentence;
    EXPECT_EQ(same.error().kind, ErrorKind::image);
    EXPECT_THAT(same.error().text(), HasSubstr(one.sentence));
  }
  RecordedMachine elsewhere = some_machine();
  elsewhere.kernel.path = "/other/Image";
  elsewhere.engine = "GPU";
  elsewhere.program = "rookery 9";
  EXPECT_TRUE(check_same_machine(some_machine(), elsewhere));
}

}  // namespace
}  // namespace rookery
