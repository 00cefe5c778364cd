// SPDX-License-Identifier: Apache-2.0
#include "sweep/results_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <nlohmann/json.hpp>

#include "sweep/quantity.h"
#include "sweep/results_schema.h"

namespace rookery::sweep {
namespace {

// "0x80001234".
u64 pc_from(const std::string& text) {
  u64 pc = 0;
  if (text.starts_with("0x")) std::from_chars(text.data() + 2, text.data() + text.size(), pc, 16);
  return pc;
}

std::optional<u64> hash_from(const std::string& text) {
  constexpr std::size_t kDigits = 16;
  u64 hash = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, hash, 16);
  if (text.size() != kDigits || error != std::errc{} || rest != end) return std::nullopt;
  return hash;
}

// What step() says until there are no more rows.
template <class Visit>
Result<void> each_row(Statement& statement, Visit visit) {
  for (;;) {
    const auto has_row = statement.step();
    if (!has_row) return std::unexpected(has_row.error());
    if (!*has_row) return {};
    visit();
  }
}

// The ends of `count` intervals, or fewer, from `low` to `high`, both included. Those of whole
// numbers are whole, so that labels are what they say.
std::vector<double> interval_edges(double low, double high, u32 count, bool is_whole, bool widens) {
  std::vector<double> edges = {low};
  const double end = high + (is_whole ? 1 : 0);
  const double width = (end - low) / count;
  const double whole_width = std::max(1.0, std::ceil(width));
  for (u32 i = 1; i < count; ++i) {
    double edge = low + (is_whole ? whole_width : width) * i;
    if (widens) edge = low * std::pow(end / low, static_cast<double>(i) / count);
    if (is_whole) edge = std::ceil(edge);
    if (edge > edges.back() && edge <= high) edges.push_back(edge);
  }
  edges.push_back(std::max(end, edges.back()));
  return edges;
}

// Which of the intervals [first, last) a value lies in, by halving.
std::string search_expression(const std::string& column, std::span<const double> edges,
                              std::size_t first, std::size_t last) {
  if (last - first == 1) return fmt::format("{}", first);
  const std::size_t middle = first + (last - first) / 2;
  return fmt::format("CASE WHEN {} < {:.17g} THEN {} ELSE {} END", column, edges[middle],
                     search_expression(column, edges, first, middle),
                     search_expression(column, edges, middle, last));
}

}  // namespace

Result<std::optional<GoldenRun>> read_golden(const Database& database, u64 combination) {
  auto read = database.prepare(
      "SELECT verdict, end, instructions, status, state_hash, console FROM golden WHERE "
      "combination = ?");
  if (!read) return std::unexpected(read.error());
  read->bind(1, combination);
  const auto has_row = read->step();
  if (!has_row) return std::unexpected(has_row.error());
  if (!*has_row) return std::nullopt;
  GoldenRun golden;
  golden.verdict = read->text(0);
  golden.end = read->text(1);
  golden.instructions = read->number(2);
  if (!read->is_null(3)) golden.status = read->number(3);
  if (!read->is_null(4)) golden.state_hash = hash_from(read->text(4));
  golden.console = read->text(5);
  return golden;
}

Result<ResultsReader> ResultsReader::open(const std::string& path) {
  ResultsReader reader;
  if (auto prepared = reader.prepare(path); !prepared)
    return std::unexpected(std::move(prepared.error()));
  return reader;
}

