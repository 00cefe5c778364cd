// SPDX-License-Identifier: Apache-2.0
// What random machines (src/fuzz/random_machine.h) do when they run on the CPU engine: every row of
// the instruction tables retires, every exception and interrupt is taken, and they go on for long.
#include "fuzz/random_machine.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>
#include <string>

#include "engine/cpu/cpu_engine.h"
#include "isa/decode.h"

namespace rookery::fuzz {
namespace {

constexpr u64 kCases = 500;
constexpr u64 kSteps = 1000;

struct Seen {
  std::map<std::string_view, u64> retired;
  std::array<std::array<u64, 16>, 2> traps = {};  // exceptions, interrupts
  std::array<u64, 4> privileges = {};
  std::map<u32, u64> exits;
  u64 steps = 0;
  u64 places = 0;  // where code was executed, of all cases
};

void run_case(const Corpus& corpus, u64 number, Seen& seen) {
  const EngineConfig config = {.xlen = corpus.xlen, .ram_bytes = kRamBytes};
  const Result<std::unique_ptr<Engine>> engine = create_cpu_engine(config);
  ASSERT_TRUE(engine) << engine.error().text();
  ASSERT_TRUE((*engine)->load_base(isa::RAM_BASE, corpus.ram));
  ASSERT_TRUE((*engine)->write_state(0, make_case(corpus, number)));
  ASSERT_TRUE((*engine)->set_trace(0, TraceOptions{}));
  std::map<u64, u64> places;
  for (u64 steps = 0; steps < kSteps;) {
    const Result<RunReport> report = (*engine)->run(kSteps - steps);
    ASSERT_TRUE(report) << report.error().text();
    steps += report->steps;
    seen.steps += report->steps;
    for (const TraceRecord& record : (*engine)->take_trace(0)) {
      ++seen.privileges[record.privilege];
      if (record.kind == TraceRecord::Kind::commit) {
        ++places[record.pc];
        if (const isa::Row* row = isa::find_row(corpus.xlen, record.ins)) ++seen.retired[row->name];
      } else {
        ++seen.traps[record.kind == TraceRecord::Kind::interrupt ? 1 : 0][record.ins & 15];
      }
    }
    for (const Exit& exit : report->exits) ++seen.exits[exit.reason];
    if (!report->exits.empty()) break;
  }
  seen.places += places.size();
}

class Machines : public testing::TestWithParam<Xlen> {};

TEST_P(Machines, DoEverything) {
  const Corpus corpus = make_corpus(GetParam(), 1, 0);
  Seen seen;
  for (u64 number = 0; number < kCases; ++number) {
    run_case(corpus, number, seen);
    if (HasFatalFailure()) return;
  }
  for (const isa::Row& row : isa::rows(GetParam())) {
    if (row.name == "ebreak") continue;  // always traps
    EXPECT_GT(seen.retired[row.name], 0u) << row.name << " never retires";
  }
  const bool is_32 = GetParam() == Xlen::rv32;
  const auto expect_trap = [&](u32 which, std::string_view name, u32 code) {
    // Without Sv32 there are no page faults.
    if (!is_32 && which == 0 && code >= isa::CAUSE_FETCH_PAGE_FAULT) return;
    EXPECT_GT(seen.traps[which][code], 0u) << name << " never occurs";
  };
#define CAUSE(name, code) expect_trap(0, #name, code);
#define INTERRUPT(name, code) expect_trap(1, #name, code);
#include "isa/causes.def"
  for (const u32 privilege : {0, 1, 3})
    EXPECT_GT(seen.privileges[privilege], seen.steps / 20) << "in mode " << privilege;
  EXPECT_GT(seen.steps, kCases * kSteps * 8 / 10) << "most cases last";
  EXPECT_GT(seen.places, kCases * 250) << "and do not go round in circles";
}

INSTANTIATE_TEST_SUITE_P(All, Machines, testing::Values(Xlen::rv32, Xlen::rv64),
                         [](const testing::TestParamInfo<Xlen>& param) {
                           return "Rv" + std::to_string(static_cast<u32>(param.param));
                         });

}  // namespace
}  // namespace rookery::fuzz
