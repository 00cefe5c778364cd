// SPDX-License-Identifier: Apache-2.0
// Recording and replaying on the CPU engine: the same machine at the same counts, whatever the
// host's clock and keyboard did; and machines that are paused.
#include "machine/replay_input.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "machine/trial.h"

namespace rookery::test {
namespace {

using ::testing::HasSubstr;

// What a run left behind.
struct Outcome {
  RunEnd end;
  std::string printed;
  u64 instructions = 0;
  u64 hash = 0;
};

Outcome outcome_of(Trial& trial) {
  const auto end = trial.run();
  if (!end) {
    ADD_FAILURE() << end.error().text();
    return {};
  }
  return {*end, trial.host.printed, trial.machine->instructions(),
          trial.machine->engine().state_hash(0).value()};
}

void expect_same(const Outcome& a, const Outcome& b) {
  EXPECT_EQ(a.end.reason, b.end.reason);
  EXPECT_EQ(a.end.status, b.end.status);
  EXPECT_EQ(a.end.failed, b.end.failed);
  EXPECT_EQ(a.printed, b.printed);
  EXPECT_EQ(a.instructions, b.instructions);
  EXPECT_EQ(a.hash, b.hash);
}

// Goes through the bytes, as a file would.
Recording stored(const std::vector<OutsideEvent>& events) {
  RecordingEncoder encoder(RecordedMachine{});
  for (const OutsideEvent& event : events) encoder.add(event);
  const std::string bytes = encoder.take();
  return parse_recording({reinterpret_cast<const u8*>(bytes.data()), bytes.size()}).value();
}

Trial replaying(const Trial& recorded, const Recording& recording) {
  Trial replay;
  replay.program = recorded.program;
  replay.options.replay = &recording;
  return replay;
}

// Runs `trial` with a journal, replays it with long and with short dispatches, and compares.
std::vector<OutsideEvent> expect_replays(Trial& trial) {
  EventList journal;
  trial.options.journal = &journal;
  const Outcome recorded = outcome_of(trial);
  const Recording recording = stored(journal.events);
  for (const u64 dispatch_us : {1, 100'000}) {
    Trial replay = replaying(trial, recording);
    replay.options.dispatch_us = dispatch_us;
    EventList again;
    replay.options.journal = &again;
    replay.options.hash_stride = trial.options.hash_stride;
    const Outcome replayed = outcome_of(replay);
    EXPECT_TRUE(replayed.end.replayed);
    expect_same(recorded, replayed);
    EXPECT_EQ(replay.host.slept_us, 0u);
    // A recording of the replay says the same, but for what nothing depends on.
    const auto without_reached = [](std::vector<OutsideEvent> events) {
      std::erase_if(events,
                    [](const auto& event) { return std::holds_alternative<Reached>(event.what); });
      return events;
    };
    EXPECT_EQ(without_reached(again.events), without_reached(journal.events));
  }
  return journal.events;
}

template <class T>
std::size_t count_of(const std::vector<OutsideEvent>& events) {
  return static_cast<std::size_t>(
      std::count_if(events.begin(), events.end(),
                    [](const auto& event) { return std::holds_alternative<T>(event.what); }));
}

// --- Recorded and replayed ---

TEST(Replay, OfPipedLines) {
  Trial trial;
  trial.program = echo_program("> ");
  trial.options.input = InputMode::piped;
  trial.host.typed = {{"first\nsecond line, longer than the FIFO\nlast", false}, {"", true}};
  const auto events = expect_replays(trial);
  EXPECT_GE(count_of<Typed>(events), 4u);
}

TEST(Replay, OfATerminalWhoseGuestSleeps) {
  Trial trial;
  trial.program = timer_program(10'000'000);
  trial.options.input = InputMode::terminal;
  trial.host.typed.assign(1000, TypedInput{});
  const auto events = expect_replays(trial);
  EXPECT_EQ(count_of<TimeSkipped>(events), 1u);
}

// Keys at random moments: while the guest runs, while it sleeps, more than fit; with a clock that
// jumps. With hashes, so that every count along the way is compared.
TEST(Replay, OfRandomSessions) {
  class RandomHost final : public ScriptedHost {
   public:
    explicit RandomHost(u32 seed) : random(seed) {}
    std::mt19937 random;
    u64 now_us() override { return time_us += random() % 700; }
    Result<TypedInput> read_typed() override {
      if (random() % 3 != 0) return TypedInput{};
      if (reads_left-- == 0) return TypedInput{"\x04", false};
      return TypedInput{std::string(random() % 40, static_cast<char>('a' + random() % 26)), false};
    }
    u32 reads_left = 60;
  };
  for (u32 seed = 0; seed < 20; ++seed) {
    RandomHost host(seed);
    Trial trial;
    trial.program = ticking_echo_program(20 + seed * 3000);
    trial.custom_host = &host;
    trial.options.input = InputMode::terminal;
    trial.options.dispatch_us = 1 + seed * 50;
    trial.options.hash_stride = 1'000 + seed;
    trial.options.max_instructions = 200'000;
    EventList journal;
    trial.options.journal = &journal;
    Outcome recorded = outcome_of(trial);
    recorded.printed = host.printed;
    EXPECT_GE(count_of<Typed>(journal.events), 20u);
    EXPECT_GE(count_of<TimeSkipped>(journal.events), 10u);
    EXPECT_GE(count_of<StateHash>(journal.events), 2u);
    const Recording recording = stored(journal.events);
    Trial replay = replaying(trial, recording);
    expect_same(recorded, outcome_of(replay));
  }
}

TEST(Replay, OfReboots) {
  Trial trial;
  trial.program.print('R').write_word(kTest, 0x7777).end(9);
  trial.options.max_instructions = 100;
  trial.options.hash_stride = 3;
  const auto events = expect_replays(trial);
  EXPECT_GT(count_of<Rebooted>(events), 3u);
}

// --- Going back ---

// From many counts of a run with keys and reboots to many earlier ones: the machine is what it was
// there, and the console shows each byte once.
TEST(Replay, GoesBackAndComesAgain) {
  EventList journal;
  Trial trial;
  // Echoes a key and reboots.
  trial.program.load_constant(t0, kUart)(addi(t1, zero, 1))(sb(t1, t0, 1));
  trial.program.write_word(0x0c000000 + 4 * 10, 1).write_word(0x0c002000, 1u << 10);
  trial.program.load_constant(t0, 0x800)(csrw(kMie, t0)).print('>')(kWfi);
  trial.program.load_constant(t0, kUart)(lbu(t1, t0, 0))(sb(t1, t0, 0));
  trial.program.write_word(kTest, 0x7777).end(9);
  trial.options.input = InputMode::piped;
  trial.host.typed = {{"one\nother\nmore", false}, {"", true}};
  trial.options.journal = &journal;
  const Outcome recorded = outcome_of(trial);
  const Recording recording = stored(journal.events);
  ASSERT_GT(count_of<Rebooted>(recording.events), 1u);
  Trial straight = replaying(trial, recording);
  expect_same(recorded, outcome_of(straight));

  Trial replay = replaying(trial, recording);
  replay.options.goes_back = true;
  ASSERT_TRUE(replay.start());
  Machine& machine = *replay.machine;
  const auto run_to = [&](u64 count) -> std::optional<RunEnd> {
    while (machine.instructions() < count) {
      machine.resume(count - machine.instructions());
      auto end = machine.turn();
      if (!end) ADD_FAILURE() << end.error().text();
      if (!end || *end) return end.value_or(RunEnd{});
    }
    return std::nullopt;
  };
  const u64 all = recorded.instructions;
  std::vector<MachineCheckpoint> checkpoints;
  std::vector<u64> hashes;
  for (u64 count = 0; count < all; count += all / 20) {
    ASSERT_FALSE(run_to(count));
    auto checkpoint = machine.checkpoint();
    ASSERT_TRUE(checkpoint);
    EXPECT_EQ(checkpoint->instructions, count);
    checkpoints.push_back(*std::move(checkpoint));
    hashes.push_back(machine.engine().state_hash(0).value());
  }
  std::mt19937 random(1);
  for (u32 i = 0; i < 50; ++i) {
    if (i % 10 == 0) {
      const auto end = run_to(all + 1);  // its end; it can go back from there
      ASSERT_TRUE(end);
      EXPECT_EQ(end->reason, recorded.end.reason);
      EXPECT_EQ(machine.engine().state_hash(0).value(), recorded.hash);
      EXPECT_EQ(replay.host.printed, recorded.printed);
    }
    const std::size_t to = random() % checkpoints.size();
    const std::size_t from = random() % (to + 1);
    ASSERT_TRUE(machine.restore(checkpoints[from]));
    EXPECT_EQ(machine.instructions(), checkpoints[from].instructions);
    EXPECT_EQ(machine.engine().state_hash(0).value(), hashes[from]);
    ASSERT_FALSE(run_to(checkpoints[to].instructions));
    EXPECT_EQ(machine.engine().state_hash(0).value(), hashes[to]);
  }
  EXPECT_EQ(replay.host.exits, straight.host.exits);
}

TEST(Replay, OfARebootAfterTheInputsEnd) {
  Trial reboots;
  reboots.program.load_constant(t0, kUart)(addi(t1, zero, 1))(sb(t1, t0, 1));
  reboots.program.write_word(0x0c000000 + 4 * 10, 1).write_word(0x0c002000, 1u << 10);
  reboots.program.load_constant(t0, 0x800)(csrw(kMie, t0)).print('>')(kWfi);
  reboots.program.write_word(kTest, 0x7777).end(9);
  reboots.options.input = InputMode::piped;
  const auto events = expect_replays(reboots);
  ASSERT_TRUE(std::holds_alternative<Ended>(events.back().what));
  EXPECT_EQ(std::get<Ended>(events.back().what).reason, EndReason::reboot_at_end);
}

TEST(Replay, OfEveryEnd) {
  Trial shutdown;
  shutdown.program.end(7);
  expect_replays(shutdown);

  Trial limit;
  limit.program(kLoopForever);
  limit.options.max_instructions = 123'457;
  expect_replays(limit);

  Trial timeout;
  timeout.program(kLoopForever);
  timeout.options.timeout_us = 1000;
  timeout.options.dispatch_us = 1;
  EXPECT_EQ(std::get<Ended>(expect_replays(timeout).back().what).reason, EndReason::timeout);

  Trial stopped;
  stopped.program(kLoopForever);
  stopped.host.stop = true;
  EXPECT_EQ(std::get<Ended>(expect_replays(stopped).back().what).reason, EndReason::stopped);

  Trial stuck;
  stuck.program(kWfi)(kLoopForever);
  EXPECT_EQ(std::get<Ended>(expect_replays(stuck).back().what).reason, EndReason::stuck);

  Trial idle;
  idle.program = echo_program("> ");
  EXPECT_EQ(std::get<Ended>(expect_replays(idle).back().what).reason, EndReason::idle);
}

TEST(Replay, OfHtifCalls) {
  Trial trial;
  trial.program.load_constant(t0, kTohost)
      .load_constant(t1, 0x01010000)(sw(t1, t0, 4))
      .load_constant(t1, 'H')(sw(t1, t0, 0));
  trial.program(lw(t2, t0, 0))(bne(t2, zero, -4)).print('!');
  trial.program(sw(zero, t0, 4)).end(0);
  trial.options.hash_stride = 1;
  expect_replays(trial);
}

TEST(Replay, StopsAtAnyCount) {
  EventList journal;
  Trial trial;
  trial.program = ticking_echo_program(50);
  trial.options.input = InputMode::terminal;
  trial.host.typed = {{"abc", false}, {}, {"def", false}, {}, {"\x04", false}};
  trial.options.journal = &journal;
  trial.options.hash_stride = 1;
  const Outcome recorded = outcome_of(trial);
  ASSERT_LT(recorded.instructions, 1000u);
  const Recording recording = stored(journal.events);
  u64 entered_at = ~u64{0};  // the last count at which something entered
  std::size_t compared = 0;
  for (const OutsideEvent& event : journal.events) {
    const bool enters = std::holds_alternative<Typed>(event.what) ||
                        std::holds_alternative<TimeSkipped>(event.what);
    if (enters) entered_at = event.icount;
    const StateHash* hash = std::get_if<StateHash>(&event.what);
    if (hash == nullptr || event.icount == recorded.instructions) continue;
    Trial replay = replaying(trial, recording);
    replay.options.max_instructions = event.icount;
    const Outcome stopped = outcome_of(replay);
    EXPECT_EQ(stopped.end.reason, EndReason::instructions);
    EXPECT_FALSE(stopped.end.replayed);
    EXPECT_EQ(stopped.instructions, event.icount);
    if (event.icount == entered_at) continue;  // it stops before what enters there
    EXPECT_EQ(stopped.hash, hash->hash) << event.icount;
    compared += 1;
  }
  EXPECT_GT(compared, 20u);
}

TEST(Replay, OfACutRecordingStopsWhereItBreaksOff) {
  Trial trial;
  trial.program = echo_program("> ");
  trial.options.input = InputMode::piped;
  trial.host.typed = {{"one\ntwo\n", true}};
  EventList journal;
  trial.options.journal = &journal;
  outcome_of(trial);
  for (std::size_t kept = 0; kept < journal.events.size(); ++kept) {
    const Recording recording = stored(
        {journal.events.begin(), journal.events.begin() + static_cast<std::ptrdiff_t>(kept)});
    Trial replay = replaying(trial, recording);
    const Outcome outcome = outcome_of(replay);
    const bool knows_the_end = kept + 1 == journal.events.size();  // by its count
    EXPECT_EQ(outcome.end.reason, knows_the_end ? EndReason::shutdown : EndReason::recording_stops);
    EXPECT_EQ(outcome.instructions, kept == 0 ? 0 : journal.events[kept - 1].icount);
    EXPECT_TRUE(trial.host.printed.starts_with(outcome.printed));
  }
}

// --- Machines that do not do as the recording says ---

struct Divergence {
  std::vector<OutsideEvent> events;
  const char* sentence;
};

TEST(Replay, DivergencesAreSentencesWithBothCounts) {
  const Ended end{EndReason::shutdown, 0, false};
  // It waits in wfi after 23 instructions or so, with nothing that could wake it.
  const Divergence cases[] = {
      {{{10, StateHash{1}}}, "after 10 instructions the machine has state hash "},
      {{{10, StateHash{1}}},
       "but the recording says that after 10 its state hash is "
       "0000000000000001."},
      {{{2, Typed{std::string(17, 'x')}}},
       "after 2 instructions the machine has no room for them, but the recording says that after 2 "
       "17 bytes are typed."},
      {{{1'000'000, Reached{}}},
       "the machine waits in wfi, but the recording says that after "
       "1000000 it runs on."},
      {{{5, end}},
       "after 5 instructions the machine runs on, but the recording says that after 5 "
       "it shuts down with status 0."},
      {{{5, Rebooted{}}},
       "after 5 instructions the machine runs on, but the recording says that "
       "after 5 it reboots."},
  };
  for (const Divergence& one : cases) {
    Trial replay;
    replay.program = echo_program("> ");
    const Recording recording = stored(one.events);
    replay.options.replay = &recording;
    const auto result = replay.run();
    ASSERT_FALSE(result) << one.sentence;
    EXPECT_EQ(result.error().kind, ErrorKind::internal);
    EXPECT_THAT(result.error().text(), HasSubstr("The replay differs from the recording: "));
    EXPECT_THAT(result.error().text(), HasSubstr(one.sentence));
  }
}

TEST(Replay, AnEndOrRebootThatIsNotRecordedDiverges) {
  for (const bool reboots : {false, true}) {
    Trial replay;
    replay.program.write_word(kTest, reboots ? 0x7777 : 0x5555)(kLoopForever);
    const Recording recording = stored({{100, Reached{}}});
    replay.options.replay = &recording;
    const auto result = replay.run();
    ASSERT_FALSE(result);
    EXPECT_THAT(
        result.error().text(),
        HasSubstr(reboots ? "the machine reboots, but the recording says that after 100 "
                          : "the machine shuts down with status 0, but the recording says"));
  }
}

TEST(Replay, ADivergenceSaysWhereHashesStillAgreed) {
  EventList journal;
  Trial trial;
  trial.program(kLoopForever);
  trial.options.journal = &journal;
  trial.options.hash_stride = 100;
  trial.options.max_instructions = 1000;
  outcome_of(trial);
  std::vector<OutsideEvent> events = journal.events;
  for (OutsideEvent& event : events) {
    if (event.icount == 700 && std::holds_alternative<StateHash>(event.what))
      event.what = StateHash{42};
  }
  const Recording recording = stored(events);
  Trial replay = replaying(trial, recording);
  EXPECT_THAT(replay.run().error().text(), HasSubstr("State hashes agreed after 600."));
}

TEST(Replay, AFailingJournalEndsTheRun) {
  class FullJournal final : public Journal {
    Result<void> note(const OutsideEvent&) override { return fail(ErrorKind::io, "It is full."); }
  };
  FullJournal journal;
  Trial trial;
  trial.program.end(0);
  trial.options.journal = &journal;
  EXPECT_EQ(trial.run().error().text(), "It is full.");
}

// --- Pauses ---

TEST(Pause, StepsAreExact) {
  Trial trial;
  trial.program(kLoopForever);
  ASSERT_TRUE(trial.start());
  Machine& machine = *trial.machine;
  machine.pause();
  for (const u64 steps : {1, 1, 7, 250'000}) {
    const u64 before = machine.instructions();
    machine.resume(steps);
    while (!machine.is_paused()) ASSERT_FALSE(machine.turn()->has_value());
    EXPECT_EQ(machine.instructions(), before + steps);
    ASSERT_FALSE(machine.turn()->has_value());  // and stays there
    EXPECT_EQ(machine.instructions(), before + steps);
  }
}

TEST(Pause, NeitherTimeoutNorSleepGoesOn) {
  Trial trial;
  trial.program = timer_program(10'000'000);  // a second
  trial.options.input = InputMode::terminal;
  trial.options.timeout_us = 2'000'000;
  trial.host.typed.assign(10'000, TypedInput{});
  ASSERT_TRUE(trial.start());
  Machine& machine = *trial.machine;
  while (!machine.is_asleep()) ASSERT_FALSE(machine.turn()->has_value());
  machine.pause();
  for (int turn = 0; turn < 100; ++turn) ASSERT_FALSE(machine.turn()->has_value());
  EXPECT_GT(trial.host.slept_us, 9'000'000u);
  machine.resume();
  const auto end = machine.run();
  ASSERT_TRUE(end) << end.error().text();
  EXPECT_EQ(end->reason, EndReason::shutdown);
  EXPECT_NEAR(static_cast<double>(machine.status()->guest_us), 1e6, 2e3);
}

TEST(Pause, KeepsWhatIsTypedMeanwhile) {
  Trial trial;
  trial.program = echo_program("> ");
  trial.options.input = InputMode::terminal;
  trial.host.typed.assign(1000, TypedInput{});
  ASSERT_TRUE(trial.start());
  Machine& machine = *trial.machine;
  while (!machine.is_asleep()) ASSERT_FALSE(machine.turn()->has_value());
  const u64 instructions = machine.instructions();
  machine.pause();
  trial.host.typed = {{"ab", false}, {"c\x04", false}};
  for (int turn = 0; turn < 3; ++turn) ASSERT_FALSE(machine.turn()->has_value());
  EXPECT_EQ(machine.instructions(), instructions);
  EXPECT_EQ(trial.host.printed, "> ");
  machine.resume();
  ASSERT_TRUE(machine.run());
  EXPECT_EQ(trial.host.printed, "> abc");
}

TEST(Pause, AStopEndsIt) {
  Trial trial;
  trial.program(kLoopForever);
  ASSERT_TRUE(trial.start());
  trial.machine->pause();
  trial.machine->stop();
  EXPECT_EQ(trial.machine->run()->reason, EndReason::stopped);
}

}  // namespace
}  // namespace rookery::test
