// SPDX-License-Identifier: Apache-2.0
#include "sweep/report.h"

#include <algorithm>
#include <array>
#include <set>

#include "sweep/console_tail.h"
#include "sweep/escape.h"
#include "sweep/report_charts.h"
#include "sweep/report_style.h"

namespace rookery::sweep {
namespace {

constexpr u32 kMostBars = 40;
constexpr u32 kMostHeatGroups = 16;
constexpr std::size_t kMostAxesDrawn = 8;
constexpr std::size_t kMostAxesPaired = 3;
constexpr u32 kHistogramBars = 48;
constexpr u32 kMostHashGroups = 20;
constexpr u32 kMostPartings = 20;
constexpr u64 kMostFailures = 500;
constexpr u64 kSamplesOfVerdict = 5;
constexpr std::size_t kTailLines = 20;
constexpr std::size_t kTailBytes = 2048;

std::string hash_text(u64 hash) { return fmt::format("{:016x}", hash); }

// As a shell takes it.
std::string shell_word(std::string_view text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./+:,=@%";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos)
    return std::string(text);
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

class Report {
 public:
  Report(ResultsReader& results, const ByteSink& sink) : results_(results), sink_(sink) {}

  Result<void> write() {
    auto verdicts = results_.verdicts();
    if (!verdicts) return std::unexpected(verdicts.error());
    verdicts_ = *std::move(verdicts);
    colours_.emplace(verdicts_);
    for (const VerdictCount& count : verdicts_) cases_ += count.cases;
    const auto has_faults = results_.has_faults();
    if (!has_faults) return std::unexpected(has_faults.error());
    has_faults_ = *has_faults;

    if (auto done = add_head(); !done) return done;
    if (cases_ == 0) {
      out_ += "<section><p>There are no results yet.</p></section>\n";
    } else {
      const std::array parts = {&Report::add_outcomes, &Report::add_axes,
                                &Report::add_faults,   &Report::add_instructions,
                                &Report::add_partings, &Report::add_states,
                                &Report::add_cases};
      for (const auto part : parts) {
        if (auto done = (this->*part)(); !done) return done;
        if (auto flushed = flush(); !flushed) return flushed;
      }
    }
    add_foot();
    return flush();
  }

 private:
  Result<void> flush() {
    auto taken = sink_(out_);
    out_.clear();
    return taken;
  }

  void open_section(std::string_view title, std::string_view note) {
    out_ += fmt::format("<section>\n<h2>{}</h2>\n", title);
    if (!note.empty()) out_ += fmt::format("<p class=\"note\">{}</p>\n", note);
  }
  void close_section() { out_ += "</section>\n"; }

  void add_fact(std::string_view name, std::string_view value) {
    out_ += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", name, markup_text(value));
  }

  Result<void> add_head() {
    const ResultsInfo& info = results_.info();
    const auto sessions = results_.sessions();
    if (!sessions) return std::unexpected(sessions.error());
    const std::string name = markup_text(info.name);
    out_ += fmt::format(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
        "'unsafe-inline'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{} "
        "\xe2\x80\x93 Rookery sweep</title>\n<style>{}</style>\n</head>\n<body><main>\n",
        name, kReportStyle);
    out_ += fmt::format("<header>\n<h1>{}</h1>\n<p class=\"soft\">{} over {}</p>\n", name,
                        has_faults_ ? "Fault injection" : "Sweep", axes_text());

    double seconds = 0;
    u64 ran = 0;
    u64 instructions = 0;
    std::set<std::string> engines;
    for (const Session& session : *sessions) {
      if (session.cases == 0) continue;
      seconds += session.seconds;
      ran += session.cases;
      instructions += session.instructions;
      engines.insert(session.engine);
      program_ = session.program;
    }
    std::string engine_list;
    for (const std::string& engine : engines)
      engine_list += (engine_list.empty() ? "" : ", ") + engine;
    out_ += "<dl class=\"facts\">\n";
    add_fact("Cases", cases_ == info.case_count ? grouped_number(cases_)
                                                : fmt::format("{} of {}", grouped_number(cases_),
                                                              grouped_number(info.case_count)));
    add_fact("Snapshot", info.snapshot);
    if (!engine_list.empty()) add_fact("Engine", engine_list);
    add_fact("Instructions", short_number(static_cast<double>(instructions)));
    if (seconds > 0) {
      add_fact("Time", seconds < 120    ? fmt::format("{:.1f} s", seconds)
                       : seconds < 7200 ? fmt::format("{:.1f} min", seconds / 60)
                                        : fmt::format("{:.1f} h", seconds / 3600));
      add_fact("Speed", fmt::format("{} cases/s, {} instructions/s",
                                    short_number(static_cast<double>(ran) / seconds),
                                    short_number(static_cast<double>(instructions) / seconds)));
    }
    if (has_faults_) {
      const auto golden = results_.golden(0);
      if (!golden) return std::unexpected(golden.error());
      if (*golden)
        add_fact("Golden run", fmt::format("{}, {} instructions", (*golden)->verdict,
                                           grouped_number((*golden)->instructions)));
    }
    out_ += "</dl>\n</header>\n";
    return {};
  }

  std::string axes_text() const {
    const std::vector<std::string>& axes = results_.info().axes;
    std::string text;
    for (std::size_t i = 0; i < axes.size(); ++i)
      text += fmt::format("{}<code>{}</code>",
                          i == 0                 ? ""
                          : i + 1 == axes.size() ? " and "
                                                 : ", ",
                          markup_text(axes[i]));
    return axes.empty() ? "one machine" : text;
  }

  Result<void> add_outcomes() {
    open_section("Outcomes",
                 "Shares of all cases, with 95 % Wilson intervals. Instructions are the median, "
                 "and in brackets the range that nine of ten cases lie in.");
    out_ += verdict_bar(verdicts_, *colours_);
    out_ +=
        "<div class=\"scroll\" style=\"margin-top:14px\"><table "
        "class=\"wide\"><tr><th>Verdict</th><th class=\"n\">Cases</th>"
        "<th class=\"n\">Share</th><th class=\"n\">95 %</th><th></th><th "
        "class=\"n\">Instructions</th></tr>\n";
    for (const VerdictCount& count : verdicts_) {
      const auto quantiles = results_.instruction_quantiles(count.verdict);
      if (!quantiles) return std::unexpected(quantiles.error());
      const double share = static_cast<double>(count.cases) / static_cast<double>(cases_);
      const Interval interval = wilson_interval(count.cases, cases_);
      out_ += fmt::format(
          "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n soft\">{} "
          "\xe2\x80\x93 {}</td><td class=\"bar\">{}</td>"
          "<td class=\"n\">{} <span class=\"soft\">({} \xe2\x80\x93 {})</span></td></tr>\n",
          colours_->label_html(count.verdict), grouped_number(count.cases), percent(share),
          percent(interval.low), percent(interval.high),
          share_bar(share, interval, colours_->colour(colours_->number(count.verdict))),
          short_number(static_cast<double>(quantiles->median)),
          short_number(static_cast<double>(quantiles->p5)),
          short_number(static_cast<double>(quantiles->p95)));
    }
    out_ += "</table></div>\n";
    close_section();
    return {};
  }

  Result<void> add_bars(const std::string& title, const Result<Buckets>& buckets) {
    if (!buckets) return std::unexpected(buckets.error());
    if (buckets->labels.empty()) return {};
    const auto counts = results_.count(*buckets);
    if (!counts) return std::unexpected(counts.error());
    out_ += fmt::format("<h3>{}</h3>\n", markup_text(title));
    out_ += stacked_bars(*buckets, verdict_table(*counts, buckets->labels.size(), *colours_),
                         *colours_);
    return {};
  }

  Result<void> add_histogram(const std::string& title, const Result<Buckets>& buckets) {
    if (!buckets) return std::unexpected(buckets.error());
    if (buckets->labels.empty()) return {};
    const auto counts = results_.count(*buckets);
    if (!counts) return std::unexpected(counts.error());
    out_ += histogram(*buckets, verdict_table(*counts, buckets->labels.size(), *colours_),
                      *colours_, title);
    return {};
  }

  Result<void> add_axes() {
    const std::vector<std::string>& axes = results_.info().axes;
    if (axes.empty()) return {};
    open_section("By axis",
                 "Each bar is all cases with one value, or with values in one interval; the number "
                 "at its end counts them.");
    out_ += colours_->legend_html();
    for (std::size_t i = 0; i < std::min(axes.size(), kMostAxesDrawn); ++i) {
      if (auto added = add_bars(axes[i], results_.axis_buckets(i, kMostBars)); !added) return added;
    }
    if (axes.size() > kMostAxesDrawn)
      out_ += fmt::format("<p class=\"note\">The other {} axes are not drawn.</p>\n",
                          axes.size() - kMostAxesDrawn);
    const std::size_t paired = std::min(axes.size(), kMostAxesPaired);
    for (std::size_t i = 0; i < paired; ++i) {
      for (std::size_t j = i + 1; j < paired; ++j) {
        if (auto added = add_heat(i, j); !added) return added;
      }
    }
    close_section();
    return {};
  }

  Result<void> add_heat(std::size_t i, std::size_t j) {
    const auto rows = results_.axis_buckets(i, kMostHeatGroups);
    if (!rows) return std::unexpected(rows.error());
    const auto columns = results_.axis_buckets(j, kMostHeatGroups);
    if (!columns) return std::unexpected(columns.error());
    const auto counts = results_.count(*rows, *columns);
    if (!counts) return std::unexpected(counts.error());
    const std::vector<std::string>& axes = results_.info().axes;
    out_ +=
        fmt::format("<h3>Failures by {} and {}</h3>\n", markup_text(axes[i]), markup_text(axes[j]));
    out_ += heat_table(*rows, *columns, *counts, axes[i], axes[j]);
    return {};
  }

  Result<void> add_faults() {
    if (!has_faults_) return {};
    open_section("By fault", "What came of faults, by what they hit and when.");
    out_ += colours_->legend_html();
    if (auto added = add_bars("Target", results_.fault_target_buckets()); !added) return added;
    if (auto added =
            add_bars("Registers", results_.fault_place_buckets(FaultTarget::register_, kMostBars));
        !added)
      return added;
    if (auto added = add_bars("CSRs", results_.fault_place_buckets(FaultTarget::csr, kMostBars));
        !added)
      return added;
    out_ += "<h3>Time of injection</h3>\n";
    if (auto added = add_histogram("instructions after the snapshot",
                                   results_.fault_time_buckets(kHistogramBars));
        !added)
      return added;
    close_section();
    return {};
  }

  Result<void> add_instructions() {
    open_section("Instructions",
                 "How many cases took how many instructions after the snapshot. Where a few take "
                 "far more than the others, intervals grow by a factor.");
    out_ += colours_->legend_html();
    if (auto added = add_histogram("instructions", results_.instruction_buckets(kHistogramBars));
        !added)
      return added;
    close_section();
    return {};
  }

  Result<void> add_states() {
    const auto groups = results_.hash_groups(kMostHashGroups);
    if (!groups) return std::unexpected(groups.error());
    if (groups->distinct == 0) return {};
    open_section(
        "Final states",
        fmt::format("The cases ended in {} different machine states{}. Cases of one hash ended in "
                    "the same state, bit for bit.",
                    grouped_number(groups->distinct),
                    groups->distinct > groups->largest.size()
                        ? fmt::format("; the {} most frequent are listed", groups->largest.size())
                        : ""));
    out_ +=
        "<div class=\"scroll\"><table class=\"wide\"><tr><th>State hash</th><th "
        "class=\"n\">Cases</th><th class=\"n\">Share</th><th>Verdicts</th><th class=\"n\">First "
        "case</th></tr>\n";
    for (const HashGroup& group : groups->largest) {
      std::string verdicts;
      for (const VerdictCount& count : group.verdicts)
        verdicts +=
            fmt::format("{}{} <span class=\"soft\">{}</span>", verdicts.empty() ? "" : " \xc2\xa0 ",
                        colours_->label_html(count.verdict), grouped_number(count.cases));
      out_ += fmt::format(
          "<tr><td><code>{}</code></td><td class=\"n\">{}</td><td "
          "class=\"n\">{}</td><td>{}</td><td class=\"n\">{}</td></tr>\n",
          hash_text(group.state_hash), grouped_number(group.cases),
          percent(static_cast<double>(group.cases) / static_cast<double>(cases_)), verdicts,
          group.first_case);
    }
    out_ += "</table></div>\n";
    close_section();
    return {};
  }

  Result<void> add_partings() {
    const auto groups = results_.parting_groups(kMostPartings);
    if (!groups) return std::unexpected(groups.error());
    if (groups->cases == 0) return {};
    open_section(
        "Where cases part",
        fmt::format("{} of {} cases left the path of instructions of the first case{}, at {} "
                    "different instructions{}.",
                    grouped_number(groups->cases), grouped_number(cases_),
                    has_faults_ ? " without a fault" : "", grouped_number(groups->distinct),
                    groups->distinct > groups->largest.size()
                        ? fmt::format("; the {} most frequent are listed", groups->largest.size())
                        : ""));
    out_ +=
        "<div class=\"scroll\"><table class=\"wide\"><tr><th>Instruction</th><th>Symbol</th><th "
        "class=\"n\">Cases</th><th class=\"n\">Earliest, after instructions</th><th "
        "class=\"n\">First case</th></tr>\n";
    for (const PartingGroup& group : groups->largest) {
      out_ += fmt::format(
          "<tr><td><code>{:#010x}</code></td><td><code>{}</code></td><td class=\"n\">{}</td><td "
          "class=\"n\">{}</td><td class=\"n\">{}</td></tr>\n",
          group.pc, markup_text(group.symbol), grouped_number(group.cases),
          grouped_number(group.earliest), group.first_case);
    }
    out_ += "</table></div>\n";
    close_section();
    return {};
  }

  // The numbers of the cases to be listed: failures, rare verdicts first, then samples of the
  // others.
  Result<std::vector<u64>> interesting_cases() {
    std::vector<u64> numbers;
    const auto take = [&](const ResultsReader::Filter& filter) {
      return results_.for_each(filter, [&](const CaseResult& result) -> Result<void> {
        numbers.push_back(result.number);
        return {};
      });
    };
    for (auto count = verdicts_.rbegin(); count != verdicts_.rend(); ++count) {
      if (is_good(count->verdict) || numbers.size() >= kMostFailures) continue;
      if (auto taken = take({count->verdict, 0, kMostFailures - numbers.size()}); !taken)
        return std::unexpected(taken.error());
    }
    failures_listed_ = numbers.size();
    for (const VerdictCount& count : verdicts_) {
      if (!is_good(count.verdict)) continue;
      u64 from = 0;
      for (u64 i = 0; i < kSamplesOfVerdict; ++i) {
        const std::size_t before = numbers.size();
        from = std::max(from, results_.info().case_count / kSamplesOfVerdict * i);
        if (auto taken = take({count.verdict, from, 1}); !taken)
          return std::unexpected(taken.error());
        if (numbers.size() == before) break;
        from = numbers.back() + 1;
      }
    }
    return numbers;
  }

  Result<void> add_cases() {
    const auto numbers = interesting_cases();
    if (!numbers) return std::unexpected(numbers.error());
    u64 failures = 0;
    for (const VerdictCount& count : verdicts_)
      failures += is_good(count.verdict) ? 0 : count.cases;
    open_section("Cases",
                 failures == 0
                     ? "No case failed. Samples of all:"
                     : fmt::format("{}, rare verdicts first; then samples of the others.",
                                   failures == failures_listed_
                                       ? fmt::format("All {} failures", grouped_number(failures))
                                       : fmt::format("{} of {} failures", failures_listed_,
                                                     grouped_number(failures))));
    out_ +=
        "<div class=\"scroll\"><table class=\"wide\"><tr><th "
        "class=\"n\">Case</th><th>Verdict</th><th>Values</th><th>End</th><th "
        "class=\"n\">Instructions</th><th></th></tr>\n";
    for (const u64 number : *numbers) {
      const auto found = results_.find(number);
      if (!found) return std::unexpected(found.error());
      if (*found) add_case(**found);
      constexpr std::size_t kPieceBytes = std::size_t{1} << 18;
      if (out_.size() < kPieceBytes) continue;
      if (auto flushed = flush(); !flushed) return flushed;
    }
    out_ += "</table></div>\n";
    close_section();
    return {};
  }

  void add_case(const CaseResult& result) {
    constexpr std::size_t kValueBytes = 300;
    std::string values;
    for (const NamedValue& axis : result.axes) {
      const std::string value = value_text(axis.value);
      values += fmt::format("{}<span class=\"soft\">{}</span>\xc2\xa0{}", values.empty() ? "" : " ",
                            markup_text(axis.axis),
                            markup_text(value.substr(0, kValueBytes)) +
                                (value.size() > kValueBytes ? "\xe2\x80\xa6" : ""));
    }
    if (result.fault) {
      const InjectedFault& fault = *result.fault;
      values += fmt::format(
          "{}<span class=\"soft\">{}</span> {} <span class=\"soft\">bit</span>\xc2\xa0{} <span "
          "class=\"soft\">at</span>\xc2\xa0{}",
          values.empty() ? "" : "<br>", kind_name(fault.fault.kind), markup_text(fault.place),
          fault.place_bit, grouped_number(fault.fault.at));
    }
    std::string end = markup_text(result.end);
    if (result.status)
      end += fmt::format(" <span class=\"soft\">status</span>\xc2\xa0{}", *result.status);
    std::string details;
    for (std::size_t i = 0; i < result.groups.size(); ++i)
      details += fmt::format("<div><span class=\"soft\">group {}</span> {}</div>", i + 1,
                             markup_text(result.groups[i]));
    if (result.state_hash)
      details += fmt::format("<div><span class=\"soft\">state</span> <code>{}</code></div>",
                             hash_text(*result.state_hash));
    if (result.dirty_pages)
      details += fmt::format("<div><span class=\"soft\">pages written</span> {}</div>",
                             grouped_number(*result.dirty_pages));
    constexpr std::size_t kShownBytes = 64;
    for (const KeptBytes& kept : result.memory)
      details += fmt::format("<div><span class=\"soft\">{} at {:#x}</span> <code>{}{}</code></div>",
                             markup_text(kept.name), kept.pa,
                             hex_text(std::string_view(kept.bytes).substr(0, kShownBytes)),
                             kept.bytes.size() > kShownBytes ? "\xe2\x80\xa6" : "");
    if (result.console) {
      const std::string_view tail = console_tail(*result.console, kTailLines, kTailBytes);
      details += tail.empty() ? "<div class=\"soft\">It printed nothing.</div>"
                              : fmt::format("<pre>{}</pre>", markup_text(tail));
    }
    const std::string command = fmt::format("rookery sweep {} --case {} --engine cpu",
                                            shell_word(results_.info().spec_path), result.number);
    details +=
        fmt::format("<div><span class=\"soft\">again:</span> <code class=\"all\">{}</code></div>",
                    markup_text(command));
    out_ += fmt::format(
        "<tr><td class=\"n\">{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"n\">{}</td><td "
        "style=\"width:45%\"><details{}><summary>{}</summary>{}</details></td></tr>\n",
        result.number, colours_->label_html(result.verdict), values, end,
        grouped_number(result.instructions), cases_shown_++ == 0 ? " open" : "",
        result.console ? "console and command" : "command", details);
  }

  void add_foot() {
    const ResultsInfo& info = results_.info();
    out_ += fmt::format(
        "<section>\n<details><summary>The description, "
        "{}</summary><pre>{}</pre></details>\n</section>\n",
        markup_text(info.spec_path), markup_text(info.spec));
    out_ += fmt::format("<footer>{}{} identity {}</footer>\n</main></body>\n</html>\n",
                        markup_text(program_), program_.empty() ? "" : " \xc2\xb7",
                        markup_text(info.identity));
  }

  ResultsReader& results_;
  const ByteSink& sink_;
  std::string out_;
  std::vector<VerdictCount> verdicts_;
  std::optional<VerdictColours> colours_;
  std::string program_;
  u64 cases_ = 0;
  u64 failures_listed_ = 0;
  u64 cases_shown_ = 0;
  bool has_faults_ = false;
};

}  // namespace

Result<void> write_report(ResultsReader& results, const ByteSink& sink) {
  return Report(results, sink).write();
}

}  // namespace rookery::sweep
