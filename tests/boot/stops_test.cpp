// SPDX-License-Identifier: Apache-2.0
// Stop points (Engine::set_stops()) on both engines: where a machine stops, that nothing of the
// instruction is done, that it goes on, and that its state is that of a machine without stop
// points.
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "boot/bare_programs.h"
#include "boot/guest_code.h"
#include "boot/test_engines.h"
#include "debug/compare_engines.h"
#include "engine/whole_machine.h"

namespace rookery::test {
namespace {

using namespace guest;
using Kind = StopPoint::Kind;

constexpr u64 kRamBytes = u64{64} << 10;
constexpr u32 kVms = 3;
constexpr u32 kDataPa = isa::RAM_BASE + 0x1000;

#define ASSERT_GOOD(expression)                                  \
  if (const auto& good_result = (expression); !good_result) {    \
    FAIL() << #expression << ": " << good_result.error().text(); \
  }

// Rounds of eight instructions; s0 is the data's address.
const std::vector<u32> kLoop = {
    addi(t0, t0, 1), sw(t0, 16, s0), lbu(t1, 17, s0),     amoadd_w(t2, t0, s0),
    add(t1, t1, t2), sb(t1, 40, s0), addi(zero, zero, 0), beq(zero, zero, -28),
};
constexpr u64 kRound = 8;

constexpr u64 at(u32 instruction) { return isa::RAM_BASE + u64{instruction} * 4; }

void load_loop(Engine& engine) {
  std::vector<u8> code(kLoop.size() * sizeof(u32));
  std::memcpy(code.data(), kLoop.data(), code.size());
  ASSERT_GOOD(engine.load_base(isa::RAM_BASE, code));
  for (u32 vm = 0; vm < kVms; ++vm) {
    MachineState state = isa::make_state(engine.config().xlen);
    std::visit(
        [&](auto& s) {
          s.hart.pc = isa::RAM_BASE;
          s.hart.privilege = 3;
          s.hart.x[s0] = kDataPa;
          s.hart.x[t0] = vm;
          s.aclint.mtimecmp = ~u64{0};
        },
        state);
    ASSERT_GOOD(engine.write_state(vm, state));
  }
}

// Runs machine 1 until it stops or is at step `target`; where others are does not matter.
std::optional<Exit> run_to(Engine& engine, u64 target) {
  const Result<Stop> stop = run_until(engine, 1, target);
  if (!stop) {
    ADD_FAILURE() << stop.error().text();
    return std::nullopt;
  }
  return stop->exit;
}

struct Expected {
  u64 icount;
  u32 index;
  u64 address;
};

// Goes from stop to stop; between them the machine is what it is without stop points.
void expect_stops(Engine& engine, Engine& plain, const std::vector<StopPoint>& stops,
                  const std::vector<Expected>& expected) {
  ASSERT_GOOD(engine.set_stops(1, stops));
  for (const Expected& want : expected) {
    SCOPED_TRACE(want.icount);
    const std::optional<Exit> exit = run_to(engine, want.icount + 100);
    ASSERT_TRUE(exit);
    EXPECT_EQ(exit->reason, isa::EXIT_STOP_POINT);
    EXPECT_EQ(exit->arg0, want.index);
    EXPECT_EQ(exit->arg1, static_cast<u32>(want.address));
    EXPECT_EQ(*icount(engine, 1), want.icount);
    ASSERT_FALSE(run_to(plain, want.icount));
    EXPECT_EQ(*engine.state_hash(1), *plain.state_hash(1));
    ASSERT_GOOD(engine.resume(1));
  }
}

void check_stops_of(Engine& engine, Engine& plain) {
  load_loop(engine);
  load_loop(plain);
  // At the very first instruction, at a later one, and each time around.
  expect_stops(engine, plain,
               {{Kind::execute, at(6), 1}, {Kind::execute, at(0), 1}, {Kind::execute, at(100), 1}},
               {{0, 1, at(0)}, {6, 0, at(6)}, {kRound, 1, at(0)}, {kRound + 6, 0, at(6)}});
  // Data: bytes of a word, loads, stores, and an atomic, which is both.
  u64 round = 2 * kRound;
  expect_stops(engine, plain, {{Kind::store, kDataPa + 19, 1}},
               {{round + 1, 0, kDataPa + 16}, {round + kRound + 1, 0, kDataPa + 16}});
  round += kRound;
  expect_stops(engine, plain, {{Kind::load, kDataPa + 16, 4}}, {{round + 2, 0, kDataPa + 17}});
  expect_stops(engine, plain, {{Kind::access, kDataPa + 2, 1}}, {{round + 3, 0, kDataPa}});
  round += kRound;
  expect_stops(engine, plain, {{Kind::load, kDataPa, 4}}, {{round + 3, 0, kDataPa}});
  round += kRound;
  expect_stops(engine, plain, {{Kind::store, kDataPa, 4}}, {{round + 3, 0, kDataPa}});
  round += kRound;
  const u64 below_zero = engine.config().xlen == Xlen::rv32 ? 0xfffffff0 : ~u64{15};
  // Ranges that end right before an access or begin right after it are not touched; one that goes
  // around the end of memory is.
  expect_stops(engine, plain,
               {{Kind::store, kDataPa + 12, 4},
                {Kind::access, kDataPa + 20, 20},
                {Kind::load, kDataPa + 40, 1},
                {Kind::store, below_zero, kDataPa + 0x20 + 16}},
               {{round + 1, 3, kDataPa + 16}});
  // An execute point comes before one of data, the first before the second.
  expect_stops(
      engine, plain,
      {{Kind::store, kDataPa + 40, 1}, {Kind::execute, at(5), 1}, {Kind::execute, at(5), 1}},
      {{round + 5, 1, at(5)}});
  // Taken away, it runs on.
  ASSERT_GOOD(engine.set_stops(1, {}));
  EXPECT_FALSE(run_to(engine, 1000));
  EXPECT_FALSE(run_to(plain, 1000));
  EXPECT_EQ(*engine.state_hash(1), *plain.state_hash(1));
}

// What ends the passage over the instruction at which the machine stopped.
void check_going_on(Engine& engine) {
  load_loop(engine);
  const std::vector<StopPoint> stop = {{Kind::execute, at(2), 1}};
  ASSERT_GOOD(engine.set_stops(1, stop));
  ASSERT_TRUE(run_to(engine, 100));
  EXPECT_EQ(*icount(engine, 1), 2u);
  const Result<MachineState> stopped = engine.read_state(1);
  ASSERT_GOOD(stopped);
  // The same points set anew, and others for a while: no second stop.
  ASSERT_GOOD(engine.set_stops(1, {}));
  ASSERT_GOOD(engine.set_stops(1, stop));
  ASSERT_GOOD(engine.resume(1));
  EXPECT_FALSE(run_to(engine, 3));
  EXPECT_EQ(pc_of(*engine.read_state(1)), at(3));
  // Put back to before it: a new stop.
  MachineState before = *stopped;
  std::visit(
      [](auto& s) {
        s.hart.pc = static_cast<std::decay_t<decltype(s.hart.pc)>>(at(1));
        s.hart.icount = 1;
        s.machine.run_state = isa::EXIT_NONE;
      },
      before);
  ASSERT_GOOD(engine.write_state(1, before));
  ASSERT_TRUE(run_to(engine, 100));
  EXPECT_EQ(*icount(engine, 1), 2u);
  // Another pc at the same count: a stop there.
  ASSERT_GOOD(engine.set_stops(
      1, std::vector<StopPoint>{{Kind::execute, at(2), 1}, {Kind::execute, at(4), 1}}));
  std::visit(
      [](auto& s) {
        s.hart.pc = static_cast<std::decay_t<decltype(s.hart.pc)>>(at(4));
        s.hart.icount = 2;
      },
      before);
  ASSERT_GOOD(engine.write_state(1, before));
  const std::optional<Exit> exit = run_to(engine, 100);
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->arg0, 1u);
  EXPECT_EQ(*icount(engine, 1), 2u);
  // A stop and a trace at once: the trace has what was executed.
  ASSERT_GOOD(engine.resume(1));
  ASSERT_GOOD(engine.set_trace(1, TraceOptions{}));
  ASSERT_TRUE(run_to(engine, 100));
  const std::vector<TraceRecord> records = engine.take_trace(1);
  ASSERT_EQ(records.size(), 6u);
  EXPECT_EQ(records.front().pc, at(4));
  EXPECT_EQ(records.back().pc, at(1));
  ASSERT_GOOD(engine.set_trace(1, std::nullopt));
}

void check_refusals(Engine& engine) {
  std::vector<StopPoint> stops(isa::STOP_POINTS);
  ASSERT_GOOD(engine.set_stops(1, stops));
  stops.push_back({});
  EXPECT_EQ(engine.set_stops(1, stops).error().message,
            "65 stop points are more than the 64 that a machine can have.");
  const std::vector<StopPoint> empty = {{Kind::store, kDataPa, 0}};
  EXPECT_EQ(engine.set_stops(1, empty).error().message,
            "A stop point at 0x80001000 watches a range of 0 bytes.");
  const std::vector<StopPoint> far = {{Kind::execute, u64{1} << 32, 1}};
  if (engine.config().xlen == Xlen::rv32) {
    EXPECT_EQ(engine.set_stops(1, far).error().message,
              "A stop point at 0x100000000 is beyond the 32-bit addresses of this machine.");
  } else {
    ASSERT_GOOD(engine.set_stops(1, far));
  }
}

using Make = Result<std::unique_ptr<Engine>> (*)(const EngineConfig&);

void check_all(Make make, Xlen xlen) {
  const EngineConfig config = {.xlen = xlen, .ram_bytes = kRamBytes, .vm_count = kVms};
  auto engine = make(config);
  if (!engine && engine.error().kind == ErrorKind::usage) GTEST_SKIP() << engine.error().text();
  ASSERT_GOOD(engine);
  auto plain = make_cpu_engine(config);
  ASSERT_GOOD(plain);
  check_stops_of(**engine, **plain);
  check_refusals(**engine);
}

TEST(StopsCpu, Rv32) { check_all(make_cpu_engine, Xlen::rv32); }
TEST(StopsCpu, Rv64) { check_all(make_cpu_engine, Xlen::rv64); }
TEST(StopsGpu, Rv32) { check_all(make_gpu_engine, Xlen::rv32); }
TEST(StopsGpu, Rv64) { check_all(make_gpu_engine, Xlen::rv64); }

void check_passage(Make make) {
  auto engine = make({.xlen = Xlen::rv32, .ram_bytes = kRamBytes, .vm_count = kVms});
  if (!engine && engine.error().kind == ErrorKind::usage) GTEST_SKIP() << engine.error().text();
  ASSERT_GOOD(engine);
  check_going_on(**engine);
}

TEST(StopsCpu, GoingOn) { check_passage(make_cpu_engine); }
TEST(StopsGpu, GoingOn) { check_passage(make_gpu_engine); }

// With translation on, a point of data has to see the instruction before it is fetched, which must
// not fill the TLB or set a page-table entry's A bit: at each stop the machine is what it is
// without stop points.
void check_translated(Make make, u64 max_stops) {
  const std::vector<BareProgram> all = bare_programs(Xlen::rv32);
  if (all.empty()) GTEST_SKIP() << "No bare programs were built: there is no cross compiler.";
  const EngineConfig config = {.xlen = Xlen::rv32, .ram_bytes = kBareRamBytes};
  auto engine = make(config);
  if (!engine && engine.error().kind == ErrorKind::usage) GTEST_SKIP() << engine.error().text();
  ASSERT_GOOD(engine);
  auto plain = make_cpu_engine(config);
  ASSERT_GOOD(plain);
  u64 stops = 0;
  for (const BareProgram& program : all) {
    if (!program.name.starts_with("sv32_") && !program.name.starts_with("mini_kernel")) continue;
    SCOPED_TRACE(program.name);
    const Result<WholeMachine> machine = load(program);
    ASSERT_GOOD(machine);
    ASSERT_GOOD(put_machine(**engine, 0, *machine));
    ASSERT_GOOD(put_machine(**plain, 0, *machine));
    // Any access of the upper half of memory, so also of pages that are mapped elsewhere.
    ASSERT_GOOD((*engine)->set_stops(0, std::vector<StopPoint>{{Kind::access, 0, 0x7fffffff}}));
    for (u64 i = 0; i < max_stops; ++i) {
      const Result<Stop> stop = run_until(**engine, 0, std::min<u64>(program.steps, 200'000));
      ASSERT_GOOD(stop);
      const u64 now = *icount(**engine, 0);
      ASSERT_GOOD(run_until(**plain, 0, now));
      if (!stop->exit || stop->exit->reason != isa::EXIT_STOP_POINT) break;
      ++stops;
      // Unless an interrupt was taken at this very boundary, which the other machine has not.
      if (pc_of(*(*engine)->read_state(0)) == pc_of(*(*plain)->read_state(0))) {
        ASSERT_EQ(*(*engine)->state_hash(0), *(*plain)->state_hash(0)) << "at step " << now;
      }
      ASSERT_GOOD((*engine)->resume(0));
    }
  }
  EXPECT_GT(stops, 20u);
}

TEST(StopsCpu, LeaveNoTraceInPageTablesAndTlb) { check_translated(make_cpu_engine, 300); }
TEST(StopsGpu, LeaveNoTraceInPageTablesAndTlb) { check_translated(make_gpu_engine, 12); }

}  // namespace
}  // namespace rookery::test
