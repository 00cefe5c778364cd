// SPDX-License-Identifier: Apache-2.0
// A results file read: the cases in order, and summaries of all of them. Also while it is written;
// then each question is answered from what was committed when it was asked. The file is not
// trusted.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sweep/results.h"

namespace rookery::sweep {

struct ResultsInfo {
  std::string identity;
  std::string name;
  std::string snapshot;   // as the description names it
  std::string spec_path;  // of the description, as it was given first
  std::string spec;       // the description
  u64 case_count = 0;     // of the whole sweep
  std::vector<std::string> axes;
};

struct VerdictCount {
  std::string verdict;
  u64 cases = 0;
};

// A way to sort cases into groups, made by ResultsReader and for it alone.
struct Buckets {
  std::vector<std::string> labels;
  std::string expression;  // SQL: the group's number, or NULL
  // Of groups that are intervals: their lower ends, and the upper end of the last one. Else empty.
  std::vector<double> edges;
};

struct BucketCount {
  u32 first = 0;   // group of the first buckets
  u32 second = 0;  // of the second ones, if there are
  std::string verdict;
  u64 cases = 0;
};

struct HashGroup {
  u64 state_hash = 0;
  u64 cases = 0;
  u64 first_case = 0;
  std::vector<VerdictCount> verdicts;
};

struct HashGroups {
  u64 distinct = 0;  // states that some case ended in; 0: hashes were not kept
  std::vector<HashGroup> largest;
};

// Cases that left the first one's path at the same instruction.
struct PartingGroup {
  u64 pc = 0;
  std::string symbol;
  u64 cases = 0;
  u64 earliest = 0;  // instructions after the snapshot
  u64 first_case = 0;
};

struct PartingGroups {
  u64 cases = 0;     // that left it
  u64 distinct = 0;  // places
  std::vector<PartingGroup> largest;
};

// Nearest-rank quantiles of the instructions that cases took.
struct Quantiles {
  u64 cases = 0;
  u64 min = 0;
  u64 p5 = 0;
  u64 p25 = 0;
  u64 median = 0;
  u64 p75 = 0;
  u64 p95 = 0;
  u64 max = 0;
};

class ResultsReader {
 public:
  // Errors: io; image for a file that is no results file or damaged.
  static Result<ResultsReader> open(const std::string& path);

  const ResultsInfo& info() const { return info_; }

  Result<std::vector<Session>> sessions();
  Result<std::optional<GoldenRun>> golden(u64 combination);
  Result<std::optional<CaseResult>> find(u64 case_number);

  struct Filter {
    std::optional<std::string> verdict;
    u64 first_case = 0;
    u64 most = ~u64{0} >> 1;
  };
  // In the order of their numbers. An error of `visit` ends it and is returned.
  Result<void> for_each(const Filter& filter,
                        const std::function<Result<void>(const CaseResult&)>& visit);

  Result<u64> case_count();
  // The most frequent first.
  Result<std::vector<VerdictCount>> verdicts();
  // Of all cases, or of those with one verdict.
  Result<Quantiles> instruction_quantiles(const std::optional<std::string>& verdict = {});
  // The `most` largest, largest first.
  Result<HashGroups> hash_groups(u32 most);
  // The `most` places where most cases parted.
  Result<PartingGroups> parting_groups(u32 most);
  Result<bool> has_faults();

  // Each value of an axis, in the order of the cases, if there are at most `most`; else `most`
  // intervals of the same width, if they are all numbers; else the first `most` values and
  // "others".
  Result<Buckets> axis_buckets(std::size_t axis, u32 most);
  // `count` intervals from the lowest to the highest value, or fewer; of the same width, or, where
  // a few values lie far above the others, each a certain factor wider than the one before.
  Result<Buckets> instruction_buckets(u32 count);
  Result<Buckets> fault_time_buckets(u32 count);
  Result<Buckets> fault_target_buckets();
  // What was hit of a target, the `most` that were hit most often.
  Result<Buckets> fault_place_buckets(FaultTarget target, u32 most);

  // How many cases of each verdict are in each group; groups without cases are left out.
  Result<std::vector<BucketCount>> count(const Buckets& buckets);
  Result<std::vector<BucketCount>> count(const Buckets& first, const Buckets& second);

 private:
  Result<void> prepare(const std::string& path);
  Result<CaseResult> read_row(Statement& row);
  Result<Buckets> value_buckets(const std::string& column, const std::string& where,
                                const std::string& order, u32 most);
  Result<Buckets> interval_buckets(const std::string& column, u32 count, bool may_widen);

  std::unique_ptr<Database> database_;  // statements point to it
  std::optional<Statement> read_memory_;
  ResultsInfo info_;
  u32 tables_made_ = 0;
};

// From any connection to a results file.
Result<std::optional<GoldenRun>> read_golden(const Database& database, u64 combination);

}  // namespace rookery::sweep
