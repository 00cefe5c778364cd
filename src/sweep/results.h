// SPDX-License-Identifier: Apache-2.0
// What became of a sweep's cases: one SQLite file. docs/sweeps.md describes its tables.
//
// Results are buffered and committed many at a time, in WAL mode: whenever the process is killed,
// the file holds each case either whole or not at all, and never twice. (When the whole computer
// stops, the last commits may be missing, but no more than that.) Readers may look while it is
// written.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/types.h"
#include "sweep/axis.h"
#include "sweep/case_ranges.h"
#include "sweep/database.h"
#include "sweep/fault.h"
#include "sweep/spec.h"

namespace rookery::sweep {

inline constexpr u32 kResultsVersion = 1;

// Of a console's bytes, the last so many are stored.
inline constexpr std::size_t kMaxConsoleBytes = std::size_t{16} << 20;

// A fault as it was injected.
struct InjectedFault {
  Fault fault;
  std::string place;  // what was hit: "a0", "mepc", "0x80400010"
  u32 place_bit = 0;  // which bit of it
};

struct KeptBytes {
  std::string name;  // KeptMemory::name
  u64 pa = 0;
  std::string bytes;
};

// Where a case left the path of the first one (rookery sweep --divergence): its first instruction
// that the first case had not executed after as many.
struct Parting {
  u64 at = 0;  // instructions after the snapshot
  u64 pc = 0;
  std::string symbol;  // "memcpy+0x10"; empty: not known
};

struct CaseResult {
  u64 number = 0;
  std::vector<NamedValue> axes;     // read from a file; not needed for writing
  std::string verdict;              // [a-z0-9_-]+
  std::string end;                  // why the case ended: a rule's kind, or what the machine did
  std::optional<u64> rule;          // the number of the [[end]] that matched, from 0
  std::vector<std::string> groups;  // of its regular expression
  std::optional<u64> status;        // of the guest, if it shut down
  u64 instructions = 0;             // after the snapshot
  std::optional<u64> state_hash;    // StateHash::value()
  std::optional<u64> dirty_pages;
  std::optional<std::string> console;  // any bytes
  u64 console_cut = 0;                 // bytes that were printed before those of `console`
  std::optional<InjectedFault> fault;
  std::optional<Parting> parting;
  std::vector<KeptBytes> memory;
};

// The run without faults that those with are compared with; one for each combination of the axes.
struct GoldenRun {
  std::string verdict;
  std::string end;
  u64 instructions = 0;
  std::optional<u64> status;
  std::optional<u64> state_hash;
  std::string console;
};

// Whether a verdict is a good one: "pass" and "masked" are, all others are failures.
bool is_good(std::string_view verdict);

// What writes results, for people.
struct Session {
  u64 started_unix_s = 0;
  std::string program;  // "rookery 0.1.0"
  std::string engine;   // "cpu", "gpu (NVIDIA H200)"
  u64 machines = 0;     // side by side
  double seconds = 0;   // up to the last commit
  u64 cases = 0;        // committed
  u64 instructions = 0;
};

struct WriterOptions {
  std::size_t commit_cases = 8192;                   // commit when so many are buffered,
  std::size_t commit_bytes = std::size_t{32} << 20;  // or so much of their consoles and memory,
  u64 commit_us = 1'000'000;  // or, by add(), when the first has waited so long
};

// One thread; one writer of a file among all processes, held by FILE.lock.
class ResultsWriter {
 public:
  // Creates the file, or goes on with one of the same description (SweepSpec::identity()) and the
  // same snapshot; `snapshot_id` is any text that tells snapshots apart. Of `session`, program,
  // engine and machines are used. Errors: usage for results of something else or a file that is
  // being written; io; image for a file that is no results file or damaged.
  static Result<ResultsWriter> open(const std::string& path, const SweepSpec& spec,
                                    const std::string& snapshot_id, const Session& session,
                                    const WriterOptions& options = {});
  ResultsWriter(ResultsWriter&&) noexcept;
  ResultsWriter& operator=(ResultsWriter&&) = delete;
  // Commits what it can.
  ~ResultsWriter();

  // Cases that need not be run: those committed and those buffered.
  const CaseRanges& done() const { return done_; }

  // On an error of kind io what was committed stays, and what is buffered stays buffered: add() and
  // flush() may be tried again. Errors: internal for a case that is done or that there is none of.
  Result<void> add(CaseResult result);
  Result<void> flush();

  // Committed at once. A second one for a combination replaces the first.
  Result<void> set_golden(u64 combination, const GoldenRun& golden);
  Result<std::optional<GoldenRun>> golden(u64 combination);

  // flush(), and makes one file of it that can be read where nothing can be written.
  Result<void> close();

 private:
  class Lock;
  ResultsWriter(const SweepSpec& spec, const WriterOptions& options);

  Result<void> prepare(const std::string& path, const std::string& snapshot_id,
                       const Session& session);
  Result<void> create(const std::string& snapshot_id);
  Result<void> check_same(const std::string& snapshot_id);
  Result<void> read_done();
  Result<void> begin_session(const Session& session);
  Result<void> insert(const CaseResult& result);
  Result<void> insert_buffered();

  using Clock = std::chrono::steady_clock;

  SweepSpec spec_;
  WriterOptions options_;
  std::unique_ptr<Lock> lock_;          // closed last
  std::unique_ptr<Database> database_;  // statements point to it
  std::optional<Statement> insert_case_;
  std::optional<Statement> insert_memory_;
  std::optional<Statement> update_session_;
  CaseRanges done_;
  std::vector<CaseResult> buffer_;
  std::size_t buffered_bytes_ = 0;
  Clock::time_point buffered_since_;
  Clock::time_point started_;
  u64 session_ = 0;
  u64 session_cases_ = 0;
  u64 session_instructions_ = 0;
};

}  // namespace rookery::sweep
