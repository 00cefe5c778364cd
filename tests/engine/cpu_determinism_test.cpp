// SPDX-License-Identifier: Apache-2.0
// Where a run is cut changes nothing: the CPU engine has two loops, and a run of one step is always
// made by the one that does everything the long way (execute_exactly() in
// src/engine/cpu/interpreter.inl). So stepping singly is the oracle here for the threaded loop:
// Linux's first steps, and random programs that overwrite their own instructions, must come to the
// same state at the same step however they are cut.
#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/cpu/cpu_engine.h"
#include "isa/decode.h"
#include "machine/boot.h"

namespace rookery {
namespace {

using Engines = std::unique_ptr<Engine>;

// Runs `steps` steps in pieces of `piece`. False if the machine exited.
bool run_in_pieces(Engine& engine, u64 steps, u64 piece) {
  while (steps > 0) {
    const Result<RunReport> report = engine.run(std::min(steps, piece));
    EXPECT_TRUE(report) << report.error().text();
    if (!report || !report->exits.empty()) return false;
    steps -= report->steps;
    (void)engine.take_console(0);
  }
  return true;
}

// --- Linux ---

constexpr u64 kLinuxSteps = 2'500'000;
constexpr u64 kLinuxStride = 500'000;

class LinuxDeterminism : public testing::TestWithParam<u64> {
 protected:
  static std::vector<u64> hashes(u64 piece) {
    MachineConfig config;
    config.kernel_path = ROOKERY_SOURCE_DIR "/images/default/Image.zst";
    config.initrd_path = ROOKERY_SOURCE_DIR "/images/default/initramfs.cpio.zst";
    config.append = "earlycon=sbi console=ttyS0";
    Result<BootFiles> files = read_boot_files(config);
    EXPECT_TRUE(files) << files.error().text();
    if (!files) return {};
    const Result<BootImage> image = plan_boot(config, std::move(*files));
    EXPECT_TRUE(image) << image.error().text();
    if (!image) return {};
    Result<Engines> engine =
        create_cpu_engine({.xlen = image->xlen, .ram_bytes = image->ram_bytes});
    EXPECT_TRUE(engine && load_boot_image(**engine, *image));
    std::vector<u64> found;
    for (u64 at = 0; at < kLinuxSteps; at += kLinuxStride) {
      EXPECT_TRUE(run_in_pieces(**engine, kLinuxStride, piece)) << "in the steps after " << at;
      found.push_back(*(*engine)->state_hash(0));
    }
    return found;
  }
};

TEST_P(LinuxDeterminism, TheStateDoesNotDependOnTheCuts) {
  static const std::vector<u64> single_steps = hashes(1);
  EXPECT_EQ(hashes(GetParam()), single_steps);
}

INSTANTIATE_TEST_SUITE_P(Pieces, LinuxDeterminism,
                         testing::Values(7, 1000, 1500, 100'000, kLinuxStride),
                         testing::PrintToStringParamName());

// --- Random programs ---

constexpr u64 kRamBytes = u64{64} << 10;
constexpr u32 kCodePa = isa::RAM_BASE;  // one page of random instructions, over and over
constexpr u32 kHandlerPa = isa::RAM_BASE + 4 * isa::PAGE_BYTES;
constexpr u64 kProgramSteps = 20'000;

// Registers that no instruction writes: addresses in the page of code, and instructions to store
// there.
constexpr u32 kFirstAddress = 16;
constexpr u32 kFirstWord = 24;

class Program {
 public:
  Program(Xlen xlen, u32 seed) : xlen_(xlen), random_(seed) {
    for (const isa::Row& row : isa::rows(xlen)) {
      // A jump to an address would soon be a loop of a few instructions.
      const bool is_csr = row.format == isa::Format::CSR;
      if ((row.kind != isa::Kind::SLOW && row.kind != isa::Kind::JALR) || is_csr)
        rows_.push_back(&row);
    }
    for (u32& word : code_) word = instruction();
    for (u32 i = 0; i < 32; ++i) {
      registers_[i] = i < kFirstWord ? kCodePa + pick(isa::PAGE_WORDS) * 4 : instruction();
    }
    registers_[kFirstAddress] = kCodePa;
  }

  template <class U>
  u64 hash_after(u64 piece) {
    Result<Engines> engine = create_cpu_engine({.xlen = xlen_, .ram_bytes = kRamBytes});
    EXPECT_TRUE(engine);
    load(**engine, kCodePa, code_);
    // Behind the page: to its start. What traps is skipped: csrr x1, mepc; addi x1, x1, 4; csrw
    // mepc, x1; mret.
    load(**engine, kCodePa + isa::PAGE_BYTES, std::vector<u32>(32, 0x00080067));  // jalr x0, 0(x16)
    load(**engine, kHandlerPa, {0x341020f3, 0x00408093, 0x34109073, 0x30200073});
    isa::State<U> state;
    state.hart.pc = static_cast<U>(kCodePa);
    state.hart.privilege = 3;
    state.hart.mtvec = static_cast<U>(kHandlerPa);
    state.machine.ram_bytes = static_cast<u32>(kRamBytes);
    state.aclint.mtimecmp = ~u64{0};
    state.hart.stimecmp = ~u64{0};
    for (u32 i = 1; i < 32; ++i) state.hart.x[i] = registers_[i];
    EXPECT_TRUE((*engine)->write_state(0, state));
    run_in_pieces(**engine, kProgramSteps, piece);
    return *(*engine)->state_hash(0);
  }

 private:
  static void load(Engine& engine, u32 pa, const std::vector<u32>& words) {
    std::vector<u8> bytes(words.size() * 4);
    std::memcpy(bytes.data(), words.data(), bytes.size());
    EXPECT_TRUE(engine.load_base(pa, bytes));
  }

  u32 pick(u32 below) { return static_cast<u32>(random_() % below); }

  // Branches and jumps go two to seven words forwards, accesses near the addresses.
  u32 instruction() {
    const isa::Row& row = *rows_[pick(static_cast<u32>(rows_.size()))];
    const u32 random = static_cast<u32>(random_());
    const u32 address = (kFirstAddress + pick(kFirstWord - kFirstAddress)) << 15;
    u32 fields = random & ~(1u << 11);  // rd below 16
    switch (row.kind) {
      case isa::Kind::BRANCH:
        fields = (random & 0x01fff200u) | 0x400u;
        break;
      case isa::Kind::JAL:
        fields = (random & 0x01400780u) | 0x00800000u;
        break;
      case isa::Kind::LOAD:
        fields = (random & 0x8fc00780u) | address;
        break;
      case isa::Kind::AMO:
        fields = (random & 0x01f00780u) | address;
        break;
      case isa::Kind::STORE:
        fields = (random & 0x80000e00u) | address | ((kFirstWord + pick(32 - kFirstWord)) << 20);
        break;
      default:
        break;
    }
    return (fields & ~row.mask) | row.match;
  }

  Xlen xlen_;
  std::mt19937 random_;
  std::vector<const isa::Row*> rows_;
  std::array<u32, 32> registers_;
  std::vector<u32> code_ = std::vector<u32>(isa::PAGE_WORDS);
};

template <class U>
void check_programs(Xlen xlen) {
  for (u32 seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Program program(xlen, seed);
    const u64 single_steps = program.hash_after<U>(1);
    EXPECT_EQ(program.hash_after<U>(kProgramSteps), single_steps);
    EXPECT_EQ(program.hash_after<U>(1237), single_steps);
  }
}

TEST(RandomPrograms, TheStateDoesNotDependOnTheCutsOnRv32) { check_programs<u32>(Xlen::rv32); }
TEST(RandomPrograms, TheStateDoesNotDependOnTheCutsOnRv64) { check_programs<u64>(Xlen::rv64); }

}  // namespace
}  // namespace rookery
