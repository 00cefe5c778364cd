// SPDX-License-Identifier: Apache-2.0
// The run loop on the CPU engine: tiny bare programs that print, wait, reboot and end, and a host
// whose clock and keyboard are ours.
#include "machine/machine.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/cpu/cpu_engine.h"
#include "machine/image_builder.h"

namespace rookery {
namespace {

using ::testing::HasSubstr;

// --- An assembler as large as these tests need ---

enum Register : u32 { zero = 0, t0 = 5, t1 = 6, t2 = 7, s0 = 8, s1 = 9 };

constexpr u32 kTohost = 0x80001000;
constexpr u32 kFromhost = 0x80001040;
constexpr u32 kUart = 0x10000000;
constexpr u32 kTest = 0x00100000;
constexpr u32 kClint = 0x02000000;

u32 addi(u32 rd, u32 rs1, i32 immediate) {
  return (static_cast<u32>(immediate) << 20) | (rs1 << 15) | (rd << 7) | 0x13;
}
u32 lui(u32 rd, u32 upper) { return (upper << 12) | (rd << 7) | 0x37; }
u32 store(u32 funct3, u32 rs2, u32 rs1, u32 offset) {
  return ((offset >> 5) << 25) | (rs2 << 20) | (rs1 << 15) | (funct3 << 12) | ((offset & 31) << 7) |
         0x23;
}
u32 sb(u32 rs2, u32 rs1, u32 offset) { return store(0, rs2, rs1, offset); }
u32 sw(u32 rs2, u32 rs1, u32 offset) { return store(2, rs2, rs1, offset); }
u32 load(u32 funct3, u32 rd, u32 rs1, u32 offset) {
  return (offset << 20) | (rs1 << 15) | (funct3 << 12) | (rd << 7) | 0x03;
}
u32 lbu(u32 rd, u32 rs1, u32 offset) { return load(4, rd, rs1, offset); }
u32 lw(u32 rd, u32 rs1, u32 offset) { return load(2, rd, rs1, offset); }
u32 branch(u32 funct3, u32 rs1, u32 rs2, i32 offset) {
  const u32 o = static_cast<u32>(offset);
  return ((o >> 12 & 1) << 31) | ((o >> 5 & 63) << 25) | (rs2 << 20) | (rs1 << 15) |
         (funct3 << 12) | ((o >> 1 & 15) << 8) | ((o >> 11 & 1) << 7) | 0x63;
}
u32 beq(u32 rs1, u32 rs2, i32 offset) { return branch(0, rs1, rs2, offset); }
u32 bne(u32 rs1, u32 rs2, i32 offset) { return branch(1, rs1, rs2, offset); }
u32 csrw(u32 csr, u32 rs1) { return (csr << 20) | (rs1 << 15) | (1 << 12) | 0x73; }
constexpr u32 kWfi = 0x10500073;
constexpr u32 kLoopForever = 0x0000006f;
constexpr u32 kMie = 0x304;

class Program {
 public:
  Program& operator()(u32 word) {
    words_.push_back(word);
    return *this;
  }
  Program& load_constant(u32 rd, u32 value) {
    (*this)(lui(rd, (value + 0x800) >> 12));
    return (*this)(addi(rd, rd, static_cast<i32>(value << 20) >> 20));
  }
  Program& print(char c) {
    return load_constant(t0, kUart).load_constant(t1, static_cast<u32>(c))(sb(t1, t0, 0));
  }
  Program& to_host(u32 message) {
    return load_constant(t0, kTohost).load_constant(t1, message)(sw(t1, t0, 0));
  }
  Program& end(u32 status) { return to_host((status << 1) | 1)(kLoopForever); }
  Program& write_word(u32 pa, u32 value) {
    return load_constant(t0, pa).load_constant(t1, value)(sw(t1, t0, 0));
  }

  i32 bytes() const { return static_cast<i32>(words_.size() * 4); }
  std::vector<u8> elf() const {
    std::vector<u8> code;
    for (const u32 word : words_) test::put(code, code.size(), word);
    return test::make_elf32(0x80000000, {{0x80000000, 0x80000000, code, 0x2000}},
                            {{"tohost", kTohost}, {"fromhost", kFromhost}});
  }

 private:
  std::vector<u32> words_;
};

// --- A host that plays its part from a script ---

class ScriptedHost : public MachineHost {
 public:
  std::vector<TypedInput> typed;  // the first is given at the first read, and so on
  u64 slept_us = 0;
  u64 time_us = 0;
  std::string printed;
  std::vector<std::pair<u32, u64>> exits;  // reason, instructions
  bool stop = false;

  u64 now_us() override { return time_us += 10; }
  Result<void> print(std::string_view bytes) override {
    printed += bytes;
    return {};
  }
  Result<TypedInput> read_typed() override {
    if (typed.empty()) return TypedInput{{}, true};
    TypedInput next = typed.front();
    typed.erase(typed.begin());
    return next;
  }
  void sleep(u64 us) override {
    slept_us += us;
    time_us += us;
  }
  bool stop_requested() override { return stop; }
  void saw_exit(const Exit& exit, u64 instructions) override {
    exits.emplace_back(exit.reason, instructions);
  }
};

struct Trial {
  ScriptedHost host;
  RunOptions options;
  Program program;
  std::unique_ptr<Machine> machine;
  int engines_made = 0;

  Trial() { options.max_instructions = 10'000'000; }

  Result<RunEnd> run() {
    MachineConfig config;
    config.bare_path = "test.elf";
    config.ram_bytes = 1 * kMiB;
    BootFiles files;
    files.bare = program.elf();
    auto image = plan_boot(config, std::move(files));
    if (!image) return std::unexpected(image.error());
    const auto make_engine = [&] {
      engines_made += 1;
      EngineConfig engine;
      engine.ram_bytes = 1 * kMiB;
      return create_cpu_engine(engine);
    };
    auto made = Machine::create(*std::move(image), make_engine, options, host);
    if (!made) return std::unexpected(made.error());
    machine = *std::move(made);
    return machine->run();
  }
};

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

// Sets mtimecmp to `ticks`, waits for it, ends.
Program timer_program(u32 ticks) {
  Program program;
  program.write_word(kClint + 0x4000, ticks).write_word(kClint + 0x4004, 0);
  program.load_constant(t0, 0x80)(csrw(kMie, t0))(kWfi).end(0);
  return program;
}

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

// Turns the UART's receive interrupt on, prints a prompt, echoes what is typed; ends at Ctrl-D.
Program echo_program(const std::string& prompt) {
  Program program;
  program.load_constant(t0, kUart);
  program(addi(t1, zero, 1))(sb(t1, t0, 2));  // FCR: FIFOs on
  program(sb(t1, t0, 1));                     // IER: receive
  program.write_word(0x0c000000 + 4 * 10, 1)
      .write_word(0x0c002000, 1u << 10);  // PLIC: source 10, machine mode
  program.load_constant(t0, 0x800)(csrw(kMie, t0)).load_constant(s1, 4);  // MEIE
  for (const char c : prompt) program.print(c);
  program.load_constant(t0, kUart);
  program(kWfi);
  const i32 poll = program.bytes();
  program(lbu(t1, t0, 5))((1u << 20) | (t1 << 15) | (7u << 12) | (t1 << 7) | 0x13);  // LSR & 1
  program(beq(t1, zero, poll - 4 - program.bytes()));  // nothing: wfi again
  program(lbu(t1, t0, 0))(beq(t1, s1, 12))(sb(t1, t0, 0));
  const i32 back = poll - program.bytes();
  program(beq(zero, zero, back));
  return program.end(0);
}

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
}  // namespace rookery
