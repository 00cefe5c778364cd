// SPDX-License-Identifier: Apache-2.0
#include "sweep/report_charts.h"

#include <algorithm>
#include <cmath>

#include "sweep/escape.h"
#include "sweep/report_style.h"

namespace rookery::sweep {
namespace {

u64 sum_of(const std::vector<u64>& row) {
  u64 sum = 0;
  for (const u64 count : row) sum += count;
  return sum;
}

// At most `most` characters, in the middle of which something may be left out.
std::string shortened(const std::string& text, std::size_t most) {
  std::vector<std::size_t> starts;  // of characters
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<u8>(text[i]) & 0xc0) != 0x80) starts.push_back(i);
  }
  if (starts.size() <= most) return text;
  const std::size_t head = most / 2;
  const std::size_t tail = most - head - 1;
  return text.substr(0, starts[head]) + "\xe2\x80\xa6" + text.substr(starts[starts.size() - tail]);
}

std::string group_label(const Buckets& buckets, std::size_t group) {
  if (buckets.edges.empty()) return buckets.labels[group];
  return fmt::format("from {}", buckets.labels[group]);
}

std::string row_title(const std::vector<u64>& row, const VerdictColours& colours) {
  std::string title;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (row[i] != 0)
      title += fmt::format("{}{} {}", title.empty() ? "" : ", ", grouped_number(row[i]),
                           colours.verdict(i));
  }
  return title;
}

// The numbers that an axis is marked with: about `count`, round, from 0 to `max`.
std::vector<double> round_marks(double max, u32 count) {
  const double raw = std::max(max, 1.0) / count;
  const double power = std::pow(10, std::floor(std::log10(raw)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= raw) {
      step = factor * power;
      break;
    }
  }
  step = std::max(step, 1.0);
  std::vector<double> marks(1 + static_cast<std::size_t>(max * 1.0001 / step));
  for (std::size_t i = 0; i < marks.size(); ++i) marks[i] = step * static_cast<double>(i);
  return marks;
}

}  // namespace

std::string grouped_number(u64 value) {
  const std::string digits = fmt::format("{}", value);
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i != 0 && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

std::string short_number(double value) {
  constexpr const char* kUnits[] = {"", " k", " M", " G", " T", " P"};
  std::size_t unit = 0;
  while (std::abs(value) >= 999.5 && unit + 1 < std::size(kUnits)) {
    value /= 1000;
    ++unit;
  }
  return fmt::format("{:.3g}{}", value, kUnits[unit]);
}

std::string percent(double share) {
  const double value = share * 100;
  if (value == 0 || value >= 99.995) return fmt::format("{:.0f} %", value);
  return value < 0.1                ? fmt::format("{:.3f} %", value)
         : value < 10 || value > 99 ? fmt::format("{:.2f} %", value)
                                    : fmt::format("{:.1f} %", value);
}

VerdictColours::VerdictColours(std::span<const VerdictCount> verdicts) {
  struct Usual {
    std::string_view verdict;
    unsigned colour;
  };
  constexpr Usual kUsual[] = {{"pass", 0},  {"masked", 0}, {"fail", 1},       {"sdc", 1},
                              {"limit", 2}, {"hang", 2},   {"idle", 5},       {"detected", 3},
                              {"crash", 4}, {"died", 4},   {"exit_status", 4}};
  std::vector<bool> is_taken(kVerdictColours);
  colours_.assign(verdicts.size(), kVerdictColours);
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    verdicts_.push_back(verdicts[i].verdict);
    const auto usual = std::ranges::find(kUsual, verdicts[i].verdict, &Usual::verdict);
    if (usual == std::end(kUsual) || is_taken[usual->colour]) continue;
    colours_[i] = usual->colour;
    is_taken[usual->colour] = true;
  }
  unsigned next = 0;
  for (unsigned& colour : colours_) {
    if (colour != kVerdictColours) continue;
    // Green is for what is good, as long as there are others.
    do {
      next = next % (kVerdictColours - 1) + 1;
    } while (is_taken[next] && std::ranges::count(is_taken, false) > (is_taken[0] ? 0 : 1));
    colour = next;
    is_taken[next] = true;
  }
}

std::size_t VerdictColours::number(std::string_view verdict) const {
  return static_cast<std::size_t>(std::ranges::find(verdicts_, verdict) - verdicts_.begin());
}

std::string VerdictColours::colour(std::size_t number) const {
  return fmt::format("var(--v{})", colours_[number]);
}

std::string VerdictColours::label_html(std::string_view verdict) const {
  const std::size_t at = number(verdict);
  return fmt::format(
      "<span class=\"verdict\"><span class=\"dot\" style=\"background:{}\"></span>{}</span>",
      at < size() ? colour(at) : "none", markup_text(verdict));
}

