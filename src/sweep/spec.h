// SPDX-License-Identifier: Apache-2.0
// What `rookery sweep` is asked to do: a description in TOML or JSON as a struct, and what follows
// from it for each case. docs/sweeps.md is the manual. Nothing is executed here, and no snapshot,
// symbol file or input is opened before a case asks for it; only globs look into folders.
//
// Cases are numbered from 0. With [fault], case = combination * fault.cases + fault; else a case is
// a combination of the axes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/types.h"
#include "sweep/axis.h"
#include "sweep/fault.h"
#include "sweep/template_text.h"

namespace re2 {
class RE2;
}

namespace rookery::sweep {

inline constexpr u64 kMaxCases = u64{1} << 40;
inline constexpr u64 kMaxIdleUs = 26'000'000;  // a machine counts its wait in steps, in 32 bits
inline constexpr u64 kMaxInputBytes = u64{16} << 20;  // of each file that a case is given

enum class Combine : u8 {
  product,  // every value with every other; the last axis varies fastest
  zip,      // value i of each axis
};

// Where a patch writes, by name: what there is, the runner knows.
struct PatchTarget {
  enum class Kind : u8 { register_, csr, field, memory };

  Kind kind = Kind::register_;
  std::string name;           // "a0", "mepc", "hart.x[10]"; of memory, as written
  AddressExpression address;  // of memory
};

enum class PatchAction : u8 { value, flip, set, clear, bytes };

struct Patch {
  u64 at = 0;  // instructions after the snapshot
  PatchTarget target;
  PatchAction action = PatchAction::value;
  u64 value = 0;        // of `value`: in two's complement; of flip, set and clear: the bit's number
  u32 width_bytes = 0;  // of memory, but for `bytes`: 1, 2, 4 or 8, little-endian; else 0
  std::vector<u8> data;  // of `bytes`
};

// A [[patch]] before a case's values are in it.
struct PatchSpec {
  u32 line = 0;
  Template at;
  PatchTarget::Kind kind = PatchTarget::Kind::register_;
  Template target;
  PatchAction action = PatchAction::value;
  Template operand;      // the number, the hexadecimal digits or the file's path
  bool is_file = false;  // of `bytes`: operand is a path
  u32 width_bytes = 0;
};

struct EndRule {
  enum class Kind : u8 { text, regex, exit_status, instructions, idle };

  Kind kind = Kind::text;
  std::string text;           // of text and regex
  std::optional<u32> status;  // of exit_status; absent: any
  u64 instructions = 0;
  u64 idle_us = 0;  // of guest time
  std::string verdict;
};

// "text", "exit_status": the key that makes a rule of this kind.
std::string_view rule_name(EndRule::Kind kind);

struct KeptMemory {
  std::string name;
  MemoryRange range;
};

struct Keep {
  bool console = true;
  bool hash = false;
  bool dirty_pages = false;
  bool divergence = false;  // Parting
  std::vector<KeptMemory> memory;
};

struct Mailbox {
  bool is_file = false;  // content is a path
  Template content;
};

// What a case is given.
struct CaseInput {
  std::string typed;
  std::optional<std::vector<u8>> mailbox;
  std::optional<std::string> append;
  std::vector<Patch> patches;  // as written, not by `at`
};

struct SweepSpec {
  std::string path;    // of the description, as it was given
  std::string folder;  // of the description: empty, or ends with a slash
  std::string source;  // the description as it stands in the file

  std::string name;
  std::string snapshot;  // as written, like all paths: see in_folder()
  u64 seed = 0;
  Combine combine = Combine::product;
  std::optional<u32> machines;
  std::vector<Axis> axes;
  std::optional<Template> typed;
  std::optional<Mailbox> mailbox;
  std::optional<Template> append;
  std::vector<PatchSpec> patches;
  // Of rules of one kind, the first one that fits ends the case; of kinds, the one whose moment
  // comes first, and texts before patterns. Exactly one is of kind `instructions`, at most one
  // `idle`.
  std::vector<EndRule> ends;
  Keep keep;
  std::string symbols;  // empty: none
  std::optional<FaultSpec> fault;

  // A path of the description's: relative ones are relative to its folder.
  std::string in_folder(const std::string& written) const;

  u64 combination_count() const;
  u64 case_count() const;  // at most kMaxCases
  u64 combination_of(u64 case_number) const;
  // The number of the fault within its combination, for sample_fault(): every combination gets the
  // same faults, if its population is the same.
  u64 fault_of(u64 case_number) const;

  // In the order of `axes`. `case_number` is below case_count().
  std::vector<NamedValue> axis_values(u64 case_number) const;

  // Reads the files that the case is given. Errors: io, and usage for values that make no number,
  // no address, no hexadecimal digits; they name the case and the description's line.
  Result<CaseInput> case_input(u64 case_number) const;

  // 32 hexadecimal digits: XXH3 (128 bits) of everything that results depend on: all of the above
  // but `path`, `folder`, `name` and `machines`, as it is understood and not as it is spelled, with
  // the values of all axes (of random ones and ranges, what they follow from). Files' contents are
  // not in it.
  std::string identity() const;
};

// Reads a description. TOML or JSON is told by the path's end. All errors are of kind `usage`, but
// for a file that cannot be read (io), and begin with FILE:LINE.
Result<SweepSpec> read_spec(const std::string& path);

// The same from memory; `path` says what it is called, how it is written, and where its folder is.
Result<SweepSpec> parse_spec(std::string_view text, const std::string& path);

// How all patterns of a description are compiled: RE2 over bytes, for consoles print any. The error
// says what RE2 has against it.
std::expected<std::unique_ptr<re2::RE2>, std::string> compile_pattern(const std::string& pattern);

}  // namespace rookery::sweep
