// SPDX-License-Identifier: Apache-2.0
// Faults: single bits of a machine that are changed at an instruction. What can be hit is data of
// the runner's; which bit fault i hits, how and when, is a function of the seed and i.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/types.h"

namespace rookery::sweep {

enum class FaultTarget : u8 { pc, register_, csr, memory, tlb };
enum class FaultKind : u8 { flip, set, clear, stuck0, stuck1 };

// As a description writes them: "register", "stuck0".
std::string_view target_name(FaultTarget target);
std::string_view kind_name(FaultKind kind);
std::optional<FaultTarget> target_from(std::string_view name);
std::optional<FaultKind> kind_from(std::string_view name);

// A physical address, or a symbol's and an offset.
struct AddressExpression {
  std::string symbol;  // empty: the address is `offset`
  u64 offset = 0;

  // "symbol+0x10", "0x80400000".
  std::string text() const;
  // Symbols have no spaces and do not begin with a digit. Empty: it is neither.
  static std::optional<AddressExpression> parse(std::string_view text);
};

struct MemoryRange {
  AddressExpression at;
  u64 bytes = 0;
};

// [fault] of a description.
struct FaultSpec {
  u64 cases = 0;  // for each combination of the axes
  std::vector<FaultTarget> targets;
  std::vector<FaultKind> kinds;
  std::optional<std::pair<u64, u64>> between;  // [from, to), instructions; absent: the golden run's
  std::vector<MemoryRange> memory;             // empty: all RAM that is not zero
  std::vector<std::string> registers;          // empty: all
  std::vector<std::string> csrs;               // empty: all
  std::string detected;                        // RE2, against each line; empty: none
};

// What can be hit. Kept by the runner, which knows what bit each index stands for.
struct FaultPopulation {
  std::vector<u64> bits;  // of each target of FaultSpec::targets, in that order; 0: cannot be hit
  u64 from = 0;           // instructions after the snapshot: [from, to)
  u64 to = 0;
};

struct Fault {
  FaultTarget target = FaultTarget::register_;
  u64 bit = 0;  // below the target's FaultPopulation::bits
  FaultKind kind = FaultKind::flip;
  u64 at = 0;  // instructions after the snapshot

  bool operator==(const Fault&) const = default;
};

// Fault `number` of the campaign. Targets that can be hit are equally likely, so are the bits of a
// target, the kinds, and the instructions; all four are drawn apart from each other
// (sweep/random.h, named "fault target", "fault bit", "fault kind", "fault at"). Errors: a
// population of nothing.
Result<Fault> sample_fault(const FaultSpec& spec, u64 seed, const FaultPopulation& population,
                           u64 number);

}  // namespace rookery::sweep
