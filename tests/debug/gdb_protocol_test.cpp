// SPDX-License-Identifier: Apache-2.0
// Packets of GDB's remote protocol, right ones and hostile ones.
#include "debug/gdb_protocol.h"

#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rookery::debug {
namespace {

using ::testing::ElementsAre;
using Kind = GdbEvent::Kind;

std::vector<std::string> read_all(GdbPacketReader& reader) {
  std::vector<std::string> events;
  while (const auto event = reader.next()) {
    switch (event->kind) {
      case Kind::packet:
        events.push_back(event->payload);
        break;
      case Kind::damaged:
        events.push_back("damaged");
        break;
      case Kind::interrupt:
        events.push_back("interrupt");
        break;
      case Kind::resend:
        events.push_back("resend");
        break;
    }
  }
  return events;
}

std::vector<std::string> events_of(std::string_view bytes) {
  GdbPacketReader reader;
  reader.feed(bytes);
  return read_all(reader);
}

TEST(GdbPacket, IsFramedAndEscaped) {
  EXPECT_EQ(make_gdb_packet("OK"), "$OK#9a");
  EXPECT_EQ(make_gdb_packet(""), "$#00");
  EXPECT_EQ(make_gdb_packet("a#$}*b").substr(0, 11),
            "$a}\x03}\x04}\x5d}\x0a"
            "b");
}

TEST(GdbPacket, IsReadBackAsItWas) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  EXPECT_THAT(events_of(make_gdb_packet(all)), ElementsAre(all));
}

TEST(GdbPacketReader, TakesWhatComesInAnyPieces) {
  const std::string bytes = "++$g#67-\x03$qC#b4+";
  GdbPacketReader reader;
  std::vector<std::string> events;
  for (const char byte : bytes) {
    reader.feed({&byte, 1});
    for (std::string& event : read_all(reader)) events.push_back(std::move(event));
  }
  EXPECT_THAT(events, ElementsAre("g", "resend", "interrupt", "qC"));
  EXPECT_EQ(events_of(bytes), events);
}

TEST(GdbPacketReader, TakesChecksumsOfEitherCase) {
  EXPECT_THAT(events_of("$OK#9A$OK#9a"), ElementsAre("OK", "OK"));
}

TEST(GdbPacketReader, SaysWhatIsDamaged) {
  EXPECT_THAT(events_of("$g#68$g#zz$g#6$g#67"), ElementsAre("damaged", "damaged", "damaged"));
  EXPECT_THAT(events_of("$g#68$g#67"), ElementsAre("damaged", "g"));
}

TEST(GdbPacketReader, PassesOverGarbageBetweenPackets) {
  EXPECT_THAT(events_of(std::string_view("GET / HTTP/1.1\r\n\r\n\0\xff$g#67", 25)),
              ElementsAre("g"));
}

TEST(GdbPacketReader, StartsAgainAtANewPacket) {
  EXPECT_THAT(events_of("$abc$g#67"), ElementsAre("g"));
}

TEST(GdbPacketReader, DataIsNoInterrupt) {
  EXPECT_THAT(events_of(make_gdb_packet("X0,1:\x03")), ElementsAre("X0,1:\x03"));
}

TEST(GdbPacketReader, LimitsThePacketAndGoesOnBehindIt) {
  const std::string longest(kMaxPacketBytes, 'a');
  EXPECT_THAT(events_of(make_gdb_packet(longest)), ElementsAre(longest));
  EXPECT_THAT(events_of(make_gdb_packet(longest + "a") + "$g#67"), ElementsAre("damaged", "g"));
  EXPECT_THAT(events_of("$" + std::string(10 * kMaxPacketBytes, 'a') + "#00$g#67"),
              ElementsAre("damaged", "g"));
}

TEST(GdbPacketReader, SurvivesAnyBytes) {
  std::mt19937 random(1);
  // Bytes that mean something are frequent.
  constexpr std::string_view kFrequent =
      "$#}*+-\x03"
      "09afg:,;";
  for (int round = 0; round < 200; ++round) {
    GdbPacketReader reader;
    for (int piece = 0; piece < 50; ++piece) {
      std::string bytes(random() % 200, '\0');
      for (char& byte : bytes) {
        byte = random() % 2 == 0 ? kFrequent[random() % kFrequent.size()]
                                 : static_cast<char>(random());
      }
      reader.feed(bytes);
      for (const std::string& event : read_all(reader)) EXPECT_LE(event.size(), kMaxPacketBytes);
    }
    reader.feed("#00$g#67");
    const auto events = read_all(reader);
    ASSERT_FALSE(events.empty());
    EXPECT_EQ(events.back(), "g");
  }
}

TEST(Hex, GoesBothWays) {
  EXPECT_EQ(to_hex(std::string_view("\x00\x7f\xff", 3)), "007fff");
  EXPECT_EQ(from_hex("007FfF"), std::string("\x00\x7f\xff", 3));
  EXPECT_EQ(from_hex(""), "");
  EXPECT_EQ(from_hex("0"), std::nullopt);
  EXPECT_EQ(from_hex("0g"), std::nullopt);
}

TEST(PacketText, TakesNumbersAndNames) {
  PacketText text("m80000000,4:rest");
  EXPECT_FALSE(text.take("x"));
  EXPECT_TRUE(text.take("m"));
  EXPECT_EQ(text.take_number(), 0x80000000u);
  EXPECT_EQ(text.take_number(), std::nullopt);
  EXPECT_TRUE(text.take(","));
  EXPECT_EQ(text.take_until(':'), "4");
  EXPECT_EQ(text.take_until(':'), "rest");
  EXPECT_TRUE(text.at_end());
  EXPECT_EQ(text.take_until(':'), "");
  EXPECT_EQ(PacketText("ffffffffffffffff").take_number(), ~u64{0});
  EXPECT_EQ(PacketText("10000000000000000").take_number(), std::nullopt);
  EXPECT_EQ(PacketText("-1").take_number(), std::nullopt);
  EXPECT_EQ(PacketText("0x1").take_number(), 0u);
}

}  // namespace
}  // namespace rookery::debug