std::string VerdictColours::legend_html() const {
  std::string out = "<div class=\"legend\">";
  for (const std::string& verdict : verdicts_) out += label_html(verdict);
  return out + "</div>\n";
}

VerdictTable verdict_table(std::span<const BucketCount> counts, std::size_t groups,
                           const VerdictColours& colours) {
  VerdictTable table(groups, std::vector<u64>(colours.size()));
  for (const BucketCount& count : counts) {
    const std::size_t verdict = colours.number(count.verdict);
    if (verdict < colours.size()) table[count.first][verdict] += count.cases;
  }
  return table;
}

std::string verdict_bar(std::span<const VerdictCount> verdicts, const VerdictColours& colours) {
  constexpr double kWidth = 1000;
  double all = 0;
  for (const VerdictCount& count : verdicts) all += static_cast<double>(count.cases);
  std::string out =
      "<svg viewBox=\"0 0 1000 26\" preserveAspectRatio=\"none\" style=\"height:26px\" "
      "role=\"img\" "
      "aria-label=\"Shares of verdicts\">";
  double x = 0;
  for (const VerdictCount& count : verdicts) {
    const double share = static_cast<double>(count.cases) / all;
    const double width = kWidth * share;
    out += fmt::format(
        "<rect x=\"{:.2f}\" width=\"{:.2f}\" height=\"26\" style=\"fill:{}\"><title>{}: {} cases, "
        "{}</title></rect>",
        x, std::max(width - 1, std::min(width, 0.5)), colours.colour(colours.number(count.verdict)),
        markup_text(count.verdict), grouped_number(count.cases), percent(share));
    x += width;
  }
  return out + "</svg>\n";
}

std::string share_bar(double share, const Interval& interval, const std::string& colour) {
  constexpr double kWidth = 300;
  return fmt::format(
      "<svg viewBox=\"0 0 300 12\" preserveAspectRatio=\"none\" style=\"height:12px\" "
      "aria-hidden=\"true\">"
      "<rect class=\"track\" width=\"300\" height=\"12\" rx=\"2\"/><rect width=\"{:.2f}\" "
      "height=\"12\" rx=\"2\" "
      "style=\"fill:{}\"/><path class=\"whisker\" d=\"M{:.2f} 6H{:.2f}M{:.2f} 3V9M{:.2f} 3V9\" "
      "vector-effect=\"non-scaling-stroke\" fill=\"none\"/></svg>",
      kWidth * share, colour, kWidth * interval.low, kWidth * interval.high, kWidth * interval.low,
      kWidth * interval.high);
}

std::string stacked_bars(const Buckets& buckets, const VerdictTable& table,
                         const VerdictColours& colours) {
  constexpr double kLeft = 190;
  constexpr double kWidth = 720;
  constexpr double kRow = 22;
  constexpr double kBar = 15;
  std::string out =
      fmt::format("<svg viewBox=\"0 0 1000 {}\" role=\"img\" aria-label=\"Verdicts by group\">",
                  kRow * static_cast<double>(table.size()));
  for (std::size_t i = 0; i < table.size(); ++i) {
    const double y = kRow * static_cast<double>(i);
    const double all = static_cast<double>(sum_of(table[i]));
    constexpr std::size_t kLabelCharacters = 26;
    const std::string label = group_label(buckets, i);
    out += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"end\"><title>{}</title>{}</text>",
                       kLeft - 10, y + 14, markup_text(label),
                       markup_text(shortened(label, kLabelCharacters)));
    out += fmt::format("<g><title>{}</title>", markup_text(row_title(table[i], colours)));
    if (all == 0)
      out += fmt::format("<rect class=\"track\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
                         kLeft, y + 3, kWidth, kBar);
    double x = kLeft;
    for (std::size_t verdict = 0; verdict < table[i].size() && all != 0; ++verdict) {
      if (table[i][verdict] == 0) continue;
      const double width = kWidth * static_cast<double>(table[i][verdict]) / all;
      out += fmt::format(
          "<rect x=\"{:.2f}\" y=\"{}\" width=\"{:.2f}\" height=\"{}\" style=\"fill:{}\"/>", x,
          y + 3, std::max(width - 0.8, std::min(width, 0.5)), kBar, colours.colour(verdict));
      x += width;
    }
    out += fmt::format("</g><text x=\"{}\" y=\"{}\">{}</text>", kLeft + kWidth + 12, y + 14,
                       grouped_number(sum_of(table[i])));
  }
  return out + "</svg>\n";
}

