// SPDX-License-Identifier: Apache-2.0
// One machine on two engines: both boot the same image and are typed the same input, their state
// hashes are compared at a stride, at every reboot and at the end, and a difference is narrowed
// down to the first instruction that makes it (debug/compare_engines.h). The first engine is the
// oracle and goes first.
//
// What a host does to a machine between two instructions (typing, serving exits, skipping time) is
// noted from the first engine's machine and done again while narrowing.
#pragma once

#include <limits>
#include <string>

#include "debug/symbols.h"
#include "engine/engine.h"
#include "machine/boot.h"
#include "machine/machine.h"

namespace rookery {

struct VerifyProgress {
  u64 instructions = 0;  // that both machines made, and were equal
  u64 comparisons = 0;
  double mips = 0;  // of the slower engine
};

// What verify_engines() needs from whoever calls it.
class VerifyHost {
 public:
  virtual ~VerifyHost() = default;
  // As MachineHost's.
  virtual u64 now_us() = 0;
  virtual bool stop_requested() = 0;
  // After each comparison.
  virtual void compared(const VerifyProgress& progress) = 0;
  // A difference was seen and is being narrowed down.
  virtual void narrowing(const std::string& what) = 0;
};

struct VerifyOptions {
  u64 stride = 1'000'000;  // instructions between two comparisons
  u64 max_instructions = std::numeric_limits<u64>::max();
  InputMode input = InputMode::none;  // none or piped
  std::string typed = {};             // all of the piped input
  const SymbolTable* symbols = nullptr;
};

struct VerifyReport {
  // Empty: the machines were equal all the way. Else the report, of many lines.
  std::string difference;
  std::string summary;  // of the difference, in a sentence
  RunEnd end;           // of the first engine's machine, when they are equal
  u64 instructions = 0;
  u64 comparisons = 0;
  double expected_mips = 0;  // while the engines ran
  double actual_mips = 0;
  std::string expected_name;
  std::string actual_name;
};

Result<VerifyReport> verify_engines(const BootImage& image,
                                    const Machine::EngineFactory& make_expected,
                                    const Machine::EngineFactory& make_actual,
                                    const VerifyOptions& options, VerifyHost& host);

}  // namespace rookery
