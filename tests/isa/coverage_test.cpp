// SPDX-License-Identifier: Apache-2.0
// Every row of the instruction tables is executed in some bare-metal program (tests/bare) on the
// CPU engine. The programs are run a step at a time and the instruction at pc is looked up before
// each; then they are run again in one go, which takes the engine's other, threaded loop, and must
// lead to the same state.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/cpu/cpu_engine.h"
#include "isa/decode.h"
#include "machine/boot.h"

namespace rookery::isa {
namespace {

constexpr u32 kMachineMode = 3;
// Enough for every program but the sweeps, which only repeat themselves.
constexpr u64 kMaxSteps = 200'000;

struct BareProgram {
  std::string name;
  std::string elf;
  Xlen xlen;
};

std::vector<BareProgram> bare_programs() {
  std::vector<BareProgram> programs;
  const auto manifest = nlohmann::json::parse(std::ifstream(ROOKERY_BARE_MANIFEST), nullptr,
                                              /*allow_exceptions=*/false);
  if (!manifest.is_array()) return programs;
  for (const auto& row : manifest) {
    programs.push_back({row["name"], row["elf"], row["xlen"] == 32 ? Xlen::rv32 : Xlen::rv64});
  }
  return programs;
}

// A CPU engine about to execute the program's first instruction.
Result<std::unique_ptr<Engine>> load(const BareProgram& program) {
  MachineConfig config;
  config.xlen = program.xlen;
  config.ram_bytes = 4 * kMiB;
  config.bare_path = program.elf;
  auto files = read_boot_files(config);
  if (!files) return std::unexpected(std::move(files.error()));
  auto image = plan_boot(config, std::move(*files));
  if (!image) return std::unexpected(std::move(image.error()));
  auto engine = create_cpu_engine({.xlen = config.xlen, .ram_bytes = config.ram_bytes});
  if (!engine) return engine;
  if (auto loaded = load_boot_image(**engine, *image); !loaded) {
    return std::unexpected(std::move(loaded.error()));
  }
  return engine;
}

template <class U>
const State<U>& as(const MachineState& state) {
  return std::get<State<U>>(state);
}

// The word at pc, if pc is a physical address of RAM now.
template <class U>
std::optional<u32> word_at_pc(Engine& engine, const State<U>& state) {
  const bool translates = state.hart.privilege != kMachineMode && state.hart.satp != 0;
  const u64 pc = state.hart.pc;
  const u64 ram_end = u64{RAM_BASE} + engine.config().ram_bytes;
  if (translates || pc % 4 != 0 || pc < RAM_BASE || pc > ram_end - 4) return std::nullopt;
  u8 bytes[4];
  if (!engine.read_ram(0, static_cast<u32>(pc), bytes)) return std::nullopt;
  u32 word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

// A trap as an illegal instruction is no execution.
template <class U>
bool was_illegal(const State<U>& before, const State<U>& after) {
  const bool trapped = after.hart.minstret_offset != before.hart.minstret_offset;
  const U cause = after.hart.privilege == kMachineMode ? after.hart.mcause : after.hart.scause;
  return trapped && cause == CAUSE_ILLEGAL_INSTRUCTION;
}

// Runs the program a step at a time, noting each row that it executes. Returns the steps made.
template <class U>
u64 run_stepwise(Engine& engine, Xlen xlen, std::map<std::string_view, u64>& executed) {
  u64 made = 0;
  auto before = engine.read_state(0);
  while (made < kMaxSteps && before && as<U>(*before).machine.run_state == EXIT_NONE) {
    const std::optional<u32> word = word_at_pc(engine, as<U>(*before));
    const auto report = engine.run(1);
    if (!report) {
      ADD_FAILURE() << report.error().text();
      break;
    }
    made += report->steps;
    auto after = engine.read_state(0);
    if (!after) break;
    if (const Row* row = word ? find_row(xlen, *word) : nullptr) {
      if (!was_illegal(as<U>(*before), as<U>(*after))) ++executed[row->name];
    }
    before = std::move(after);
  }
  return made;
}

class RowCoverage : public testing::TestWithParam<Xlen> {};

TEST_P(RowCoverage, EveryRowIsExecutedAndTheLoopsAgree) {
  const std::vector<BareProgram> programs = bare_programs();
  if (programs.empty()) {
    GTEST_SKIP()
        << "The bare-metal programs were not built (Debian: gcc-riscv64-unknown-elf), so no "
           "row was executed.";
  }
  const Xlen xlen = GetParam();
  std::map<std::string_view, u64> executed;
  for (const BareProgram& program : programs) {
    if (program.xlen != xlen) continue;
    SCOPED_TRACE(program.name);
    auto stepwise = load(program);
    ASSERT_TRUE(stepwise.has_value()) << stepwise.error().text();
    auto at_once = load(program);
    ASSERT_TRUE(at_once.has_value()) << at_once.error().text();
    const u64 steps = xlen == Xlen::rv32 ? run_stepwise<u32>(**stepwise, xlen, executed)
                                         : run_stepwise<u64>(**stepwise, xlen, executed);
    EXPECT_GT(steps, 0u);
    // The threaded loop keeps a page of straight code away from a run's limit, so a program that
    // ends by itself gets a limit far beyond its end.
    const auto end = (*stepwise)->read_state(0);
    ASSERT_TRUE(end.has_value()) << end.error().text();
    const bool ended =
        std::visit([](const auto& s) { return s.machine.run_state != EXIT_NONE; }, *end);
    const auto report = (*at_once)->run(ended ? steps + kMaxSteps : steps);
    ASSERT_TRUE(report.has_value()) << report.error().text();
    EXPECT_EQ(report->steps, steps);
    EXPECT_EQ((*stepwise)->state_hash(0).value(), (*at_once)->state_hash(0).value())
        << fmt::format("after {} steps", steps);
  }
  for (const Row& row : rows(xlen)) {
    EXPECT_GT(executed[row.name], 0u) << row.name << " is executed by no program of tests/bare";
  }
}

INSTANTIATE_TEST_SUITE_P(Widths, RowCoverage, testing::Values(Xlen::rv32, Xlen::rv64),
                         [](const auto& param) {
                           return param.param == Xlen::rv32 ? "rv32" : "rv64";
                         });

}  // namespace
}  // namespace rookery::isa
