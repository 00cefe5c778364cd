// SPDX-License-Identifier: Apache-2.0
// The run loop on the CPU engine: tiny bare programs that print, wait, reboot and end, and a host
// whose clock and keyboard are ours.
#include "machine/machine.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "machine/trial.h"

namespace rookery::test {
namespace {

using ::testing::HasSubstr;

// --- Ends ---

TEST(MachineEnds, HtifPassesTheStatus) {
  Trial run;
  run.program.end(7);
  const auto end = run.run();
  ASSERT_TRUE(end) << end.error().text();
  EXPECT_EQ(end->reason, EndReason::shutdown);
  EXPECT_EQ(end->status, 7u);
  EXPECT_TRUE(end->failed);
}

TEST(MachineEnds, TestDevicePowersOff) {
  Trial run;
  run.program.write_word(kTest, 0x5555);
  const auto end = run.run();
  ASSERT_TRUE(end) << end.error().text();
  EXPECT_EQ(end->reason, EndReason::shutdown);
  EXPECT_EQ(end->status, 0u);
  EXPECT_FALSE(end->failed);
}

TEST(MachineEnds, InstructionLimitIsExact) {
  for (const u64 limit : {1ull, 2ull, 1000ull, 123'457ull}) {
    Trial run;
    run.program(kLoopForever);
    run.options.max_instructions = limit;
    const auto end = run.run();
    ASSERT_TRUE(end) << end.error().text();
    EXPECT_EQ(end->reason, EndReason::instructions);
    EXPECT_EQ(run.machine->instructions(), limit);
  }
}

TEST(MachineEnds, TimeoutAndStopEndAnEndlessLoop) {
  Trial run;
  run.program(kLoopForever);
  run.options.max_instructions = std::numeric_limits<u64>::max();
  run.options.timeout_us = 1000;
  run.options.dispatch_us = 1;  // by the host's clock, a dispatch takes 10
  EXPECT_EQ(run.run()->reason, EndReason::timeout);
  Trial stopped;
  stopped.program(kLoopForever);
  stopped.host.stop = true;
  EXPECT_EQ(stopped.run()->reason, EndReason::stopped);
}

TEST(MachineEnds, WaitForNothingIsStuck) {
  Trial run;
  run.program(kWfi)(kLoopForever);
  const auto end = run.run();
  ASSERT_TRUE(end) << end.error().text();
  EXPECT_EQ(end->reason, EndReason::stuck);
  EXPECT_TRUE(end->failed);
}

TEST(MachineEnds, NoKeyWakesAGuestThatDoesNotListen) {
  Trial run;
  run.program(kWfi)(kLoopForever);
  run.options.input = InputMode::terminal;
  run.host.typed.assign(100, TypedInput{});
  EXPECT_EQ(run.run()->reason, EndReason::stuck);
}

TEST(MachineEnds, EveryRebootIsANewMachine) {
  // RAM is new each time, so a count kept there stays 1: the reboots go on until the limit.
  Trial run;
  run.program.print('R').load_constant(s0, 0x80001800)(lw(s1, s0, 0));
  run.program(bne(s1, zero, 24));  // never taken
  run.program(addi(s1, s1, 1))(sw(s1, s0, 0)).write_word(kTest, 0x7777).end(9);
  run.options.max_instructions = 100;
  const auto end = run.run();
  ASSERT_TRUE(end) << end.error().text();
  EXPECT_EQ(end->reason, EndReason::instructions);
  EXPECT_GT(run.engines_made, 3);
  const auto made = static_cast<std::size_t>(run.engines_made);
  EXPECT_THAT(run.host.printed, testing::AnyOf(std::string(made, 'R'), std::string(made - 1, 'R')));
}

// --- Console and HTIF ---

TEST(MachineConsole, LosesNothingOfWhatIsMoreThanTheRingHolds) {
  Trial run;
  constexpr u32 kBytes = 3 * isa::CONSOLE_RING_BYTES + 17;
  run.program.load_constant(t0, kUart).load_constant(t1, 'x').load_constant(s0, kBytes);
  run.program(sb(t1, t0, 0))(addi(s0, s0, -1))(bne(s0, zero, -8)).end(0);
  const auto end = run.run();
  ASSERT_TRUE(end) << end.error().text();
  EXPECT_EQ(run.host.printed, std::string(kBytes, 'x'));
}

TEST(MachineHtif, PrintsCharacters) {
  Trial run;
  run.program.load_constant(t0, kTohost)
      .load_constant(t1, 0x01010000)(sw(t1, t0, 4))
      .load_constant(t1, 'H')(sw(t1, t0, 0));
  run.program(lw(t2, t0, 0))(bne(t2, zero, -4));  // the host takes the message away
  run.program(sw(zero, t0, 4)).end(0);
  const auto end = run.run();
  ASSERT_TRUE(end) << end.error().text();
  EXPECT_EQ(run.host.printed, "H");
}

TEST(MachineHtif, ServesWriteAndExit) {
  constexpr u32 kCall = 0x80001100;
  constexpr u32 kText = 0x80001200;
  Trial run;
  run.program.write_word(kText, 0x0a216948);  // "Hi!\n"
  run.program.write_word(kCall, 64)
      .write_word(kCall + 8, 1)
      .write_word(kCall + 16, kText)
      .write_word(kCall + 24, 4);
  run.program.to_host(kCall).load_constant(s0, kFromhost)(lw(t2, s0, 0))(beq(t2, zero, -4));
  run.program.load_constant(s0, kCall)(lw(s1, s0, 0));  // the result: 4
  run.program.write_word(kCall, 93)
      .load_constant(t0, kCall)(sw(s1, t0, 8))
      .to_host(kCall)(kLoopForever);
  const auto end = run.run();
  ASSERT_TRUE(end) << end.error().text();
  EXPECT_EQ(run.host.printed, "Hi!\n");
  EXPECT_EQ(end->status, 4u);
}

TEST(MachineHtif, RefusesPointersOutOfRam) {
  Trial run;
  run.program.to_host(0x1000);
  const auto end = run.run();
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().kind, ErrorKind::image);
  EXPECT_THAT(end.error().text(), HasSubstr("0x1000 to tohost, which is no system call in RAM"));

  constexpr u32 kCall = 0x80001100;
  Trial write;
  write.program.write_word(kCall, 64)
      .write_word(kCall + 16, 0x800fffff)
      .write_word(kCall + 24, 2)
      .to_host(kCall);
  EXPECT_THAT(write.run().error().text(),
              HasSubstr("writes 2 bytes from 0x800fffff, which are not in RAM"));
}

// --- Time ---

TEST(MachineTime, NobodyWaitsForATimerThatNobodyWatches) {
  Trial run;
  run.program = timer_program(10'000'000);  // a second
  const auto end = run.run();
  ASSERT_TRUE(end) << end.error().text();
  EXPECT_EQ(end->reason, EndReason::shutdown);
  EXPECT_EQ(run.host.slept_us, 0u);
  EXPECT_GE(run.machine->status()->guest_us, 1'000'000u);
}

TEST(MachineTime, FarTimersCount) {
  Trial run;
  run.program = timer_program(4'000'000'000u);  // 400 s: more steps than 32 bits hold
  const auto end = run.run();
  ASSERT_TRUE(end) << end.error().text();
  EXPECT_EQ(end->reason, EndReason::shutdown);
  EXPECT_GE(run.machine->status()->guest_us, 400'000'000u);
}

TEST(MachineTime, APersonSleepsThroughIt) {
  Trial run;
  run.program = timer_program(10'000'000);
  run.options.input = InputMode::terminal;
  run.host.typed.assign(1000, TypedInput{});
  const auto end = run.run();
  ASSERT_TRUE(end) << end.error().text();
  EXPECT_EQ(end->reason, EndReason::shutdown);
  EXPECT_NEAR(static_cast<double>(run.host.slept_us), 1e6, 2e4);
  EXPECT_NEAR(static_cast<double>(run.machine->status()->guest_us), 1e6, 1e3);
}

// --- Typing ---

TEST(MachineTyping, PipedLinesAreTypedAtThePrompt) {
  Trial run;
  run.program = echo_program("> ");
  run.options.input = InputMode::piped;
  run.host.typed = {{"first\nsecond line, longer than the FIFO\nlast", false}, {"", true}};
  const auto end = run.run();
  ASSERT_TRUE(end) << end.error().text();
  EXPECT_EQ(end->reason, EndReason::shutdown);
  EXPECT_EQ(run.host.printed, "> first\nsecond line, longer than the FIFO\nlast\n");
}

TEST(MachineTyping, PipedInputEntersAtTheSameInstructionHoweverItArrives) {
  Trial at_once;
  at_once.program = echo_program("> ");
  at_once.options.input = InputMode::piped;
  at_once.host.typed = {{"one\ntwo\n", true}};
  Trial slowly;
  slowly.program = echo_program("> ");
  slowly.options.input = InputMode::piped;
  slowly.options.dispatch_us = 1;
  slowly.host.typed = {{"", false}, {"", false},      {"one\n", false},
                       {"", false}, {"two\n", false}, {"", true}};
  ASSERT_TRUE(at_once.run());
  ASSERT_TRUE(slowly.run());
  EXPECT_GT(slowly.host.slept_us, 0u);
  EXPECT_EQ(at_once.host.printed, slowly.host.printed);
  EXPECT_EQ(at_once.machine->instructions(), slowly.machine->instructions());
  EXPECT_EQ(at_once.machine->engine().state_hash(0).value(),
            slowly.machine->engine().state_hash(0).value());
}

TEST(MachineTyping, ATerminalTypesAtOnce) {
  Trial run;
  run.program = echo_program("> ");
  run.options.input = InputMode::terminal;
  run.host.typed = {{}, {}, {"ab", false}, {}, {"c\n\x04", false}};
  const auto end = run.run();
  ASSERT_TRUE(end) << end.error().text();
  EXPECT_EQ(end->reason, EndReason::shutdown);
  EXPECT_EQ(run.host.printed, "> abc\n");
}

TEST(MachineTyping, WithoutInputAnIdleGuestIsDone) {
  Trial run;
  run.program = echo_program("> ");
  const auto end = run.run();
  ASSERT_TRUE(end) << end.error().text();
  EXPECT_EQ(end->reason, EndReason::idle);
  EXPECT_FALSE(end->failed);
  EXPECT_EQ(run.host.printed, "> ");
}

}  // namespace
}  // namespace rookery::test
