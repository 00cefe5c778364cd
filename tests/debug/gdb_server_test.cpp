// SPDX-License-Identifier: Apache-2.0
// The stub's answers, packet by packet, and what hostile clients get out of it. Real gdb sessions
// are tests/cli/gdb_test.py.
#include "debug/gdb_server.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "debug/bare_machine.h"

namespace rookery::debug {
namespace {

using test::BareMachine;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr u32 a0 = 10;
constexpr u32 a1 = 11;
constexpr u32 kData = test::kCodePa + 0x1000;

// A client without acknowledgements, on a machine of a few instructions.
class Session {
 public:
  explicit Session(std::initializer_list<u32> code, Xlen xlen = Xlen::rv32)
      : machine(xlen, code), target(machine), server(target) {
    send("QStartNoAckMode");
    take_output();
  }

  std::string take_output() {
    const std::string output = server.output();
    server.sent(output.size());
    return output;
  }

  void send(std::string_view payload) { EXPECT_TRUE(server.receive(make_gdb_packet(payload))); }

  // The payloads that come back at once, joined by a blank.
  std::string ask(std::string_view payload) {
    send(payload);
    return payloads();
  }

  // Lets the machine run until gdb hears something.
  std::string wait() {
    for (int turns = 0; turns < 1000 && server.output().empty(); ++turns) {
      EXPECT_TRUE(server.turn());
    }
    return payloads();
  }

  std::string resume(std::string_view payload) {
    EXPECT_EQ(ask(payload), "");
    return wait();
  }

  std::string payloads() {
    GdbPacketReader reader;
    reader.feed(take_output());
    std::string all;
    while (const auto event = reader.next()) all += (all.empty() ? "" : " ") + event->payload;
    return all;
  }

