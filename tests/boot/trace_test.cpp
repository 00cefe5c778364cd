// SPDX-License-Identifier: Apache-2.0
// Traces (Engine::set_trace()) are the same on both engines: over the bare programs, which execute
// every instruction, trap and interrupt there is, and over pieces of a Linux boot. And a trace
// changes nothing: the machine is afterwards what one without a trace is.
#include <algorithm>
#include <cstring>
#include <iostream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "boot/bare_programs.h"
#include "boot/guest_code.h"
#include "boot/test_engines.h"
#include "debug/compare_engines.h"
#include "engine/whole_machine.h"
#include "machine/boot.h"

namespace rookery::test {
namespace {

using Kind = TraceRecord::Kind;

#define ASSERT_GOOD(expression)                                  \
  if (const auto& good_result = (expression); !good_result) {    \
    FAIL() << #expression << ": " << good_result.error().text(); \
  }

std::string text_of(const TraceRecord& r) {
  return fmt::format(
      "step {} kind {} privilege {} pc {:#x} ins {:08x} x{} {:#x} flags {:02x} va {:#x} stored "
      "{:#x}",
      r.icount, static_cast<u32>(r.kind), r.privilege, r.pc, r.ins, r.rd, r.value, r.flags, r.va,
      r.stored);
}

struct Traced {
  std::vector<TraceRecord> records;
  std::optional<Exit> exit;
  u64 icount = 0;
  u64 hash = 0;
};

// Puts the machine into vm 0 of the engine and runs it to icount `target` or its exit.
Result<Traced> traced(Engine& engine, const WholeMachine& machine, u64 target,
                      const std::optional<TraceOptions>& options) {
  Result<void> ok = put_machine(engine, 0, machine);
  if (ok) ok = engine.set_trace(0, options);
  if (!ok) return std::unexpected(std::move(ok.error()));
  Traced result;
  while (!result.exit) {
    const Result<u64> now = icount(engine, 0);
    if (!now) return std::unexpected(now.error());
    result.icount = *now;
    if (*now >= target) break;
    const Result<RunReport> report = engine.run(target - *now);
    if (!report) return std::unexpected(report.error());
    for (const TraceRecord& record : engine.take_trace(0)) result.records.push_back(record);
    engine.take_console(0);
    for (const Exit& exit : report->exits) result.exit = exit;
  }
  const Result<u64> hash = engine.state_hash(0);
  const Result<u64> now = icount(engine, 0);
  if (!hash || !now) return fail(ErrorKind::internal, "The machine cannot be read.");
  result.hash = *hash;
  result.icount = *now;
  return result;
}

void expect_equal(const Traced& expected, const Traced& actual) {
  const size_t common = std::min(expected.records.size(), actual.records.size());
  for (size_t i = 0; i < common; ++i) {
    if (expected.records[i] == actual.records[i]) continue;
    FAIL() << "Record " << i << " differs.\n"
           << text_of(expected.records[i]) << "\n"
           << text_of(actual.records[i]);
  }
  EXPECT_EQ(expected.records.size(), actual.records.size());
  EXPECT_EQ(expected.icount, actual.icount);
  EXPECT_EQ(expected.hash, actual.hash);
}

// --- Bare programs ---

constexpr u64 kSoftwareSteps = 12'000;
constexpr u64 kHardwareSteps = 1'000'000;

void compare_bare_traces(Xlen xlen) {
  const std::vector<BareProgram> all = bare_programs(xlen);
  if (all.empty()) GTEST_SKIP() << "No bare programs were built: there is no cross compiler.";
  const EngineConfig config = {.xlen = xlen, .ram_bytes = kBareRamBytes};
  auto gpu = make_gpu_engine(config);
  if (!gpu && gpu.error().kind == ErrorKind::usage) GTEST_SKIP() << gpu.error().text();
  ASSERT_GOOD(gpu);
  auto cpu = make_cpu_engine(config);
  ASSERT_GOOD(cpu);
  const u64 steps = is_software(tested_adapter()) ? kSoftwareSteps : kHardwareSteps;
  u64 count = 0;
  u64 commits = 0;
  u64 interrupts = 0;
  for (const BareProgram& program : all) {
    SCOPED_TRACE(program.name);
    const Result<WholeMachine> machine = load(program);
    ASSERT_GOOD(machine);
    const Result<Traced> plain = traced(**cpu, *machine, steps, std::nullopt);
    ASSERT_GOOD(plain);
    EXPECT_TRUE(plain->records.empty());
    const Result<Traced> expected = traced(**cpu, *machine, steps, TraceOptions{});
    ASSERT_GOOD(expected);
    const Result<Traced> actual = traced(**gpu, *machine, steps, TraceOptions{});
    ASSERT_GOOD(actual);
    EXPECT_EQ(plain->hash, expected->hash);
    expect_equal(*expected, *actual);
    // Each step is a commit or an exception.
    u64 attempts = 0;
    for (const TraceRecord& record : expected->records) {
      attempts += record.kind != Kind::interrupt ? 1 : 0;
      commits += record.kind == Kind::commit ? 1 : 0;
      interrupts += record.kind == Kind::interrupt ? 1 : 0;
    }
    EXPECT_EQ(attempts, expected->icount);
    count += expected->records.size();
  }
  EXPECT_GT(interrupts, 0u);
  std::cout << fmt::format("{} programs of RV{}: {} records, {} commits, {} interrupts.\n",
                           all.size(), static_cast<u32>(xlen), count, commits, interrupts);
}

TEST(TraceRv32, BareProgramsLeaveTheSameRecords) { compare_bare_traces(Xlen::rv32); }
TEST(TraceRv64, BareProgramsLeaveTheSameRecords) { compare_bare_traces(Xlen::rv64); }

// --- Linux ---

TEST(TraceLinux, PiecesOfABootLeaveTheSameRecords) {
  MachineConfig config;
  config.kernel_path = ROOKERY_SOURCE_DIR "/images/default/Image.zst";
  config.initrd_path = ROOKERY_SOURCE_DIR "/images/default/initramfs.cpio.zst";
  config.append = "earlycon=sbi console=ttyS0";
  Result<BootFiles> files = read_boot_files(config);
  ASSERT_GOOD(files);
  const Result<BootImage> image = plan_boot(config, std::move(*files));
  ASSERT_GOOD(image);
  const EngineConfig engine_config = {.xlen = image->xlen, .ram_bytes = image->ram_bytes};
  auto gpu = make_gpu_engine(engine_config);
  if (!gpu && gpu.error().kind == ErrorKind::usage) GTEST_SKIP() << gpu.error().text();
  ASSERT_GOOD(gpu);
  auto cpu = make_cpu_engine(engine_config);
  ASSERT_GOOD(cpu);
  constexpr u64 kPiece = 40'000;
  // Where the first interrupt is taken, and where user mode traps first: there are page faults and
  // system calls around.
  const Result<Traced> boot =
      traced(**cpu, machine_of(*image), 8'000'000, TraceOptions{.commits = false});
  ASSERT_GOOD(boot);
  const auto first = [&](const auto& is_wanted) {
    const auto found = std::find_if(boot->records.begin(), boot->records.end(), is_wanted);
    return found == boot->records.end() ? 0 : found->icount;
  };
  const u64 first_interrupt = first([](const TraceRecord& r) { return r.kind == Kind::interrupt; });
  const u64 first_user = first([](const TraceRecord& r) { return r.privilege == 0; });
  ASSERT_GT(first_interrupt, kPiece);
  ASSERT_GT(first_user, first_interrupt);
  ASSERT_GOOD((*cpu)->set_trace(0, std::nullopt));
  ASSERT_GOOD(put_machine(**cpu, 0, machine_of(*image)));
  u64 by_privilege[4] = {};
  u64 by_kind[3] = {};
  for (const u64 from : {first_interrupt - kPiece / 4, first_user - kPiece / 4}) {
    SCOPED_TRACE(from);
    const Result<Stop> stop = run_until(**cpu, 0, from);
    ASSERT_GOOD(stop);
    ASSERT_FALSE(stop->exit);
    const Result<WholeMachine> machine = read_machine(**cpu, 0);
    ASSERT_GOOD(machine);
    const Result<Traced> actual = traced(**gpu, *machine, from + kPiece, TraceOptions{});
    ASSERT_GOOD(actual);
    const Result<Traced> expected = traced(**cpu, *machine, from + kPiece, TraceOptions{});
    ASSERT_GOOD(expected);
    ASSERT_GOOD((*cpu)->set_trace(0, std::nullopt));
    expect_equal(*expected, *actual);
    for (const TraceRecord& record : expected->records) {
      by_privilege[record.privilege & 3] += 1;
      by_kind[static_cast<u32>(record.kind)] += 1;
    }
  }
  EXPECT_GT(by_privilege[0], 100u);
  EXPECT_GT(by_privilege[1], 100u);
  EXPECT_GT(by_kind[static_cast<u32>(Kind::exception)], 0u);
  EXPECT_GT(by_kind[static_cast<u32>(Kind::interrupt)], 0u);
}

// --- What a record says, what options leave out, and fleets ---

using namespace guest;

constexpr u32 kDataPa = isa::RAM_BASE + 0x1000;

WholeMachine small_machine(Xlen xlen, const std::vector<u32>& code) {
  WholeMachine machine;
  machine.state = isa::make_state(xlen);
  std::visit(
      [](auto& state) {
        state.hart.pc = isa::RAM_BASE;
        state.hart.privilege = 3;
        state.hart.mtvec = isa::RAM_BASE + 0x100;
        state.aclint.mtimecmp = ~u64{0};
        state.machine.ram_bytes = kBareRamBytes;
      },
      machine.state);
  machine.ram.resize(kBareRamBytes);
  std::memcpy(machine.ram.data(), code.data(), code.size() * sizeof(u32));
  return machine;
}

constexpr u32 csrrw(u32 rd, u32 csr, u32 rs1) {
  return i_type(0x73, 1, rd, rs1, static_cast<i32>(csr));
}

constexpr u32 kScratch = 0x340;
constexpr u32 kEcall = 0x73;
constexpr u32 a7 = 17;
constexpr u32 kIllegal = 0xffffffff;
const std::vector<u32> kCode = {
    auipc(s0, 1),  // the data
    addi(t0, zero, -3),
    sb(t0, 5, s0),  // a byte
    lbu(t1, 5, s0),
    sw(t0, 8, s0),           //
    amoadd_w(zero, t1, s0),  // without a destination
    csrrw(t2, kScratch, t0),
    kIllegal,
};
constexpr u32 kHandler = kSpin;  // at mtvec

std::vector<TraceRecord> expected_records() {
  const u64 pc = isa::RAM_BASE;
  const u64 minus_3 = 0xfffffffd;
  const u8 byte_store = isa::TRACE_STORED;
  const u8 word_store = isa::TRACE_STORED | 2;
  const u8 amo = isa::TRACE_LOADED | isa::TRACE_STORED | 2;
  return {
      {0, pc, kDataPa, 0, 0, kCode[0], Kind::commit, 3, s0, 0},
      {1, pc + 4, minus_3, 0, 0, kCode[1], Kind::commit, 3, t0, 0},
      {2, pc + 8, 0, kDataPa + 5, minus_3, kCode[2], Kind::commit, 3, 0, byte_store},
      {3, pc + 12, 0xfd, kDataPa + 5, 0, kCode[3], Kind::commit, 3, t1, isa::TRACE_LOADED},
      {4, pc + 16, 0, kDataPa + 8, minus_3, kCode[4], Kind::commit, 3, 0, word_store},
      {5, pc + 20, 0, kDataPa, 0xfd, kCode[5], Kind::commit, 3, 0, amo},
      {6, pc + 24, 0, 0, minus_3, kCode[6], Kind::commit, 3, t2, isa::TRACE_WROTE_CSR},
      {7, pc + 28, kIllegal, 0, 0, isa::CAUSE_ILLEGAL_INSTRUCTION, Kind::exception, 3, 0, 0},
      {8, pc + 0x100, 0, 0, 0, kHandler, Kind::commit, 3, 0, 0},
  };
}

// SBI's get_spec_version, answered by the machine in a0 and a1.
void check_sbi(Engine& engine) {
  WholeMachine machine = small_machine(Xlen::rv32, {addi(a7, zero, 0x10), kEcall});
  std::visit(
      [](auto& state) {
        state.hart.privilege = 1;
        state.machine.sbi = 1;
        state.hart.x[a1] = 77;
      },
      machine.state);
  const Result<Traced> result = traced(engine, machine, 2, TraceOptions{});
  ASSERT_GOOD(result);
  ASSERT_EQ(result->records.size(), 2u);
  const TraceRecord& call = result->records[1];
  EXPECT_TRUE(call.answered_sbi());
  EXPECT_EQ(call.rd, a0);
  EXPECT_EQ(call.value, 0u);
  EXPECT_EQ(call.stored, 0x2000000u);  // version 2.0
}

void check_records(Engine& engine) {
  WholeMachine machine = small_machine(Xlen::rv32, kCode);
  std::memcpy(machine.ram.data() + 0x100, &kHandler, sizeof kHandler);
  const std::vector<TraceRecord> all = expected_records();
  const auto expect = [&](const TraceOptions& options, std::vector<TraceRecord> wanted) {
    const Result<Traced> result = traced(engine, machine, all.size(), options);
    ASSERT_GOOD(result);
    ASSERT_EQ(result->records.size(), wanted.size());
    for (size_t i = 0; i < wanted.size(); ++i)
      EXPECT_EQ(text_of(result->records[i]), text_of(wanted[i]));
  };
  expect({}, all);
  expect({.commits = false}, {all[7]});
  expect({.traps = false, .pc_low = isa::RAM_BASE + 24}, {all[6], all[8]});
  expect({.pc_low = isa::RAM_BASE + 8, .pc_high = isa::RAM_BASE + 12}, {all[2], all[3]});
  expect({.privileges = 0b0011}, {});
  expect({.pc_low = u64{1} << 32}, {});
  check_sbi(engine);
}

TEST(Trace, RecordsOfTheCpuEngine) {
  auto engine = make_cpu_engine({.xlen = Xlen::rv32, .ram_bytes = kBareRamBytes});
  ASSERT_GOOD(engine);
  check_records(**engine);
}

TEST(Trace, RecordsOfTheGpuEngine) {
  auto engine = make_gpu_engine({.xlen = Xlen::rv32, .ram_bytes = kBareRamBytes});
  if (!engine && engine.error().kind == ErrorKind::usage) GTEST_SKIP() << engine.error().text();
  ASSERT_GOOD(engine);
  check_records(**engine);
}

// One machine of a fleet is traced: its ring fills many times, and all machines end where they
// would.
void check_fleet(Engine& engine) {
  constexpr u32 kVms = 40;
  constexpr u32 kTraced = 37;
  constexpr u64 kSteps = 30'000;
  const std::vector<u32> code = {addi(t0, t0, 1), add(t1, t1, t0), sw(t1, 0x400, s0),
                                 beq(zero, zero, -12)};
  for (u32 vm = 0; vm < kVms; ++vm) {
    WholeMachine machine = small_machine(Xlen::rv32, code);
    std::visit(
        [&](auto& state) {
          state.hart.x[t1] = vm;
          state.hart.x[s0] = isa::RAM_BASE;
        },
        machine.state);
    machine.ram.resize(u64{64} << 10);
    std::visit([&](auto& state) { state.machine.ram_bytes = static_cast<u32>(machine.ram.size()); },
               machine.state);
    if (vm == 0) ASSERT_GOOD(engine.load_base(isa::RAM_BASE, machine.ram));
    ASSERT_GOOD(engine.write_state(vm, machine.state));
  }
  ASSERT_GOOD(engine.set_trace(kTraced, TraceOptions{}));
  std::vector<TraceRecord> records;
  while (true) {
    const Result<u64> now = icount(engine, kTraced);
    ASSERT_GOOD(now);
    if (*now == kSteps) break;
    // The others wait when they are there.
    for (const u32 vm : {0u, kVms - 1}) {
      Result<MachineState> state = engine.read_state(vm);
      ASSERT_GOOD(state);
      std::visit(
          [&](auto& s) {
            if (s.hart.icount == kSteps) s.machine.run_state = isa::EXIT_WFI;
          },
          *state);
      ASSERT_GOOD(engine.write_state(vm, *state));
    }
    ASSERT_GOOD(engine.run(std::min<u64>(kSteps - *now, 10'000)));
    for (const TraceRecord& record : engine.take_trace(kTraced)) records.push_back(record);
    EXPECT_TRUE(engine.take_trace(0).empty());
  }
  EXPECT_EQ(records.size(), kSteps);
  EXPECT_EQ(records.back().icount, kSteps - 1);
  ASSERT_GOOD(engine.set_trace(kTraced, std::nullopt));
  ASSERT_GOOD(engine.run(1));
  EXPECT_TRUE(engine.take_trace(kTraced).empty());
}

TEST(Trace, OneMachineOfAFleetOnTheCpu) {
  auto engine = make_cpu_engine({.xlen = Xlen::rv32, .ram_bytes = u64{64} << 10, .vm_count = 40});
  ASSERT_GOOD(engine);
  check_fleet(**engine);
}

TEST(Trace, OneMachineOfAFleetOnTheGpu) {
  auto engine = make_gpu_engine({.xlen = Xlen::rv32, .ram_bytes = u64{64} << 10, .vm_count = 40});
  if (!engine && engine.error().kind == ErrorKind::usage) GTEST_SKIP() << engine.error().text();
  ASSERT_GOOD(engine);
  check_fleet(**engine);
}

}  // namespace
}  // namespace rookery::test