Result<void> ResultsReader::prepare(const std::string& path) {
  auto database =
      Database::open(path, Database::Mode::read, fmt::format("results file \"{}\"", path));
  if (!database) return std::unexpected(std::move(database.error()));
  database_ = std::make_unique<Database>(*std::move(database));
  if (auto set = database_->run("PRAGMA temp_store = MEMORY"); !set) return set;
  const auto is_new = is_new_file(*database_);
  if (!is_new) return std::unexpected(is_new.error());
  if (*is_new) return fail(ErrorKind::image, "The {} is empty.", database_->what());
  auto axes = check_tables(*database_);
  if (!axes) return std::unexpected(axes.error());
  info_.axes = *std::move(axes);
  std::string case_count;
  const std::pair<std::string_view, std::string*> meta[] = {
      {"identity", &info_.identity},   {"name", &info_.name}, {"snapshot", &info_.snapshot},
      {"spec_path", &info_.spec_path}, {"spec", &info_.spec}, {"case_count", &case_count}};
  for (const auto& [key, text] : meta) {
    auto value = meta_text(*database_, key);
    if (!value) return std::unexpected(value.error());
    *text = *std::move(value);
  }
  const auto count = word_from(case_count);
  if (!count || *count > kMaxCases)
    return database_->damaged(fmt::format("it is of \"{}\" cases", case_count));
  info_.case_count = *count;
  auto read_memory =
      database_->prepare("SELECT name, pa, bytes FROM memory WHERE number = ? ORDER BY name");
  if (!read_memory) return std::unexpected(read_memory.error());
  read_memory_ = *std::move(read_memory);
  return {};
}

Result<std::vector<Session>> ResultsReader::sessions() {
  auto read = database_->prepare(
      "SELECT started_unix_s, program, engine, machines, seconds, cases, instructions FROM "
      "sessions ORDER BY id");
  if (!read) return std::unexpected(read.error());
  std::vector<Session> sessions;
  auto done = each_row(*read, [&] {
    Session session;
    session.started_unix_s = read->number(0);
    session.program = read->text(1);
    session.engine = read->text(2);
    session.machines = read->number(3);
    session.seconds = read->real(4);
    session.cases = read->number(5);
    session.instructions = read->number(6);
    sessions.push_back(std::move(session));
  });
  if (!done) return std::unexpected(done.error());
  return sessions;
}

Result<std::optional<GoldenRun>> ResultsReader::golden(u64 combination) {
  return read_golden(*database_, combination);
}

Result<CaseResult> ResultsReader::read_row(Statement& row) {
  CaseResult result;
  int column = 0;
  const auto optional_number = [&row](int at) {
    return row.is_null(at) ? std::nullopt : std::optional(row.number(at));
  };
  result.number = row.number(column++);
  for (const std::string& axis : info_.axes) result.axes.push_back({axis, row.value(column++)});
  result.verdict = row.text(column++);
  result.end = row.text(column++);
  result.rule = optional_number(column++);
  if (!row.is_null(column)) {
    const auto groups = nlohmann::json::parse(row.text(column), nullptr, false);
    for (const auto& group : groups.is_array() ? groups : nlohmann::json::array()) {
      if (group.is_string()) result.groups.push_back(group.get<std::string>());
    }
  }
  ++column;
  result.status = optional_number(column++);
  result.instructions = row.number(column++);
  if (!row.is_null(column)) result.state_hash = hash_from(row.text(column));
  ++column;
  result.dirty_pages = optional_number(column++);
  if (!row.is_null(column)) {
    InjectedFault fault;
    const auto target = target_from(row.text(column));
    const auto kind = kind_from(row.text(column + 1));
    if (!target || !kind)
      return database_->damaged(fmt::format("it has an unknown fault in case {}", result.number));
    fault.fault.target = *target;
    fault.fault.kind = *kind;
    fault.fault.at = row.number(column + 2);
    fault.fault.bit = row.number(column + 3);
    fault.place = row.text(column + 4);
    fault.place_bit = static_cast<u32>(row.number(column + 5));
    result.fault = std::move(fault);
  }
  constexpr int kFaultColumns = 6;
  column += kFaultColumns;
  if (!row.is_null(column)) {
    result.parting = {row.number(column), pc_from(row.text(column + 1)), row.text(column + 2)};
  }
  constexpr int kPartingColumns = 3;
  column += kPartingColumns;
  result.console_cut = row.number(column++);
  if (!row.is_null(column)) result.console = row.text(column);

  read_memory_->bind(1, result.number);
  auto done = each_row(*read_memory_, [&] {
    result.memory.push_back(
        {read_memory_->text(0), read_memory_->number(1), read_memory_->text(2)});
  });
  if (!done) return std::unexpected(done.error());
  return result;
}

