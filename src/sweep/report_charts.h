// SPDX-License-Identifier: Apache-2.0
// The report's drawings, as inline SVG and HTML. Labels are escaped here.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "sweep/results_reader.h"
#include "sweep/statistics.h"

namespace rookery::sweep {

// "1,234,567".
std::string grouped_number(u64 value);
// "1.23 M": three digits and a unit.
std::string short_number(double value);
// "12.3 %".
std::string percent(double share);

// The verdicts of a file, the most frequent first, each with a colour of its own as long as they
// last.
class VerdictColours {
 public:
  explicit VerdictColours(std::span<const VerdictCount> verdicts);

  std::size_t size() const { return verdicts_.size(); }
  const std::string& verdict(std::size_t number) const { return verdicts_[number]; }
  // Of one that is not there: size().
  std::size_t number(std::string_view verdict) const;
  // "var(--v3)".
  std::string colour(std::size_t number) const;

  // A coloured square, and the verdict.
  std::string label_html(std::string_view verdict) const;
  std::string legend_html() const;

 private:
  std::vector<std::string> verdicts_;
  std::vector<unsigned> colours_;
};

// Counts of each group by the numbers of verdicts.
using VerdictTable = std::vector<std::vector<u64>>;
VerdictTable verdict_table(std::span<const BucketCount> counts, std::size_t groups,
                           const VerdictColours& colours);

// One bar of all verdicts' shares.
std::string verdict_bar(std::span<const VerdictCount> verdicts, const VerdictColours& colours);

// A share with its interval, as a bar.
std::string share_bar(double share, const Interval& interval, const std::string& colour);

// Each group's shares of verdicts, side by side, with its number of cases.
std::string stacked_bars(const Buckets& buckets, const VerdictTable& table,
                         const VerdictColours& colours);

// Numbers of cases over intervals, stacked by verdict.
std::string histogram(const Buckets& buckets, const VerdictTable& table,
                      const VerdictColours& colours, const std::string& axis_title);

// The share of failures for each pair of groups.
std::string heat_table(const Buckets& rows, const Buckets& columns,
                       std::span<const BucketCount> counts, const std::string& row_title,
                       const std::string& column_title);

}  // namespace rookery::sweep
