// SPDX-License-Identifier: Apache-2.0
#include "sweep/axis_reader.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <glob.h>

#include "sweep/spec.h"

namespace rookery::sweep {
namespace {

using Kind = Node::Kind;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

bool is_axis_name(std::string_view name) {
  constexpr std::size_t kMaxNameBytes = 64;
  return !name.empty() && name.size() <= kMaxNameBytes && is_letter(name.front()) &&
         name != "case" &&
         std::ranges::all_of(name, [](char c) { return is_letter(c) || is_digit(c) || c == '-'; });
}

// The two integers of a list of two, and nothing if it is something else.
std::optional<std::pair<i64, i64>> read_pair(const Node& node, Fields& fields) {
  if (node.kind != Kind::array || node.items.size() != 2) {
    fields.refuse_type(node, "a list of two integers");
    return std::nullopt;
  }
  const auto first = fields.integer(node.items[0]);
  const auto second = fields.integer(node.items[1]);
  if (!first || !second) return std::nullopt;
  return std::pair(*first, *second);
}

AxisRange read_range(const Node& node, Fields& fields) {
  const auto ends = read_pair(node, fields);
  if (!ends) return {};
  const auto [first, last] = *ends;
  AxisRange range{first, first <= last ? 1 : -1, 1};
  if (const Node* step = fields.get("step")) {
    range.step = fields.integer(*step).value_or(range.step);
    if (range.step == 0 || (first != last && (range.step > 0) != (first < last))) {
      fields.refuse(
          *step, fmt::format("is {}, which does not lead from {} to {}", range.step, first, last));
      return range;
    }
  }
  // Distances in 64 bits without a sign: they may be more than an i64 holds.
  const u64 distance = range.step > 0 ? static_cast<u64>(last) - static_cast<u64>(first)
                                      : static_cast<u64>(first) - static_cast<u64>(last);
  const u64 stride =
      range.step > 0 ? static_cast<u64>(range.step) : 0 - static_cast<u64>(range.step);
  const u64 steps = distance / stride;
  if (steps >= kMaxCases) {
    fields.refuse(
        node, fmt::format("has more values than the {} cases that a sweep may have", kMaxCases));
    return range;
  }
  range.count = steps + 1;
  return range;
}

AxisRandom read_random(const Node& node, Fields& fields) {
  AxisRandom random;
  const auto ends = read_pair(node, fields);
  if (!ends) return random;
  random.low = ends->first;
  random.high = ends->second;
  if (random.low > random.high) {
    fields.refuse(
        node, fmt::format("is from {} to {}: the lower one comes first", random.low, random.high));
    return random;
  }
  if (fields.need("count") != nullptr) random.count = fields.integer_in("count", 1, 1, kMaxCases);
  return random;
}

AxisList read_list(const Node& node, Fields& fields) {
  AxisList list;
  if (node.items.empty()) fields.refuse(node, "is an empty list");
  for (const Node& item : node.items) {
    if (item.kind == Kind::text) {
      list.emplace_back(item.text);
    } else if (item.kind == Kind::integer) {
      list.emplace_back(item.integer);
    } else if (item.kind == Kind::boolean) {
      list.emplace_back(item.boolean);
    } else if (item.kind == Kind::real && std::isfinite(item.real)) {
      list.emplace_back(item.real);
    } else {
      fields.refuse(
          node,
          fmt::format(
              "may list texts, integers, finite numbers, true and false, but it has {} in line {}",
              item.kind == Kind::real ? "a number that is not finite" : item.kind_text(),
              item.line));
      break;
    }
  }
  return list;
}

// The folder's own name is no pattern.
std::string escape_glob(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (std::strchr("*?[]\\", c) != nullptr) out += '\\';
    out += c;
  }
  return out;
}

AxisList read_files(const Node& node, const std::string& folder, Fields& fields) {
  const std::string pattern = fields.path(node);
  AxisList list;
  if (node.kind != Kind::text || pattern.empty()) return list;
  const bool is_absolute = pattern.starts_with('/');
  const std::string whole = is_absolute ? pattern : escape_glob(folder) + pattern;
  glob_t found = {};
  const int status = ::glob(whole.c_str(), GLOB_MARK, nullptr, &found);
  for (std::size_t i = 0; status == 0 && i < found.gl_pathc; ++i) {
    const std::string_view path = found.gl_pathv[i];
    if (path.ends_with('/')) continue;  // a folder
    list.emplace_back(std::string(path.substr(is_absolute ? 0 : folder.size())));
  }
  globfree(&found);
  if (list.empty()) fields.refuse(node, fmt::format("is \"{}\", which no file matches", whole));
  std::ranges::sort(list);
  return list;
}

Axis read_axis(const Node& node, const std::string& folder, Problems& problems) {
  Axis axis;
  axis.name = node.key;
  if (!is_axis_name(node.key)) {
    problems.add(node.line,
                 fmt::format("\"{}\" cannot be an axis: its name has letters, digits, \"_\" and "
                             "\"-\", 64 at most, begins with a letter and is not \"case\".",
                             node.key));
    return axis;
  }
  if (node.kind != Kind::table && node.kind != Kind::array) {
    problems.add(node.line, fmt::format("The axis \"{}\" must be a list of values or a table with "
                                        "\"range\", \"files\" or \"random\", but it is {}.",
                                        node.key, node.kind_text()));
    return axis;
  }
  if (node.kind == Kind::array) {
    static const Node kNone = [] {
      Node none;
      none.kind = Kind::table;
      return none;
    }();
    Fields fields(kNone, "[axes]", problems, {});
    axis.values = read_list(node, fields);
    return axis;
  }
  const std::string where = fmt::format("the axis \"{}\"", node.key);
  Fields all(node, where, problems, {"range", "step", "files", "random", "count"});
  const std::string_view kind = all.one_of({"range", "files", "random"}, "kind of values");
  if (kind == "range") {
    Fields fields(node, where, problems, {"range", "step"});
    axis.values = read_range(*fields.get("range"), fields);
  } else if (kind == "files") {
    Fields fields(node, where, problems, {"files"});
    axis.values = read_files(*fields.get("files"), folder, fields);
  } else if (kind == "random") {
    Fields fields(node, where, problems, {"random", "count"});
    axis.values = read_random(*fields.get("random"), fields);
  }
  return axis;
}

}  // namespace

std::vector<Axis> read_axes(const Node& table, const std::string& folder, Problems& problems) {
  std::vector<Axis> axes;
  if (table.kind != Kind::table) {
    problems.add(table.line,
                 fmt::format("[axes] must be a table, but it is {}.", table.kind_text()));
    return axes;
  }
  if (table.items.size() > kMaxAxes)
    problems.add(table.line,
                 fmt::format("[axes] has {} axes: there may be {}.", table.items.size(), kMaxAxes));
  for (const Node& node : table.items) {
    // The results are columns of a database, whose names have no case.
    const auto same = std::ranges::find(axes, lower_case(node.key),
                                        [](const Axis& axis) { return lower_case(axis.name); });
    if (same != axes.end())
      problems.add(node.line, fmt::format("The axes \"{}\" and \"{}\" differ in case only.",
                                          same->name, node.key));
    axes.push_back(read_axis(node, folder, problems));
  }
  return axes;
}

}  // namespace rookery::sweep