std::string histogram(const Buckets& buckets, const VerdictTable& table,
                      const VerdictColours& colours, const std::string& axis_title) {
  constexpr double kLeft = 60;
  constexpr double kWidth = 920;
  constexpr double kTop = 8;
  constexpr double kHeight = 190;
  u64 highest = 1;
  for (const std::vector<u64>& row : table) highest = std::max(highest, sum_of(row));
  const double scale = kHeight / static_cast<double>(highest);
  std::string out = fmt::format("<svg viewBox=\"0 0 1000 246\" role=\"img\" aria-label=\"{}\">",
                                markup_text(axis_title));
  constexpr u32 kMarks = 4;
  for (const double mark : round_marks(static_cast<double>(highest), kMarks)) {
    const double y = kTop + kHeight - mark * scale;
    out += fmt::format(
        "<path class=\"grid\" d=\"M{} {:.2f}h{}\"/><text x=\"{}\" y=\"{:.2f}\" "
        "text-anchor=\"end\">{}</text>",
        kLeft, y, kWidth, kLeft - 8, y + 4, short_number(mark));
  }
  const double bar = kWidth / static_cast<double>(table.size());
  const double gap = std::min(2.0, bar * 0.12);
  for (std::size_t i = 0; i < table.size(); ++i) {
    const double x = kLeft + bar * static_cast<double>(i);
    double y = kTop + kHeight;
    out +=
        fmt::format("<g><title>{} to {}: {}</title>", short_number(buckets.edges[i]),
                    short_number(buckets.edges[i + 1]), markup_text(row_title(table[i], colours)));
    for (std::size_t verdict = 0; verdict < table[i].size(); ++verdict) {
      if (table[i][verdict] == 0) continue;
      // Few among many are seen all the same.
      const double height = std::max(1.0, static_cast<double>(table[i][verdict]) * scale);
      y -= height;
      out += fmt::format(
          "<rect x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\" style=\"fill:{}\"/>",
          x + gap / 2, y, bar - gap, height, colours.colour(verdict));
    }
    out += "</g>";
  }
  const std::size_t label_step = std::max<std::size_t>(1, (table.size() + 7) / 8);
  for (std::size_t i = 0; i <= table.size(); i += label_step)
    out += fmt::format("<text x=\"{:.2f}\" y=\"216\" text-anchor=\"middle\">{}</text>",
                       kLeft + bar * static_cast<double>(i), short_number(buckets.edges[i]));
  return out + fmt::format("<text x=\"{}\" y=\"240\" text-anchor=\"middle\">{}</text></svg>\n",
                           kLeft + kWidth / 2, markup_text(axis_title));
}

std::string heat_table(const Buckets& rows, const Buckets& columns,
                       std::span<const BucketCount> counts, const std::string& row_title_text,
                       const std::string& column_title) {
  struct Cell {
    u64 cases = 0;
    u64 failures = 0;
  };
  std::vector<std::vector<Cell>> cells(rows.labels.size(),
                                       std::vector<Cell>(columns.labels.size()));
  for (const BucketCount& count : counts) {
    Cell& cell = cells[count.first][count.second];
    cell.cases += count.cases;
    if (!is_good(count.verdict)) cell.failures += count.cases;
  }
  constexpr std::size_t kLabelCharacters = 18;
  const auto label = [](const Buckets& buckets, std::size_t i) {
    return fmt::format("<span title=\"{}\">{}</span>", markup_text(group_label(buckets, i)),
                       markup_text(shortened(group_label(buckets, i), kLabelCharacters)));
  };
  std::string out = fmt::format(
      "<div class=\"scroll\"><table class=\"heat\"><tr><th></th><th "
      "colspan=\"{}\">{}</th></tr><tr><th class=\"row\">{}</th>",
      columns.labels.size(), markup_text(column_title), markup_text(row_title_text));
  for (std::size_t i = 0; i < columns.labels.size(); ++i)
    out += "<th>" + label(columns, i) + "</th>";
  out += "</tr>\n";
  for (std::size_t i = 0; i < rows.labels.size(); ++i) {
    out += "<tr><th class=\"row\">" + label(rows, i) + "</th>";
    for (const Cell& cell : cells[i]) {
      if (cell.cases == 0) {
        out += "<td class=\"none\">\xc2\xb7</td>";
        continue;
      }
      const double share = static_cast<double>(cell.failures) / static_cast<double>(cell.cases);
      constexpr double kStrong = 0.6;
      out += fmt::format(
          "<td style=\"--s:{:.3f}\"{} title=\"{} of {} cases failed\">{}</td>", share,
          share > kStrong ? " class=\"strong\"" : "", grouped_number(cell.failures),
          grouped_number(cell.cases),
          cell.failures != 0 && share < 0.005 ? "&lt;1%" : fmt::format("{:.0f}%", share * 100));
    }
    out += "</tr>\n";
  }
  return out + "</table></div>\n";
}

}  // namespace rookery::sweep
