// SPDX-License-Identifier: Apache-2.0
// What a debugger does to a machine, without any protocol: looking changes nothing, changes are
// what the machine then goes on with, stop points stop where they should.
#include "debug/debug_target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "debug/bare_machine.h"
#include "debug/registers.h"
#include "isa/disassemble.h"

namespace rookery::debug {
namespace {

using test::addi;
using test::BareMachine;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr u32 a0 = 10;
constexpr u32 a1 = 11;
constexpr u32 kData = test::kCodePa + 0x1000;

constexpr u32 kMtvec = 0x305;
constexpr u32 kMstatus = 0x300;
constexpr u32 kMip = 0x344;
constexpr u32 kMcycle = 0xb00;
constexpr u32 kSatp = 0x180;
constexpr u32 kMhartid = 0xf14;
constexpr u32 kTimeh = 0xc81;

u32 csr(u32 number) { return kFirstCsrRegister + number; }

u64 read(DebugTarget& target, u32 number) {
  const auto value = target.read_register(number);
  EXPECT_TRUE(value && *value) << number;
  return value && *value ? **value : ~u64{0};
}

// Runs until something stops the machine.
std::optional<u32> run_on(DebugTarget& target) {
  for (;;) {
    const auto pause = target.run_to_stop();
    EXPECT_TRUE(pause);
    if (!pause || pause->stop || pause->ended) return pause ? pause->stop : std::nullopt;
  }
}

class BothWidths : public testing::TestWithParam<Xlen> {};
INSTANTIATE_TEST_SUITE_P(DebugTarget, BothWidths, testing::Values(Xlen::rv32, Xlen::rv64),
                         [](const auto& width) {
                           return width.param == Xlen::rv32 ? "Rv32" : "Rv64";
                         });

TEST_P(BothWidths, LookingChangesNothing) {
  BareMachine machine(GetParam(), {addi(a0, 0, 7), test::kLoopForever});
  DebugTarget target(machine);
  ASSERT_TRUE(target.step());
  const u64 before = machine.hash();
  for (u32 number = 0; number <= kPrivilegeRegister; ++number) {
    ASSERT_TRUE(target.read_register(number));
  }
  ASSERT_TRUE(target.read_memory(test::kCodePa, 64));
  ASSERT_TRUE(target.read_physical(isa::UART_BASE, 8));
  ASSERT_TRUE(target.read_physical(isa::PLIC_BASE + 0x200004, 4));  // a claim, if it were done
  EXPECT_EQ(machine.hash(), before);
}

TEST_P(BothWidths, EveryCsrOfTheTableIsThere) {
  BareMachine machine(GetParam(), {test::kLoopForever});
  DebugTarget target(machine);
  for (const CsrName& name : csr_names(GetParam())) {
    const auto value = target.read_register(csr(name.number));
    ASSERT_TRUE(value);
    EXPECT_TRUE(*value) << name.name;
  }
  EXPECT_EQ(target.read_register(csr(0x5ff)), std::nullopt);
  const auto timeh = target.read_register(csr(kTimeh));
  EXPECT_EQ(timeh->has_value(), GetParam() == Xlen::rv32);
}

TEST_P(BothWidths, RegistersAreWritten) {
  BareMachine machine(GetParam(), {addi(a1, a0, 1), test::kLoopForever});
  DebugTarget target(machine);
  EXPECT_TRUE(*target.write_register(a0, 41));
  EXPECT_TRUE(*target.write_register(0, 99));
  ASSERT_TRUE(target.step());
  EXPECT_EQ(read(target, a1), 42u);
  EXPECT_EQ(read(target, 0), 0u);
  EXPECT_EQ(read(target, kPcRegister), test::kCodePa + 4);
  EXPECT_TRUE(*target.write_register(kPcRegister, test::kCodePa));
  EXPECT_FALSE(*target.write_register(kPcRegister, test::kCodePa + 1));
  EXPECT_EQ(read(target, kPcRegister), test::kCodePa);
  EXPECT_TRUE(*target.write_register(kPrivilegeRegister, 1));
  EXPECT_FALSE(*target.write_register(kPrivilegeRegister, 2));
  EXPECT_FALSE(*target.write_register(kPrivilegeRegister, u64{1} << 32));
  EXPECT_EQ(read(target, kPrivilegeRegister), 1u);
  EXPECT_FALSE(*target.write_register(33, 1));
}

TEST_P(BothWidths, CsrsKeepTheirRules) {
  BareMachine machine(GetParam(), {test::kLoopForever});
  DebugTarget target(machine);
  EXPECT_TRUE(*target.write_register(csr(kMtvec), test::kCodePa + 3));
  EXPECT_EQ(read(target, csr(kMtvec)), test::kCodePa);  // WARL: a reserved mode
  EXPECT_TRUE(*target.write_register(csr(kMstatus), ~u64{0}));
  EXPECT_EQ(read(target, csr(kMstatus)) & 0xffffffff, isa::MSTATUS_WRITABLE);
  EXPECT_FALSE(*target.write_register(csr(kMhartid), 1));
  EXPECT_TRUE(*target.write_register(csr(kMcycle), 1000));
  EXPECT_EQ(read(target, csr(kMcycle)), 1000u);
  ASSERT_TRUE(target.step());
  EXPECT_EQ(read(target, csr(kMcycle)), 1001u);
}

// The lines of devices are no part of mip that is stored.
TEST_P(BothWidths, MipShowsTheInterruptLines) {
  BareMachine machine(GetParam(), {test::kLoopForever});
  machine.change([](auto& s) { s.aclint.mtimecmp = ~u64{0}; });
  DebugTarget target(machine);
  EXPECT_EQ(read(target, csr(kMip)), 0u);
  machine.change([](auto& s) { s.aclint.msip = 1; });
  DebugTarget again(machine);
  EXPECT_EQ(read(again, csr(kMip)), u64{1} << isa::IRQ_M_SOFTWARE);
}

TEST_P(BothWidths, MemoryIsReadAndWritten) {
  BareMachine machine(GetParam(), {test::kLoopForever});
  DebugTarget target(machine);
  const std::vector<u8> bytes = {1, 2, 3, 4, 5};
  EXPECT_TRUE(*target.write_memory(kData - 2, bytes));
  EXPECT_EQ(*target.read_memory(kData - 2, 5), bytes);
  const u64 ram_end = u64{isa::RAM_BASE} + test::kBareRamBytes;
  EXPECT_EQ(target.read_memory(ram_end - 3, 16)->size(), 3u);
  EXPECT_FALSE(*target.write_memory(ram_end - 3, bytes));
  EXPECT_THAT(*target.read_memory(ram_end - 3, 3), ElementsAre(0, 0, 0));
  EXPECT_THAT(*target.read_memory(0, 4), IsEmpty());
  EXPECT_FALSE(*target.write_memory(isa::UART_BASE, bytes));
  EXPECT_THAT(*target.read_physical(u64{1} << 32, 4), IsEmpty());
  EXPECT_THAT(*target.read_physical(~u64{0}, 4), IsEmpty());
}

TEST_P(BothWidths, WrittenInstructionsAreExecuted) {
  BareMachine machine(GetParam(), {addi(a0, 0, 1), test::kLoopForever});
  DebugTarget target(machine);
  ASSERT_TRUE(target.step());
  const u32 word = addi(a0, 0, 2);
  EXPECT_TRUE(*target.write_memory(test::kCodePa, {reinterpret_cast<const u8*>(&word), 4}));
  EXPECT_TRUE(*target.write_register(kPcRegister, test::kCodePa));
  ASSERT_TRUE(target.step());
  EXPECT_EQ(read(target, a0), 2u);
}

TEST_P(BothWidths, DevicesAreReadWithoutWhatReadingDoes) {
  BareMachine machine(GetParam(), {test::kLoopForever});
  const u8 key = 'k';
  ASSERT_TRUE(machine.engine().push_input(0, {&key, 1}));
  DebugTarget target(machine);
  for (int time = 0; time < 2; ++time) {
    EXPECT_THAT(*target.read_physical(isa::UART_BASE, 1), ElementsAre('k'));
  }
}

// --- Stop points ---

TEST_P(BothWidths, StopsBeforeAnInstructionEachTime) {
  BareMachine machine(GetParam(), {addi(a0, a0, 1), addi(a1, a1, 1), 0xff9ff06f /* j -8 */});
  DebugTarget target(machine);
  target.set_stops({{StopPoint::Kind::execute, test::kCodePa + 4, 4}});
  for (u64 round = 1; round <= 3; ++round) {
    EXPECT_EQ(run_on(target), 0u);
    EXPECT_EQ(read(target, kPcRegister), test::kCodePa + 4);
    EXPECT_EQ(read(target, a0), round);
    EXPECT_EQ(read(target, a1), round - 1);
  }
  EXPECT_EQ(machine.icount(), 7u);
}

TEST_P(BothWidths, AMachineSetToAStopPointStopsAtOnce) {
  BareMachine machine(GetParam(), {test::kNop, test::kNop, test::kNop});
  DebugTarget target(machine);
  target.set_stops({{StopPoint::Kind::execute, test::kCodePa + 4, 4},
                    {StopPoint::Kind::execute, test::kCodePa, 4}});
  EXPECT_EQ(run_on(target), 1u);
  EXPECT_TRUE(*target.write_register(kPcRegister, test::kCodePa + 4));
  EXPECT_EQ(run_on(target), 0u);
  EXPECT_EQ(machine.icount(), 0u);
}

TEST_P(BothWidths, StopsBeforeAccessesOfTheRightKind) {
  using Kind = StopPoint::Kind;
  struct Case {
    Kind kind;
    std::vector<u64> stops_at;  // instructions
  };
  const Case cases[] = {{Kind::load, {0, 2}}, {Kind::store, {1, 2}}, {Kind::access, {0, 1, 2}}};
  for (const Case& one : cases) {
    BareMachine machine(GetParam(),
                        {test::lw(a0, a1, 0), test::sw(a0, a1, 0), test::amoadd_w(a0, a0, a1),
                         test::lw(a0, a1, 4), test::sw(a0, a1, 8), test::kIllegal});
    DebugTarget target(machine);
    ASSERT_TRUE(*target.write_register(a1, kData));
    // The illegal instruction's handler.
    ASSERT_TRUE(*target.write_register(csr(kMtvec), test::kCodePa + 0x100));
    target.set_stops({{Kind::execute, test::kCodePa + 0x100, 4}, {one.kind, kData + 3, 1}});
    std::vector<u64> stopped_at;
    while (run_on(target) == 1u) {
      stopped_at.push_back((read(target, kPcRegister) - test::kCodePa) / 4);
    }
    EXPECT_EQ(stopped_at, one.stops_at);
  }
}

TEST_P(BothWidths, AnInstructionStopsForItselfAndForItsAccess) {
  BareMachine machine(GetParam(), {test::sw(a0, a1, 0), test::kLoopForever});
  DebugTarget target(machine);
  ASSERT_TRUE(*target.write_register(a1, kData));
  target.set_stops({{StopPoint::Kind::execute, test::kCodePa, 4},
                    {StopPoint::Kind::store, kData, 4},
                    {StopPoint::Kind::access, kData, 4}});
  EXPECT_EQ(run_on(target), 0u);
  EXPECT_EQ(run_on(target), 1u);
  EXPECT_EQ(target.run_to_stop()->stop, std::nullopt);
  EXPECT_GT(machine.icount(), 1u);
}

TEST_P(BothWidths, AStepStopsBeforeAnAccessOnce) {
  BareMachine machine(GetParam(), {test::sw(a0, a1, 0), test::lw(a0, a1, 0), test::kNop});
  DebugTarget target(machine);
  ASSERT_TRUE(*target.write_register(a1, kData));
  target.set_stops({{StopPoint::Kind::execute, test::kCodePa, 4},
                    {StopPoint::Kind::store, kData, 4},
                    {StopPoint::Kind::load, kData, 4}});
  EXPECT_EQ(target.step()->stop, 1u);
  EXPECT_EQ(machine.icount(), 0u);
  EXPECT_EQ(target.step()->stop, std::nullopt);
  EXPECT_EQ(machine.icount(), 1u);
  EXPECT_EQ(target.step()->stop, 2u);
  EXPECT_EQ(target.step()->stop, std::nullopt);
  EXPECT_EQ(target.step()->stop, std::nullopt);
  EXPECT_EQ(machine.icount(), 3u);
}

// An interrupt that is due comes first: the stop is in its handler, and that is where pc is.
TEST_P(BothWidths, InterruptsComeBeforeTheInstruction) {
  BareMachine machine(GetParam(), {test::kNop, test::kNop, test::kNop});
  DebugTarget target(machine);
  ASSERT_TRUE(*target.write_register(csr(kMtvec), test::kCodePa + 0x100));
  machine.change([](auto& s) {
    s.aclint.mtimecmp = ~u64{0};
    s.aclint.msip = 1;
    s.hart.mie = 1u << isa::IRQ_M_SOFTWARE;
    s.hart.mstatus |= isa::MSTATUS_MIE;
  });
  DebugTarget again(machine);
  again.set_stops({{StopPoint::Kind::execute, test::kCodePa, 4},
                   {StopPoint::Kind::execute, test::kCodePa + 0x100, 4}});
  EXPECT_EQ(run_on(again), 1u);
  EXPECT_EQ(read(again, kPcRegister), test::kCodePa + 0x100);
  EXPECT_EQ(machine.icount(), 0u);
}

TEST_P(BothWidths, WithoutStopPointsItRunsInOneGo) {
  BareMachine machine(GetParam(), {test::kLoopForever});
  DebugTarget target(machine);
  EXPECT_EQ(target.run_to_stop()->steps, 10'000u);
  EXPECT_EQ(machine.runs, 1u);
}

// --- Sv32 ---

constexpr u32 kRoot = test::kCodePa + 0x10000;
constexpr u32 kLeaves = test::kCodePa + 0x11000;
constexpr u32 kUserVa = 0x00400000;
enum : u32 { V = 1, R = 2, W = 4, X = 8, U = 16 };

u32 pte(u32 pa, u32 flags) { return (pa >> 12 << 10) | flags; }

// Pages from kUserVa on: read-only and the user's, execute-only, not there, data + 0x1000 and data
// after each other.
void map_pages(BareMachine& machine) {
  machine.put(kRoot + 4, pte(kLeaves, V));
  machine.put(kRoot + (test::kCodePa >> 22) * 4, pte(test::kCodePa, V | R | X));  // 4 MiB
  machine.put(kLeaves + 0, pte(kData, V | R | U));
  machine.put(kLeaves + 4, pte(kData + 0x1000, V | X));
  machine.put(kLeaves + 12, pte(kData + 0x1000, V | R | W));
  machine.put(kLeaves + 16, pte(kData, V | R | W));
  machine.change([](auto& s) {
    s.hart.satp = isa::SATP32_MODE | (kRoot >> 12);
    s.hart.privilege = 1;
  });
}

TEST(DebugTargetSv32, VirtualMemoryIsSeenWhateverThePagePermits) {
  BareMachine machine(Xlen::rv32, {test::kLoopForever});
  map_pages(machine);
  machine.put(kData, 0x11223344);
  machine.put(kData + 0x1000, 0x55667788);
  const u64 before = machine.hash();
  DebugTarget target(machine);
  EXPECT_THAT(*target.read_memory(kUserVa, 4), ElementsAre(0x44, 0x33, 0x22, 0x11));
  EXPECT_THAT(*target.read_memory(kUserVa + 0x1000, 1), ElementsAre(0x88));
  EXPECT_THAT(*target.read_memory(kUserVa + 0x2000, 4), IsEmpty());
  EXPECT_THAT(*target.read_memory(kUserVa + 0x1fff, 4), ElementsAre(0));
  EXPECT_THAT(*target.read_memory(kUserVa + 0x3fff, 2), ElementsAre(0, 0x44));
  EXPECT_EQ(machine.hash(), before);  // no A bit, no TLB entry
  machine.change([](auto& s) { s.hart.privilege = 0; });
  DebugTarget user(machine);
  EXPECT_THAT(*user.read_memory(kUserVa + 0x1000, 1), ElementsAre(0x88));
  machine.change([](auto& s) { s.hart.privilege = 3; });
  DebugTarget bare(machine);
  EXPECT_THAT(*bare.read_memory(kUserVa, 4), IsEmpty());  // M-mode: physical
}

TEST(DebugTargetSv32, ReadOnlyPagesAreWritten) {
  BareMachine machine(Xlen::rv32, {test::kLoopForever});
  map_pages(machine);
  DebugTarget target(machine);
  const std::vector<u8> bytes = {1, 2, 3, 4};
  EXPECT_TRUE(*target.write_memory(kUserVa, bytes));
  EXPECT_EQ(machine.word(kData), 0x04030201u);
  EXPECT_FALSE(*target.write_memory(kUserVa + 0x1ffe, bytes));  // the second page is not there
  EXPECT_EQ(machine.word(kData + 0x1ffc), 0u);
  EXPECT_TRUE(*target.write_memory(kUserVa + 0x3ffe, bytes));
  EXPECT_EQ(machine.word(kData + 0x1ffc), 0x02010000u);
  EXPECT_EQ(machine.word(kData), 0x04030403u);
}

TEST(DebugTargetSv32, WritingSatpFlushesTheTlb) {
  BareMachine machine(Xlen::rv32, {test::lw(a0, a1, 0), test::lw(a0, a1, 0)});
  map_pages(machine);
  machine.change([](auto& s) {
    s.hart.mstatus |= isa::MSTATUS_SUM;
    s.hart.x[a1] = kUserVa;
  });
  machine.put(kData, 7);
  DebugTarget target(machine);
  ASSERT_TRUE(target.step());
  EXPECT_EQ(read(target, a0), 7u);
  machine.put(kLeaves + 0, pte(kData + 0x2000, V | R | U));
  machine.put(kData + 0x2000, 8);
  EXPECT_TRUE(*target.write_register(csr(kSatp), read(target, csr(kSatp))));
  ASSERT_TRUE(target.step());
  EXPECT_EQ(read(target, a0), 8u);
}

// --- The description ---

TEST_P(BothWidths, TheDescriptionNamesEveryRegister) {
  const std::string xml = target_description(GetParam());
  const u32 bits = static_cast<u32>(GetParam());
  EXPECT_THAT(xml, testing::HasSubstr(fmt::format("<architecture>riscv:rv{}</", bits)));
  for (u32 number = 0; number < 32; ++number) {
    EXPECT_THAT(xml, testing::HasSubstr(fmt::format("<reg name=\"{}\" bitsize=\"{}\" regnum=\"{}\"",
                                                    isa::register_name(number), bits, number)));
  }
  for (const CsrName& name : csr_names(GetParam())) {
    EXPECT_THAT(xml, testing::HasSubstr(fmt::format("<reg name=\"{}\" bitsize=\"{}\" regnum=\"{}\"",
                                                    name.name, bits, 65 + name.number)));
  }
  EXPECT_THAT(xml, testing::HasSubstr("<reg name=\"priv\""));
}

}  // namespace
}  // namespace rookery::debug