Result<void> ResultsReader::for_each(const Filter& filter,
                                     const std::function<Result<void>(const CaseResult&)>& visit) {
  auto read = database_->prepare(
      fmt::format("SELECT * FROM cases WHERE number >= ?1 {} ORDER BY number LIMIT ?2",
                  filter.verdict ? "AND verdict = ?3" : ""));
  if (!read) return std::unexpected(read.error());
  read->bind(1, filter.first_case);
  read->bind(2, filter.most);
  if (filter.verdict) read->bind(3, std::string_view(*filter.verdict));
  for (;;) {
    const auto has_row = read->step();
    if (!has_row) return std::unexpected(has_row.error());
    if (!*has_row) return {};
    const auto result = read_row(*read);
    if (!result) return std::unexpected(result.error());
    if (auto visited = visit(*result); !visited) return visited;
  }
}

Result<std::optional<CaseResult>> ResultsReader::find(u64 case_number) {
  std::optional<CaseResult> found;
  Filter filter;
  filter.first_case = case_number;
  filter.most = 1;
  auto done = for_each(filter, [&](const CaseResult& result) -> Result<void> {
    if (result.number == case_number) found = result;
    return {};
  });
  if (!done) return std::unexpected(done.error());
  return found;
}

Result<u64> ResultsReader::case_count() { return database_->number("SELECT count(*) FROM cases"); }

Result<bool> ResultsReader::has_faults() {
  const auto some =
      database_->number("SELECT EXISTS(SELECT 1 FROM cases WHERE fault_target IS NOT NULL)");
  if (!some) return std::unexpected(some.error());
  return *some != 0;
}

Result<std::vector<VerdictCount>> ResultsReader::verdicts() {
  auto read =
      database_->prepare("SELECT verdict, count(*) FROM cases GROUP BY verdict ORDER BY 2 DESC, 1");
  if (!read) return std::unexpected(read.error());
  std::vector<VerdictCount> verdicts;
  auto done = each_row(*read, [&] { verdicts.push_back({read->text(0), read->number(1)}); });
  if (!done) return std::unexpected(done.error());
  return verdicts;
}

Result<Quantiles> ResultsReader::instruction_quantiles(const std::optional<std::string>& verdict) {
  const std::string from = fmt::format("FROM cases {}", verdict ? "WHERE verdict = ?1" : "");
  auto count = database_->prepare("SELECT count(*) " + from);
  if (!count) return std::unexpected(count.error());
  auto read = database_->prepare("SELECT instructions " + from + " ORDER BY 1");
  if (!read) return std::unexpected(read.error());
  if (verdict) {
    count->bind(1, std::string_view(*verdict));
    read->bind(1, std::string_view(*verdict));
  }
  Quantiles quantiles;
  if (auto done = each_row(*count, [&] { quantiles.cases = count->number(0); }); !done)
    return std::unexpected(done.error());
  struct Rank {
    u64 percent;
    u64 Quantiles::*value;
  };
  constexpr std::array kRanks = {Rank{0, &Quantiles::min},  Rank{5, &Quantiles::p5},
                                 Rank{25, &Quantiles::p25}, Rank{50, &Quantiles::median},
                                 Rank{75, &Quantiles::p75}, Rank{95, &Quantiles::p95},
                                 Rank{100, &Quantiles::max}};
  std::size_t next = 0;
  u64 row = 0;
  auto done = each_row(*read, [&] {
    ++row;
    // The lowest value that no less than `percent` of all are not above.
    for (; next < kRanks.size() && row * 100 >= kRanks[next].percent * quantiles.cases; ++next)
      quantiles.*kRanks[next].value = read->number(0);
  });
  if (!done) return std::unexpected(done.error());
  return quantiles;
}

