// SPDX-License-Identifier: Apache-2.0
// What campaigns ask of engines: permanent faults, and where machines leave a path. The same on
// both engines, at every step.
#include <algorithm>
#include <memory>
#include <numeric>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "boot/bare_programs.h"
#include "boot/test_engines.h"
#include "debug/compare_engines.h"
#include "engine/checkpoint.h"
#include "engine/whole_machine.h"

namespace rookery::test {
namespace {

#define ASSERT_GOOD(expression)                                  \
  if (const auto& good_result = (expression); !good_result) {    \
    FAIL() << #expression << ": " << good_result.error().text(); \
  }

using Make = Result<std::unique_ptr<Engine>> (*)(const EngineConfig&);

#define MAKE_ENGINE(name, make, ...)                                \
  auto name##_made = make(EngineConfig{__VA_ARGS__});               \
  if (!name##_made && name##_made.error().kind == ErrorKind::usage) \
    GTEST_SKIP() << name##_made.error().text();                     \
  ASSERT_TRUE(name##_made) << name##_made.error().text();           \
  Engine& name = **name##_made;

// A kernel with two processes, page tables and timer interrupts.
std::optional<WholeMachine> little_kernel() {
  for (const BareProgram& program : bare_programs(Xlen::rv32)) {
    if (program.name != "mini_kernel") continue;
    auto machine = load(program);
    EXPECT_TRUE(machine) << machine.error().text();
    if (machine) return *std::move(machine);
  }
  return std::nullopt;
}

constexpr u64 kWarmSteps = 60'000;  // the kernel runs its processes

// The machines that the kernel is by then.
WholeMachine after(const WholeMachine& machine, u64 steps) {
  auto engine = make_cpu_engine({.ram_bytes = kBareRamBytes});
  EXPECT_TRUE(engine);
  EXPECT_TRUE(put_machine(**engine, 0, machine));
  EXPECT_TRUE(run_until(**engine, 0, steps));
  auto now = read_machine(**engine, 0);
  EXPECT_TRUE(now);
  return *std::move(now);
}

Result<void> fork(Engine& engine, const WholeMachine& machine) {
  Result<void> ok = engine.load_base(isa::RAM_BASE, machine.ram);
  return ok ? engine.load_state(machine.state) : ok;
}

// Until all machines have made so many steps, or stopped.
void run_all(Engine& engine, u64 steps) {
  for (u64 made = 0; made < steps;) {
    const auto report = engine.run(steps - made);
    ASSERT_GOOD(report);
    for (u32 vm = 0; vm < engine.config().vm_count; ++vm) engine.take_console(vm);
    if (report->steps == 0) return;
    made += report->steps;
  }
}

struct State {
  u64 icount;
  u64 hash;
  bool operator==(const State&) const = default;
};

State state_of(Engine& engine, u32 vm) { return {*icount(engine, vm), *engine.state_hash(vm)}; }

// --- Permanent faults ---

WordBits stuck(bool is_ram, u32 at, u32 bit, bool one) {
  const u32 mask = u32{1} << bit;
  return {is_ram, at, ~mask, one ? mask : 0};
}

// Bits of everything that there is, stuck at 0 and at 1.
std::vector<WordBits> faults_of(const WholeMachine& machine) {
  const auto& state = std::get<isa::State<u32>>(machine.state);
  std::vector<WordBits> faults;
  const auto add = [&](const u32& word, std::initializer_list<u32> bits) {
    const auto at = static_cast<u32>(&word - state.words().data());
    for (const u32 bit : bits) {
      for (const bool one : {false, true}) faults.push_back(stuck(false, at, bit, one));
    }
  };
  const auto& hart = state.hart;
  add(hart.x[5], {0, 7, 31});
  add(hart.x[2], {4});
  add(hart.x[10], {1});
  add(hart.pc, {2, 12});
  add(hart.mstatus, {1, 3, 18});
  add(hart.stvec, {4});
  add(hart.sepc, {3});
  add(hart.satp, {0, 31});
  add(hart.mie, {5, 7});
  for (const u32 entry : {0u, 1u, isa::TLB_ENTRIES, 2 * isa::TLB_ENTRIES + 1}) {
    add(hart.tlb_tag[entry], {4, 13});
    add(hart.tlb_page[entry], {12, 31});
  }
  // Code, page tables, data: pages that are not empty.
  for (u32 page = 0, found = 0; page < machine.ram.size() / isa::PAGE_BYTES && found < 12; ++page) {
    const auto* const bytes = machine.ram.data() + u64{page} * isa::PAGE_BYTES;
    const auto* const used =
        std::find_if(bytes, bytes + isa::PAGE_BYTES, [](u8 byte) { return byte != 0; });
    if (used == bytes + isa::PAGE_BYTES) continue;
    ++found;
    const u32 pa = isa::RAM_BASE + page * isa::PAGE_BYTES + static_cast<u32>(used - bytes) / 4 * 4;
    faults.push_back(stuck(true, pa, 6, true));
    faults.push_back(stuck(true, pa, 7, false));
    faults.push_back(stuck(true, pa + 64, 13, true));
  }
  return faults;
}

void run_with_faults(Engine& engine, const WholeMachine& machine,
                     const std::vector<WordBits>& faults, std::vector<State>& states) {
  const u32 count = static_cast<u32>(faults.size());
  ASSERT_GOOD(fork(engine, machine));
  run_all(engine, 500);
  // The last machine has no fault.
  for (u32 vm = 0; vm < count; ++vm) ASSERT_GOOD(engine.set_stuck(vm, faults[vm]));
  for (const u64 steps : {u64{313}, u64{10'000}}) {
    run_all(engine, steps);
    for (u32 vm = 0; vm <= count; ++vm) states.push_back(state_of(engine, vm));
  }
}

TEST(EngineGpu, PermanentFaultsAreThoseOfTheCpu) {
  const auto begin = little_kernel();
  if (!begin) GTEST_SKIP() << "No bare programs were built: there is no cross compiler.";
  const WholeMachine machine = after(*begin, kWarmSteps);
  const std::vector<WordBits> faults = faults_of(machine);
  const u32 count = static_cast<u32>(faults.size());
  ASSERT_GT(count, 60u);
  MAKE_ENGINE(gpu, make_gpu_engine, .ram_bytes = kBareRamBytes, .vm_count = count + 1);
  MAKE_ENGINE(cpu, make_cpu_engine, .ram_bytes = kBareRamBytes, .vm_count = count + 1);
  std::vector<State> expected;
  std::vector<State> found;
  run_with_faults(cpu, machine, faults, expected);
  run_with_faults(gpu, machine, faults, found);
  ASSERT_EQ(found.size(), expected.size());
  u32 changed = 0;
  for (u64 i = 0; i < found.size(); ++i) {
    const u64 vm = i % (count + 1);
    const bool is_fault = vm < count;
    EXPECT_EQ(found[i], expected[i])
        << "machine " << vm << (is_fault && faults[vm].is_ram ? ", RAM " : ", word ")
        << (is_fault ? faults[vm].at : 0);
    if (is_fault && i > count && found[i].hash != found.back().hash) ++changed;
  }
  EXPECT_GT(changed, 30u) << "few faults did anything";
}

void check_stuck(Make make) {
  const auto begin = little_kernel();
  if (!begin) GTEST_SKIP() << "No bare programs were built: there is no cross compiler.";
  const WholeMachine machine = after(*begin, kWarmSteps);
  MAKE_ENGINE(engine, make, .ram_bytes = kBareRamBytes, .vm_count = 2);
  ASSERT_GOOD(fork(engine, machine));
  EXPECT_FALSE(engine.set_stuck(0, WordBits{false, 1u << 20, 0, 0}));
  EXPECT_FALSE(engine.set_stuck(0, WordBits{true, 0x1000, 0, 0}));
  const WordBits fault = faults_of(machine).front();
  ASSERT_GOOD(engine.set_stuck(0, fault));
  EXPECT_EQ(engine.read_orders(0)->stuck, fault);
  EXPECT_EQ(engine.read_orders(1)->stuck, std::nullopt);
  run_all(engine, 5000);
  EXPECT_NE(state_of(engine, 0), state_of(engine, 1));
  // It goes with the machine, and ends with it.
  const auto orders = engine.read_orders(0);
  ASSERT_GOOD(orders);
  ASSERT_GOOD(engine.write_orders(1, *orders));
  EXPECT_EQ(engine.read_orders(1)->stuck, fault);
  ASSERT_GOOD(engine.set_stuck(1, std::nullopt));
  EXPECT_EQ(engine.read_orders(1)->stuck, std::nullopt);
}
TEST(EngineCpu, APermanentFaultIsAnOrder) { check_stuck(make_cpu_engine); }
TEST(EngineGpu, APermanentFaultIsAnOrder) { check_stuck(make_gpu_engine); }

// --- Changes to come ---

// Where machines stand whose words are changed on the way: in time by change_at(), or by whoever
// stops them there.
void run_with_changes(Engine& engine, const WholeMachine& machine,
                      const std::vector<WordBits>& changes, bool in_time,
                      std::vector<State>& states) {
  const u32 count = static_cast<u32>(changes.size());
  ASSERT_GOOD(fork(engine, machine));
  const u64 begin = icount_of(machine.state);
  // Between instructions, behind traps, at the end of a run; the last machine has none.
  const auto when = [&](u32 vm) { return begin + 100 + 37 * vm; };
  const u64 end = 6'000;
  for (u32 vm = 0; vm < count; ++vm) {
    if (in_time) {
      ASSERT_GOOD(engine.change_at(vm, LaterChange{when(vm), changes[vm]}));
    } else {
      ASSERT_GOOD(engine.stop_at(vm, when(vm)));
    }
  }
  for (u64 made = 0; made < end;) {
    const auto report = engine.run(in_time ? std::min<u64>(700, end - made) : 50);
    ASSERT_GOOD(report);
    for (const Exit& exit : report->exits) {
      if (exit.reason != isa::EXIT_COUNT) continue;
      ASSERT_FALSE(in_time);
      EXPECT_EQ(exit.icount, when(exit.vm));
      const WordBits& word = changes[exit.vm];
      const WordChange change{exit.vm, word.at, word.keep, word.flip};
      ASSERT_GOOD(word.is_ram ? engine.change_ram({&change, 1})
                              : engine.change_states({&change, 1}));
      ASSERT_GOOD(engine.resume(exit.vm));
    }
    for (u32 vm = 0; vm <= count; ++vm) engine.take_console(vm);
    if (report->steps == 0 && report->exits.empty()) break;
    made += report->steps;
  }
  // Those that stopped on the way are behind.
  for (u32 vm = 0; vm <= count; ++vm) ASSERT_GOOD(engine.stop_at(vm, begin + 2 * end));
  for (bool any = true; any;) {
    const auto report = engine.run(end);
    ASSERT_GOOD(report);
    for (u32 vm = 0; vm <= count; ++vm) engine.take_console(vm);
    any = report->steps != 0 || !report->exits.empty();
  }
  for (u32 vm = 0; vm <= count; ++vm) states.push_back(state_of(engine, vm));
}

void check_changes(Make make) {
  const std::optional<WholeMachine> kernel = little_kernel();
  if (!kernel) GTEST_SKIP() << "No bare programs were built: there is no cross compiler.";
  const WholeMachine machine = after(*kernel, kWarmSteps);
  const std::vector<WordBits> changes = faults_of(machine);
  const u32 count = static_cast<u32>(changes.size());
  std::vector<State> expected;
  auto stopped = make_cpu_engine({.ram_bytes = kBareRamBytes, .vm_count = count + 1});
  ASSERT_TRUE(stopped);
  run_with_changes(**stopped, machine, changes, false, expected);
  std::vector<State> actual;
  MAKE_ENGINE(engine, make, .ram_bytes = kBareRamBytes, .vm_count = count + 1);
  run_with_changes(engine, machine, changes, true, actual);
  ASSERT_EQ(expected.size(), actual.size());
  u32 differ = 0;
  for (u32 vm = 0; vm <= count; ++vm) {
    EXPECT_EQ(expected[vm], actual[vm]) << "change " << vm;
    if (actual[vm].hash != actual[count].hash) ++differ;
  }
  EXPECT_GT(differ, 30u) << "few changes did anything";
}

TEST(EngineCpu, ChangesAWordInTime) { check_changes(make_cpu_engine); }
TEST(EngineGpu, ChangesAWordInTime) { check_changes(make_gpu_engine); }

void check_change_order(Make make) {
  MAKE_ENGINE(engine, make, .ram_bytes = kBareRamBytes, .vm_count = 2);
  EXPECT_FALSE(engine.change_at(0, LaterChange{5, {false, 1u << 20, 0, 0}}));
  EXPECT_FALSE(engine.change_at(0, LaterChange{5, {true, 0x1000, 0, 0}}));
  const LaterChange change{u64{7} << 32, stuck(true, isa::RAM_BASE + 64, 3, true)};
  ASSERT_GOOD(engine.change_at(0, change));
  const auto orders = engine.read_orders(0);
  ASSERT_GOOD(orders);
  EXPECT_EQ(orders->change, change);
  ASSERT_GOOD(engine.write_orders(1, *orders));
  EXPECT_EQ(engine.read_orders(1)->change, change);
  ASSERT_GOOD(engine.change_at(1, std::nullopt));
  EXPECT_EQ(engine.read_orders(1)->change, std::nullopt);
  const u32 first = 0;
  Checkpoint loaded;
  loaded.state = *engine.read_state(0);
  ASSERT_GOOD(engine.reset({&first, 1}, loaded));
  EXPECT_EQ(engine.read_orders(0)->change, std::nullopt);
}

TEST(EngineCpu, AChangeToComeIsAnOrder) { check_change_order(make_cpu_engine); }
TEST(EngineGpu, AChangeToComeIsAnOrder) { check_change_order(make_gpu_engine); }

// --- Paths ---

InstructionPath path_of(const WholeMachine& machine, u64 steps) {
  auto engine = make_cpu_engine({.ram_bytes = kBareRamBytes});
  EXPECT_TRUE(engine);
  EXPECT_TRUE(put_machine(**engine, 0, machine));
  EXPECT_TRUE((*engine)->set_trace(0, TraceOptions{}));
  InstructionPath path{icount_of(machine.state), std::vector<u32>(steps, isa::PATH_ANY)};
  for (u64 made = 0; made < steps;) {
    const auto report = (*engine)->run(steps - made);
    EXPECT_TRUE(report);
    if (!report || report->steps == 0) break;
    made += report->steps;
    for (const TraceRecord& record : (*engine)->take_trace(0)) {
      if (record.kind != TraceRecord::Kind::interrupt)
        path.pcs[record.icount - path.first] = static_cast<u32>(record.pc);
    }
  }
  return path;
}

void check_path(Make make) {
  const auto begin = little_kernel();
  if (!begin) GTEST_SKIP() << "No bare programs were built: there is no cross compiler.";
  const WholeMachine machine = after(*begin, kWarmSteps);
  constexpr u64 kSteps = 20'000;
  auto path = std::make_shared<InstructionPath>(path_of(machine, kSteps));
  EXPECT_LT(std::ranges::count(path->pcs, isa::PATH_ANY), 10);
  MAKE_ENGINE(engine, make, .ram_bytes = kBareRamBytes, .vm_count = 40);
  ASSERT_GOOD(fork(engine, machine));
  ASSERT_GOOD(engine.compare_path(path));
  // Machine 7 takes another turn after 3,000 steps, and machine 33 at once.
  const auto& state = std::get<isa::State<u32>>(machine.state);
  const auto pc_word = static_cast<u32>(&state.hart.pc - state.words().data());
  const auto turn = [&](u32 vm) { return WordChange{vm, pc_word, ~u32{0}, 8}; };
  const WordChange first = turn(33);
  ASSERT_GOOD(engine.change_states({&first, 1}));
  run_all(engine, 3000);
  const WordChange second = turn(7);
  ASSERT_GOOD(engine.change_states({&second, 1}));
  const auto turned = engine.read_state(7);
  ASSERT_GOOD(turned);
  run_all(engine, kSteps + 5000 - 3000);
  std::vector<u32> all(40);
  std::iota(all.begin(), all.end(), 0);
  const auto partings = engine.partings(all);
  ASSERT_GOOD(partings);
  for (u32 vm = 0; vm < 40; ++vm) {
    SCOPED_TRACE(vm);
    if (vm != 7 && vm != 33) {
      EXPECT_EQ((*partings)[vm], std::nullopt);
      continue;
    }
    ASSERT_TRUE((*partings)[vm].has_value());
    const u64 icount = path->first + (vm == 7 ? 3000 : 0);
    EXPECT_EQ((*partings)[vm]->icount, icount);
    EXPECT_EQ((*partings)[vm]->pc, vm == 7 ? pc_of(*turned) : (state.hart.pc ^ 8));
  }
  EXPECT_EQ(engine.read_orders(7)->parting, (*partings)[7]);
  // Given again, partings are forgotten; without a path nothing parts.
  ASSERT_GOOD(engine.compare_path(nullptr));
  EXPECT_EQ(engine.partings(all)->at(33), std::nullopt);
  run_all(engine, 1000);
  EXPECT_EQ(engine.partings(all)->at(33), std::nullopt);
  path->pcs.resize(kMaxPathSteps + 1);
  EXPECT_FALSE(engine.compare_path(path));
}
TEST(EngineCpu, SeesWhereMachinesPart) { check_path(make_cpu_engine); }
TEST(EngineGpu, SeesWhereMachinesPart) { check_path(make_gpu_engine); }

}  // namespace
}  // namespace rookery::test
