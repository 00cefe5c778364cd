// SPDX-License-Identifier: Apache-2.0
// Going back through a replayed machine by checkpoints: to every kind of count, with room for all
// checkpoints and for few.
#include "debug/history.h"

#include <map>
#include <random>

#include <gtest/gtest.h>

#include "machine/trial.h"

namespace rookery::debug {
namespace {

using test::EventList;
using test::Trial;

// A program that is typed to, and its recording.
struct Recorded {
  Recorded() {
    EventList journal;
    trial.program = test::echo_program("> ");
    trial.options.input = InputMode::piped;
    trial.options.journal = &journal;
    trial.host.typed = {{"first\nsecond, longer than the FIFO\nlast", false}, {"", true}};
    EXPECT_TRUE(trial.run());
    recording.events = journal.events;
  }
  Trial trial;
  Recording recording;
};

struct Replayed {
  explicit Replayed(const Recorded& recorded) {
    trial.program = recorded.trial.program;
    trial.options.replay = &recorded.recording;
    trial.options.goes_back = true;
    EXPECT_TRUE(trial.start());
  }
  Machine& machine() { return *trial.machine; }
  u64 hash() { return machine().engine().state_hash(0).value(); }
  void run_to(u64 count) {
    while (machine().instructions() < count) {
      machine().resume(count - machine().instructions());
      const auto end = machine().turn();
      ASSERT_TRUE(end && !*end);
    }
  }
  Trial trial;
};

TEST(History, LeadsBackToEveryCount) {
  const Recorded recorded;
  for (const u64 max_bytes : {u64{1} << 30, u64{100'000}}) {
    Replayed replay(recorded);
    auto history = History::begin(replay.machine(), max_bytes);
    ASSERT_TRUE(history);
    const u64 all = recorded.trial.machine->instructions() - 1;
    std::map<u64, u64> hashes;
    u64 most = 0;
    for (u64 count = 0; count <= all; count += all / 200 + 1) {
      replay.run_to(count);
      hashes[count] = replay.hash();
      ASSERT_TRUE(count % 2 == 0 ? history->keep() : history->note());
      most = std::max(most, history->checkpoints());
      EXPECT_LE(history->bytes(), max_bytes);
    }
    EXPECT_GE(most, max_bytes == 100'000 ? 3u : 50u);
    std::mt19937 random(1);
    for (u32 i = 0; i < 200; ++i) {
      const auto to = std::next(hashes.begin(), static_cast<i64>(random() % hashes.size()));
      if (to->first > replay.machine().instructions()) continue;
      ASSERT_TRUE(history->go_back(to->first));
      EXPECT_LE(replay.machine().instructions(), to->first);
      replay.run_to(to->first);
      EXPECT_EQ(replay.hash(), to->second);
      if (i % 3 == 0) replay.run_to(all);
    }
  }
}

// The first and the last stay, and of the others more of the late ones.
TEST(History, KeepsMoreOfWhatIsNear) {
  const Recorded recorded;
  Replayed replay(recorded);
  auto history = History::begin(replay.machine(), 100'000);
  ASSERT_TRUE(history);
  const u64 all = recorded.trial.machine->instructions() - 1;
  for (u64 count = 0; count <= all; count += 2) {
    replay.run_to(count);
    ASSERT_TRUE(history->keep());
  }
  const u64 last = replay.machine().instructions();
  const auto distance_at = [&](u64 count) {
    EXPECT_TRUE(history->go_back(count));
    const u64 distance = count - replay.machine().instructions();
    replay.run_to(last);
    return distance;
  };
  EXPECT_EQ(distance_at(last), 0u);
  EXPECT_LT(distance_at(last - 1), all / 10);
  EXPECT_GT(distance_at(all / 2), distance_at(last - 1));
}

}  // namespace
}  // namespace rookery::debug