Result<HashGroups> ResultsReader::hash_groups(u32 most) {
  HashGroups groups;
  const auto distinct = database_->number("SELECT count(DISTINCT state_hash) FROM cases");
  if (!distinct) return std::unexpected(distinct.error());
  groups.distinct = *distinct;
  auto read = database_->prepare(
      "SELECT state_hash, count(*), min(number) FROM cases WHERE state_hash IS NOT NULL GROUP BY 1 "
      "ORDER BY 2 DESC, 3 LIMIT ?1");
  if (!read) return std::unexpected(read.error());
  read->bind(1, u64{most});
  std::vector<std::string> hashes;
  auto done = each_row(*read, [&] {
    hashes.push_back(read->text(0));
    groups.largest.push_back(
        {hash_from(hashes.back()).value_or(0), read->number(1), read->number(2), {}});
  });
  if (!done) return std::unexpected(done.error());

  // One more pass for all of their verdicts.
  auto verdicts = database_->prepare(
      "SELECT state_hash, verdict, count(*) FROM cases WHERE state_hash IN (SELECT value FROM "
      "json_each(?1)) GROUP BY 1, 2 ORDER BY 3 DESC, 2");
  if (!verdicts) return std::unexpected(verdicts.error());
  const std::string list =
      nlohmann::json(hashes).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  verdicts->bind(1, std::string_view(list));
  done = each_row(*verdicts, [&] {
    const auto at = std::ranges::find(hashes, verdicts->text(0));
    if (at == hashes.end()) return;
    groups.largest[static_cast<std::size_t>(at - hashes.begin())].verdicts.push_back(
        {verdicts->text(1), verdicts->number(2)});
  });
  if (!done) return std::unexpected(done.error());
  return groups;
}

Result<PartingGroups> ResultsReader::parting_groups(u32 most) {
  PartingGroups groups;
  auto count = database_->prepare(
      "SELECT count(*), count(DISTINCT parted_pc) FROM cases WHERE parted_pc IS NOT NULL");
  if (!count) return std::unexpected(count.error());
  auto done = each_row(*count, [&] {
    groups.cases = count->number(0);
    groups.distinct = count->number(1);
  });
  if (!done) return std::unexpected(done.error());
  auto read = database_->prepare(
      "SELECT parted_pc, parted_symbol, count(*), min(parted_at), min(number) FROM cases WHERE "
      "parted_pc IS NOT NULL GROUP BY parted_pc ORDER BY 3 DESC, 4 LIMIT ?1");
  if (!read) return std::unexpected(read.error());
  read->bind(1, u64{most});
  done = each_row(*read, [&] {
    groups.largest.push_back(
        {pc_from(read->text(0)), read->text(1), read->number(2), read->number(3), read->number(4)});
  });
  if (!done) return std::unexpected(done.error());
  return groups;
}

// Groups by the values of a column: a table of this connection's own says the number of each.
Result<Buckets> ResultsReader::value_buckets(const std::string& column, const std::string& where,
                                             const std::string& order, u32 most) {
  const std::string table = fmt::format("temp.buckets_{}", ++tables_made_);
  if (auto made = database_->run(fmt::format(
          "CREATE TABLE {0}(bucket INTEGER PRIMARY KEY AUTOINCREMENT, value UNIQUE); INSERT INTO "
          "{0}(value) SELECT {1} FROM cases WHERE {1} IS NOT NULL AND {2} GROUP BY 1 ORDER BY {3} "
          "LIMIT {4};",
          table, column, where, order, most));
      !made)
    return std::unexpected(made.error());
  Buckets buckets;
  auto read = database_->prepare(fmt::format("SELECT value FROM {} ORDER BY bucket", table));
  if (!read) return std::unexpected(read.error());
  auto done = each_row(*read, [&] { buckets.labels.push_back(value_text(read->value(0))); });
  if (!done) return std::unexpected(done.error());
  const std::string others = fmt::format("CASE WHEN {} IS NULL OR NOT ({}) THEN NULL ELSE {} END",
                                         column, where, buckets.labels.size());
  buckets.expression = fmt::format(
      "COALESCE((SELECT bucket - 1 FROM {} WHERE value = cases.{}), {})", table, column, others);
  const auto distinct = database_->number(
      fmt::format("SELECT count(DISTINCT {}) FROM cases WHERE {}", column, where));
  if (!distinct) return std::unexpected(distinct.error());
  if (*distinct > buckets.labels.size())
    buckets.labels.push_back(fmt::format("{} others", *distinct - buckets.labels.size()));
  return buckets;
}