  BareMachine machine;
  DebugTarget target;
  GdbServer server;
};

TEST(GdbServer, HoldsTheMachineAtFirst) {
  Session session({test::kLoopForever});
  EXPECT_TRUE(session.server.holds());
  EXPECT_EQ(session.ask("?"), "T05thread:1;");
  EXPECT_EQ(session.machine.runs, 0u);
}

TEST(GdbServer, AcknowledgesUntilToldNotTo) {
  BareMachine machine(Xlen::rv32, {test::kLoopForever});
  DebugTarget target(machine);
  GdbServer server(target);
  ASSERT_TRUE(server.receive("$qC#b4"));
  EXPECT_EQ(server.output(), "+$QC1#c5");
  server.sent(server.output().size());
  ASSERT_TRUE(server.receive("-"));
  EXPECT_EQ(server.output(), "$QC1#c5");
  server.sent(server.output().size());
  ASSERT_TRUE(server.receive("$qC#b5"));
  EXPECT_EQ(server.output(), "-");
  server.sent(1);
  ASSERT_TRUE(server.receive("$QStartNoAckMode#b0"));
  EXPECT_EQ(server.output(), "+$OK#9a");
  server.sent(server.output().size());
  ASSERT_TRUE(server.receive("$qC#b4-"));
  EXPECT_EQ(server.output(), "$QC1#c5");
}

TEST(GdbServer, SaysWhatItCan) {
  Session session({test::kLoopForever});
  const std::string features = session.ask("qSupported:multiprocess+;swbreak+");
  EXPECT_THAT(features, HasSubstr("PacketSize=4000;"));
  EXPECT_THAT(features, HasSubstr("qXfer:features:read+"));
  EXPECT_EQ(features.find("Reverse"), std::string::npos);
  EXPECT_EQ(session.ask("vCont?"), "vCont;c;C;s;S");
  EXPECT_EQ(session.ask("qAttached"), "1");
  EXPECT_EQ(session.ask("qfThreadInfo"), "m1");
  EXPECT_EQ(session.ask("qsThreadInfo"), "l");
  EXPECT_EQ(session.ask("Hg0"), "OK");
  EXPECT_EQ(session.ask("Hc-1"), "OK");
  EXPECT_EQ(session.ask("Hg2"), "E01");
  EXPECT_EQ(session.ask("T1"), "OK");
  EXPECT_EQ(session.ask("T7"), "E01");
  for (const char* unknown : {"vMustReplyEmpty", "qTStatus", "qCRC:0,4", "bc", "!", "_", ""}) {
    EXPECT_EQ(session.ask(unknown), "") << unknown;
  }
}

TEST(GdbServer, GivesTheDescriptionInPieces) {
  Session session({test::kLoopForever});
  std::string description;
  std::string piece;
  do {
    piece = session.ask(fmt::format("qXfer:features:read:target.xml:{:x},100", description.size()));
    ASSERT_THAT(piece, testing::AnyOf(StartsWith("m"), StartsWith("l")));
    description += piece.substr(1);
  } while (piece[0] == 'm');
  EXPECT_EQ(session.ask("qXfer:features:read:target.xml:0,ffff"), "l" + description);
  EXPECT_EQ(session.ask("qXfer:features:read:target.xml:ffffffffffffffff,100"), "l");
  EXPECT_EQ(session.ask("qXfer:features:read:other.xml:0,100"), "E00");
}

TEST(GdbServer, ReadsAndWritesRegisters) {
  Session session({test::kLoopForever});
  EXPECT_EQ(session.ask("p20"), "00000080");
  EXPECT_EQ(session.ask("Pa=78563412"), "OK");
  EXPECT_EQ(session.ask("pa"), "78563412");
  const std::string all = session.ask("g");
  EXPECT_EQ(all.size(), 33u * 8);
  EXPECT_EQ(all.substr(a0 * 8, 8), "78563412");
  std::string changed = all;
  changed.replace(a1 * 8, 8, "01000000");
  EXPECT_EQ(session.ask("G" + changed), "OK");
  EXPECT_EQ(session.ask("g"), changed);
  EXPECT_EQ(session.ask("G" + changed.substr(1)), "E01");
  EXPECT_EQ(session.ask("p1041"), "03000000");
  EXPECT_EQ(session.ask("p1042"), "E02");
  EXPECT_EQ(session.ask("p21"), "E02");
  EXPECT_EQ(session.ask("pffffffffffffffff"), "E02");
  EXPECT_EQ(session.ask("p"), "E01");
  EXPECT_EQ(session.ask("Pa=7856341"), "E01");
  EXPECT_EQ(session.ask("Pa"), "E01");
  Session wide({test::kLoopForever}, Xlen::rv64);
  EXPECT_EQ(wide.ask("p20"), "0000008000000000");
}

TEST(GdbServer, ReadsAndWritesMemory) {
  Session session({test::kLoopForever});
  EXPECT_EQ(session.ask("m80000000,4"), "6f000000");
  EXPECT_EQ(session.ask("M80001000,2:abCD"), "OK");
  EXPECT_EQ(session.ask(std::string("X80001002,3:\x01#\x00", 15)), "OK");
  EXPECT_EQ(session.ask("m80001000,6"), "abcd01230000");
  EXPECT_EQ(session.ask("m0,4"), "E14");
  EXPECT_EQ(session.ask("M0,1:00"), "E14");
  EXPECT_EQ(session.ask("X80001000,0:"), "OK");
  EXPECT_EQ(session.ask("m800ffffe,10").size(), 4u);
  EXPECT_LE(session.ask("m80000000,ffffffff").size(), u64{kMaxPacketBytes});
  for (const char* wrong : {"m", "m80000000", "m80000000,", "m,4", "m80000000,4:", "M80000000,4:00",
                            "M80000000,1:0", "M80000000,1:xx", "X80000000,5:a", "X80000000"}) {
    EXPECT_EQ(session.ask(wrong), "E01") << wrong;
  }
}

TEST(GdbServer, StepsExactly) {
  Session session({test::addi(a0, a0, 1), test::addi(a0, a0, 1), test::addi(a0, a0, 1)});
  EXPECT_EQ(session.resume("s"), "T05thread:1;");
  EXPECT_EQ(session.resume("vCont;s:1;c"), "T05thread:1;");
  EXPECT_EQ(session.ask("pa"), "02000000");
  EXPECT_EQ(session.machine.icount(), 2u);
  EXPECT_EQ(session.resume("s80000000"), "T05thread:1;");
  EXPECT_EQ(session.ask("p20"), "04000080");
  EXPECT_EQ(session.ask("vCont;t"), "E01");
  EXPECT_EQ(session.ask("vCont;s:2"), "E01");
  EXPECT_EQ(session.ask("vCont;"), "E01");
}

TEST(GdbServer, StopsAtBreakpoints) {
  Session session({test::addi(a0, a0, 1), test::addi(a0, a0, 1), 0xff9ff06f /* j -8 */});
  EXPECT_EQ(session.ask("Z0,80000004,4"), "OK");
  EXPECT_EQ(session.ask("Z0,80000004,4"), "OK");
  EXPECT_EQ(session.ask("Z1,80000008,4"), "OK");
  EXPECT_EQ(session.resume("c"), "T05thread:1;swbreak:;");
  EXPECT_EQ(session.resume("vCont;c"), "T05thread:1;hwbreak:;");
  EXPECT_EQ(session.ask("?"), "T05thread:1;hwbreak:;");
  EXPECT_EQ(session.ask("z1,80000008,4"), "OK");
  EXPECT_EQ(session.resume("C05"), "T05thread:1;swbreak:;");
  EXPECT_EQ(session.ask("z0,80000004,4"), "OK");
  EXPECT_EQ(session.ask("c"), "");
  ASSERT_TRUE(session.server.receive("\x03"));
  EXPECT_EQ(session.payloads(), "T02thread:1;");
}

// gdb then takes the watchpoint out, steps, and looks at what has changed.
TEST(GdbServer, ReportsWatchpointsBeforeTheAccess) {
  Session session({test::sw(a0, a1, 0), test::lw(a0, a1, 4), test::kNop, test::kLoopForever});
  session.ask("Pb=00100080");
  session.ask("Pa=2a000000");
  EXPECT_EQ(session.ask("Z2,80001002,2"), "OK");
  EXPECT_EQ(session.ask("Z3,80001004,4"), "OK");
  EXPECT_EQ(session.ask("Z0,80000008,4"), "OK");
  EXPECT_EQ(session.resume("c"), "T05thread:1;watch:80001002;");
  EXPECT_EQ(session.machine.icount(), 0u);
  EXPECT_EQ(session.resume("s"), "T05thread:1;");
  EXPECT_EQ(session.machine.word(kData), 42u);
  EXPECT_EQ(session.resume("s"), "T05thread:1;rwatch:80001004;");
  EXPECT_EQ(session.ask("p20"), "04000080");
  EXPECT_EQ(session.resume("c"), "T05thread:1;swbreak:;");
  EXPECT_EQ(session.machine.icount(), 2u);
}

TEST(GdbServer, RefusesStopPointsThatCannotBe) {
  Session session({test::kLoopForever});
  for (const char* wrong : {"Z5,80000000,4", "Z,80000000,4", "Z0,80000000", "Z0", "Z0,80000000,0",
                            "Z2,80000000,100000000", "z9,0,4", "Z00,80000000,4"}) {
    EXPECT_EQ(session.ask(wrong), "E01") << wrong;
  }
  std::string answer;
  for (u32 count = 0; answer != "E28"; ++count) {
    ASSERT_LE(count, 10'000u);
    answer = session.ask(fmt::format("Z0,{:x},4", 0x80000000 + 4 * count));
  }
}

TEST(GdbServer, WhileTheMachineRunsOnlyTheEndIsListenedTo) {
  Session session({test::kLoopForever});
  EXPECT_EQ(session.ask("c"), "");
  EXPECT_EQ(session.ask("g"), "E16");
  EXPECT_EQ(session.ask("M80000000,1:00"), "E16");
  EXPECT_EQ(session.ask("s"), "E16");
  EXPECT_FALSE(session.server.holds());
  EXPECT_EQ(session.ask("D"), "OK");
  EXPECT_FALSE(session.server.is_attached());
}

TEST(GdbServer, AnInterruptOfAStoppedMachineIsNothing) {
  Session session({test::kLoopForever});
  ASSERT_TRUE(session.server.receive("\x03\x03"));
  EXPECT_EQ(session.server.output(), "");
}

TEST(GdbServer, DetachedMachinesRunUntilTheNextGdb) {
  Session session({test::addi(a0, a0, 1), 0xffdff06f /* j -4 */});
  session.ask("Z0,80000004,4");
  EXPECT_EQ(session.ask("D"), "OK");
  ASSERT_TRUE(session.server.turn());
  EXPECT_EQ(session.machine.icount(), 10'000u);  // past the breakpoint
  ASSERT_TRUE(session.server.receive("garbage\x03$"));
  EXPECT_FALSE(session.server.holds());
  session.server.disconnect();
  EXPECT_FALSE(session.server.holds());
  EXPECT_EQ(session.ask("?"), "T05thread:1;");
  EXPECT_TRUE(session.server.holds());
}

TEST(GdbServer, AVanishedGdbLeavesTheMachineAsItWas) {
  Session session({test::kLoopForever});
  session.server.disconnect();
  EXPECT_TRUE(session.server.holds());
  session.ask("Z0,80000000,4");
  session.ask("c");
  session.server.disconnect();
  EXPECT_FALSE(session.server.holds());
  ASSERT_TRUE(session.server.turn());
  EXPECT_EQ(session.machine.icount(), 10'000u);
}

TEST(GdbServer, KillsAndTellsOfTheEnd) {
  Session first({test::kLoopForever});
  EXPECT_EQ(first.ask("k"), "");
  EXPECT_TRUE(first.server.wants_end());
  Session second({test::kLoopForever});
  EXPECT_EQ(second.ask("vKill;a410"), "OK");
  EXPECT_TRUE(second.server.wants_end());
  Session third({test::kLoopForever});
  third.server.machine_ended(7);
  EXPECT_EQ(third.payloads(), "W07");
}

// --- Backwards ---

constexpr u32 kLoop = 0xff9ff06f;  // j -8
constexpr std::string_view kEnd = "T05thread:1;replaylog:end;";
constexpr std::string_view kBeginning = "T05thread:1;replaylog:begin;";

// a0 counts the rounds and is stored: three instructions a round.
struct Backwards : Session {
  explicit Backwards(u64 end, u64 spacing = 100)
      : Session({test::addi(a0, a0, 1), test::sw(a0, a1, 0), kLoop}) {
    machine.change([](auto& s) { s.hart.x[a1] = kData; });
    machine.go_back_from(end, spacing);
  }
  u64 round() { return machine.icount() / 3; }
};

TEST(GdbServer, OffersToGoBackOnlyIfItCan) {
  Session forwards({test::kLoopForever});
  EXPECT_THAT(forwards.ask("qSupported"), Not(HasSubstr("Reverse")));
  EXPECT_EQ(forwards.ask("bs"), "");
  EXPECT_EQ(forwards.ask("bc"), "");
  Backwards backwards(3000);
  EXPECT_THAT(backwards.ask("qSupported"), HasSubstr(";ReverseStep+;ReverseContinue+"));
}

TEST(GdbServer, StepsBack) {
  Backwards session(3000);
  std::vector<u64> hashes;
  for (u32 i = 0; i < 250; ++i) {
    hashes.push_back(session.machine.hash());
    EXPECT_EQ(session.resume("s"), "T05thread:1;");
  }
  for (u32 i = 250; i-- > 0;) {
    EXPECT_EQ(session.resume("bs"), "T05thread:1;");
    EXPECT_EQ(session.machine.icount(), i);
    EXPECT_EQ(session.machine.hash(), hashes[i]);
  }
  EXPECT_EQ(session.resume("bs"), kBeginning);
  EXPECT_EQ(session.resume("bc"), kBeginning);
  EXPECT_EQ(session.machine.icount(), 0u);
}

// At its end a machine waits: it could go back.
TEST(GdbServer, StopsAtTheEndOfAReplay) {
  Backwards session(30'000);
  EXPECT_EQ(session.resume("c"), kEnd);
  EXPECT_TRUE(session.server.holds());
  EXPECT_EQ(session.resume("c"), kEnd);
  EXPECT_EQ(session.resume("s"), kEnd);
  EXPECT_EQ(session.machine.icount(), 30'000u);
  EXPECT_EQ(session.resume("bs"), "T05thread:1;");
  EXPECT_EQ(session.machine.icount(), 29'999u);
}

TEST(GdbServer, RunsBackToBreakpoints) {
  for (const u64 spacing : {1, 10, 1'000'000}) {
    Backwards session(90, spacing);
    session.resume("c");
    session.ask("Z0,80000000,4");
    for (u64 round = 30; round-- > 20;) {
      EXPECT_EQ(session.resume("bc"), "T05thread:1;swbreak:;");
      EXPECT_EQ(session.machine.icount(), round * 3);
    }
    // One that is met but once, in the first stretch.
    session.ask("z0,80000000,4");
    session.ask("Z1,80000000,4");
    while (session.round() > 0) EXPECT_EQ(session.resume("bc"), "T05thread:1;hwbreak:;");
    EXPECT_EQ(session.resume("bc"), kBeginning);
    // And forwards again.
    EXPECT_EQ(session.resume("c"), "T05thread:1;hwbreak:;");
    EXPECT_EQ(session.machine.icount(), 0u);
    EXPECT_EQ(session.resume("c"), "T05thread:1;hwbreak:;");
    EXPECT_EQ(session.machine.icount(), 3u);
    session.ask("z1,80000000,4");
    EXPECT_EQ(session.resume("bc"), kBeginning);
  }
}

// gdb takes the step back over the access itself.
TEST(GdbServer, RunsBackToBehindAWatchedStore) {
  Backwards session(3000);
  session.resume("c");
  session.ask("Z2,80001000,4");
  for (u32 round = 1000; round-- > 998;) {
    EXPECT_EQ(session.resume("bc"), "T05thread:1;watch:80001000;");
    EXPECT_EQ(session.machine.icount(), round * 3 + 2);
    EXPECT_EQ(session.machine.word(kData), round + 1);
    EXPECT_EQ(session.resume("bs"), "T05thread:1;");
    EXPECT_EQ(session.machine.word(kData), round);
  }
}

TEST(GdbServer, AnInterruptEndsASearch) {
  Backwards session(300'000, 1'000'000);
  session.resume("c");
  session.ask("Z0,80000100,4");
  session.ask("bc");
  ASSERT_TRUE(session.server.turn());
  ASSERT_TRUE(session.server.turn());
  ASSERT_TRUE(session.server.receive("\x03"));
  EXPECT_EQ(session.payloads(), "T02thread:1;");
  EXPECT_TRUE(session.server.holds());
  EXPECT_LT(session.machine.icount(), 300'000u);
}

TEST(GdbServer, ChangesNothingOfAReplay) {
  Backwards session(3000);
  const u64 hash = session.machine.hash();
  for (const char* change : {"M80001000,1:00", "X80001000,1:a", "Pa=00000000", "c80000004"}) {
    EXPECT_EQ(session.ask(change), "E30") << change;
  }
  EXPECT_EQ(session.ask("G" + session.ask("g")), "E30");
  EXPECT_EQ(session.machine.hash(), hash);
}

// --- Monitor ---

std::string monitor(Session& session, std::string_view line) {
  GdbPacketReader reader;
  session.send("qRcmd," + to_hex(line));
  reader.feed(session.take_output());
  std::string text;
  std::string last;
  while (const auto event = reader.next()) {
    last = event->payload;
    if (last.starts_with('O') && last != "OK") text += from_hex(last.substr(1)).value_or("?");
  }
  EXPECT_EQ(last, "OK");
  return text;
}

TEST(GdbMonitor, Answers) {
  Session session({test::kLoopForever});
  EXPECT_EQ(monitor(session, "status"), "all is well\n");
  EXPECT_THAT(monitor(session, "help"), HasSubstr("xp ADDRESS"));
  EXPECT_EQ(monitor(session, ""), monitor(session, "help"));
  EXPECT_THAT(monitor(session, "regs"), HasSubstr("pc      80000000  priv    00000003"));
  EXPECT_EQ(monitor(session, "xp 0x80000000 1"), "80000000: 0000006f\n");
  EXPECT_EQ(monitor(session, "xp 2147483648 5"),
            "80000000: 0000006f 00000000 00000000 00000000\n80000010: 00000000\n");
  EXPECT_EQ(monitor(session, "xp 0x10001000 1"), "10001000: 74726976\n");
  EXPECT_EQ(monitor(session, "xp 0 1"),
            "Nothing answers at 0x0: it is neither RAM nor a device.\n");
  EXPECT_THAT(monitor(session, "xp"), HasSubstr("xp takes a physical address"));
  EXPECT_THAT(monitor(session, "xp 0x8000000g"), HasSubstr("xp takes a physical address"));
  EXPECT_EQ(monitor(session, "xp 0 5000"), "xp shows 1 to 4096 words, not 5000.\n");
  EXPECT_EQ(monitor(session, "make tea"),
            "There is no monitor command \"make\"; 'monitor help' lists them.\n");
  EXPECT_GT(monitor(session, "xp 0x80000000 4096").size(), u64{kMaxPacketBytes});
  EXPECT_EQ(session.ask("qRcmd,0"), "E01");
}

// --- Hostile clients ---

TEST(GdbServer, SurvivesAnyPackets) {
  std::mt19937 random(7);
  constexpr std::string_view kBytes = "0123456789abcdef,;:=-?gGpPmMXcCsSzZHTDvqQRk\x03";
  constexpr std::string_view kStarts[] = {"m8000",      "M80000", "Z",
                                          "z0,8",       "P",      "p",
                                          "vCont;",     "qRcmd,", "qXfer:features:read:target.xml:",
                                          "X80001",     "G",      "H",
                                          "qSupported", "s",      "c"};
  Session session({test::addi(a0, a0, 1), 0xffdff06f /* j -4 */});
  for (int round = 0; round < 5000; ++round) {
    std::string payload;
    if (random() % 4 != 0) payload = kStarts[random() % std::size(kStarts)];
    for (u32 left = random() % 24; left > 0; --left) payload += kBytes[random() % kBytes.size()];
    ASSERT_TRUE(session.server.receive(make_gdb_packet(payload)));
    if (!session.server.holds()) {
      ASSERT_TRUE(session.server.turn());
      ASSERT_TRUE(session.server.receive("\x03"));
    }
    session.take_output();
  }
}

TEST(GdbServer, AClientThatNeverReadsGetsNoFurther) {
  Session session({test::kLoopForever});
  std::string many;
  for (int i = 0; i < 1000; ++i) many += make_gdb_packet("m80000000,1000");
  ASSERT_TRUE(session.server.receive(many));
  EXPECT_LT(session.server.output().size(), 200'000u);
  u64 bytes = 0;
  while (!session.server.output().empty()) {
    bytes += session.take_output().size();
    ASSERT_TRUE(session.server.receive({}));
  }
  EXPECT_EQ(bytes, 1000u * (2 * 0x1000 + 4));
}

}  // namespace
}  // namespace rookery::debug
