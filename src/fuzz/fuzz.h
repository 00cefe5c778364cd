// SPDX-License-Identifier: Apache-2.0
// Fuzzing the machine itself: random machines (fuzz/random_machine.h) run on the CPU engine and,
// many at a time, on an engine under test; they must be equal every so many steps, where they exit
// and at the end of each case. The first one that is not is run again alone, narrowed down to one
// instruction (debug/compare_engines.h) and reduced to what the difference needs (fuzz/reduce.h).
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>

#include "engine/engine.h"

namespace rookery::fuzz {

using MakeEngine = std::function<Result<std::unique_ptr<Engine>>(const EngineConfig&)>;

struct FuzzOptions {
  Xlen xlen = Xlen::rv32;
  u64 seed = 1;
  u64 first_case = 0;
  u64 cases = ~u64{0};            // at most
  u64 instructions = 10'000'000;  // to execute at least, over all cases
  u32 machines = 1024;            // cases that run at once
  u64 steps = 1'000;              // of each case
  u64 stride = 500;               // machines are compared this often
  u64 reduce_us = 60'000'000;     // at most, to reduce a machine that differs
};

struct FuzzReport {
  u64 cases = 0;
  u64 instructions = 0;  // steps made by each engine
  u64 exits = 0;         // cases that ended by an exit
  u64 expected_us = 0;   // of the CPU engine, on all threads at once
  u64 actual_us = 0;     // of the engine under test
  std::string actual_name;
  bool stopped = false;  // on request, before all was done
  // Taken in one case of each kSampledCases.
  u64 sampled = 0;
  std::array<u64, 16> exceptions = {};  // by cause
  std::array<u64, 16> interrupts = {};

  // The case that differs, if one does, and everything there is to say about it.
  bool differs = false;
  u64 failing_case = 0;
  std::string summary;     // a sentence
  std::string difference;  // the report
};
inline constexpr u64 kSampledCases = 64;

class FuzzHost {
 public:
  virtual ~FuzzHost() = default;
  virtual u64 now_us() = 0;
  virtual bool stop_requested() = 0;
  virtual void progress(const FuzzReport& so_far) = 0;
  virtual void note(const std::string& sentence) = 0;
  // Calls task(0) to task(count - 1), in any order, some perhaps at once on several threads.
  virtual void for_each(u32 count, const std::function<void(u32)>& task) = 0;
};

// `expected` makes the oracle, called from several threads; `actual` the engine under test. Errors:
// an engine's.
Result<FuzzReport> fuzz_engines(const MakeEngine& expected, const MakeEngine& actual,
                                const FuzzOptions& options, FuzzHost& host);

}  // namespace rookery::fuzz