Result<Buckets> ResultsReader::interval_buckets(const std::string& column, u32 count,
                                                bool may_widen) {
  auto read = database_->prepare(
      fmt::format("SELECT min({0}), max({0}), avg({0}), total(typeof({0}) != 'integer') FROM cases "
                  "WHERE {0} IS NOT NULL",
                  column));
  if (!read) return std::unexpected(read.error());
  Buckets buckets;
  buckets.expression = "NULL";
  auto done = each_row(*read, [&] {
    if (read->is_null(0)) return;
    const double low = read->real(0);
    const double high = std::max(low, read->real(1));
    const bool is_whole = read->real(3) == 0;
    constexpr double kFar = 20;
    const bool widens = may_widen && low >= 1 && high > kFar * low && high > 4 * read->real(2);
    buckets.edges = interval_edges(low, high, count, is_whole, widens);
    for (std::size_t i = 0; i + 1 < buckets.edges.size(); ++i)
      buckets.labels.push_back(fmt::format("{:.10g}", buckets.edges[i]));
    buckets.expression =
        fmt::format("CASE WHEN {} IS NOT NULL THEN {} END", column,
                    search_expression(column, buckets.edges, 0, buckets.labels.size()));
  });
  if (!done) return std::unexpected(done.error());
  return buckets;
}

Result<Buckets> ResultsReader::axis_buckets(std::size_t axis, u32 most) {
  const std::string column = axis_column(info_.axes[axis]);
  const auto distinct = database_->number(fmt::format(
      "SELECT count(*) FROM (SELECT DISTINCT {} FROM cases LIMIT {})", column, most + 1));
  if (!distinct) return std::unexpected(distinct.error());
  const auto texts = database_->number(fmt::format(
      "SELECT EXISTS(SELECT 1 FROM cases WHERE typeof({}) NOT IN ('integer', 'real'))", column));
  if (!texts) return std::unexpected(texts.error());
  if (*distinct > most && *texts == 0) return interval_buckets(column, most, false);
  return value_buckets(column, "true", "min(number)", most);
}

Result<Buckets> ResultsReader::instruction_buckets(u32 count) {
  return interval_buckets("instructions", count, true);
}

Result<Buckets> ResultsReader::fault_time_buckets(u32 count) {
  return interval_buckets("fault_at", count, false);
}

Result<Buckets> ResultsReader::fault_target_buckets() {
  constexpr u32 kMoreThanThereAre = 16;
  return value_buckets("fault_target", "true", "1", kMoreThanThereAre);
}

Result<Buckets> ResultsReader::fault_place_buckets(FaultTarget target, u32 most) {
  return value_buckets("fault_place", fmt::format("fault_target = '{}'", target_name(target)),
                       "count(*) DESC, 1", most);
}

Result<std::vector<BucketCount>> ResultsReader::count(const Buckets& buckets) {
  return count(buckets, Buckets{{""}, "0", {}});
}

Result<std::vector<BucketCount>> ResultsReader::count(const Buckets& first, const Buckets& second) {
  auto read = database_->prepare(
      fmt::format("SELECT first, second, verdict, count(*) FROM (SELECT {} AS first, {} AS second, "
                  "verdict FROM "
                  "cases) WHERE first IS NOT NULL AND second IS NOT NULL GROUP BY 1, 2, 3",
                  first.expression, second.expression));
  if (!read) return std::unexpected(read.error());
  std::vector<BucketCount> counts;
  auto done = each_row(*read, [&] {
    // In a file that somebody made up, a value may be in no group.
    if (read->number(0) >= first.labels.size() || read->number(1) >= second.labels.size()) return;
    counts.push_back({static_cast<u32>(read->number(0)), static_cast<u32>(read->number(1)),
                      read->text(2), read->number(3)});
  });
  if (!done) return std::unexpected(done.error());
  return counts;
}

}  // namespace rookery::sweep
