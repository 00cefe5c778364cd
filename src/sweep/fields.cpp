// SPDX-License-Identifier: Apache-2.0
#include "sweep/fields.h"

#include <algorithm>
#include <vector>

#include "sweep/names.h"
#include "sweep/quantity.h"

namespace rookery::sweep {

using Kind = Node::Kind;

Fields::Fields(const Node& table, std::string where, Problems& problems,
               std::initializer_list<std::string_view> known)
    : table_(table), where_(std::move(where)), problems_(problems) {
  if (table.kind != Kind::table) {
    problems_.add(table.line, fmt::format("{} must be a table, but it is {}.", where_at_start(),
                                          table.kind_text()));
    return;
  }
  for (const Node& member : table.items) {
    if (std::ranges::find(known, member.key) != known.end()) continue;
    problems_.add(member.line,
                  fmt::format("There is no key \"{}\" in {}{}", member.key, where_,
                              but_known(member.key, std::span(known.begin(), known.size()))));
  }
}

std::string Fields::where_at_start() const {
  std::string text = where_;
  if (text.front() >= 'a' && text.front() <= 'z')
    text.front() = static_cast<char>(text.front() - 'a' + 'A');
  return text;
}

const Node* Fields::get(std::string_view key) const {
  return table_.kind == Kind::table ? table_.find(key) : nullptr;
}

const Node* Fields::need(std::string_view key) {
  const Node* node = get(key);
  if (node == nullptr)
    problems_.add(table_.line, fmt::format("{} needs the key \"{}\".", where_at_start(), key));
  return node;
}

std::string_view Fields::one_of(std::initializer_list<std::string_view> keys,
                                std::string_view of_what) {
  std::string_view found;
  for (const std::string_view key : keys) {
    const Node* node = get(key);
    if (node == nullptr) continue;
    if (!found.empty()) {
      problems_.add(node->line, fmt::format("{} has both \"{}\" and \"{}\": it takes one {}.",
                                            where_at_start(), found, key, of_what));
      return {};
    }
    found = key;
  }
  if (found.empty()) {
    std::string list;
    std::size_t listed = 0;
    for (const std::string_view key : keys)
      list += fmt::format("{}\"{}\"",
                          ++listed == 1           ? ""
                          : listed == keys.size() ? " or "
                                                  : ", ",
                          key);
    problems_.add(table_.line,
                  fmt::format("{} needs one {}: {}.", where_at_start(), of_what, list));
  }
  return found;
}

void Fields::refuse(const Node& node, std::string_view says) {
  const std::string name = node.key.empty() ? "An item" : fmt::format("\"{}\"", node.key);
  problems_.add(node.line, fmt::format("{} in {} {}.", name, where_, says));
}

void Fields::refuse_type(const Node& node, std::string_view wanted) {
  const std::string is = node.kind == Kind::text      ? fmt::format("the text \"{}\"", node.text)
                         : node.kind == Kind::integer ? fmt::format("{}", node.integer)
                                                      : node.kind_text();
  refuse(node, fmt::format("must be {}, but it is {}", wanted, is));
}

bool Fields::boolean(std::string_view key, bool otherwise) {
  const Node* node = get(key);
  if (node == nullptr) return otherwise;
  if (node->kind != Kind::boolean) refuse_type(*node, "true or false");
  return node->boolean;
}

std::string Fields::text(std::string_view key, std::string_view otherwise) {
  const Node* node = get(key);
  if (node == nullptr) return std::string(otherwise);
  if (node->kind != Kind::text) refuse_type(*node, "a text");
  return node->text;
}

std::string Fields::path(const Node& node) {
  if (node.kind != Kind::text) {
    refuse_type(node, "a path");
  } else if (node.text.empty() || node.text.find('\0') != std::string::npos) {
    refuse(node, "is a text that cannot be a path");
  }
  return node.text;
}

std::optional<i64> Fields::integer(const Node& node) {
  if (node.kind == Kind::integer) return node.integer;
  const auto number = node.kind == Kind::text ? integer_from(node.text) : std::nullopt;
  if (!number) refuse_type(node, "an integer");
  return number;
}

u64 Fields::integer_in(std::string_view key, u64 otherwise, u64 min, u64 max) {
  const Node* node = get(key);
  if (node == nullptr) return otherwise;
  const auto number = integer(*node);
  if (!number) return otherwise;
  if (*number < 0 || static_cast<u64>(*number) < min || static_cast<u64>(*number) > max) {
    refuse(*node, fmt::format("is {}, which is not from {} to {}", *number, min, max));
    return otherwise;
  }
  return static_cast<u64>(*number);
}

u64 Fields::count(const Node& node, u64 min) {
  std::optional<u64> count;
  if (node.kind == Kind::text) count = count_from(node.text);
  if (node.kind == Kind::integer && node.integer >= 0) count = static_cast<u64>(node.integer);
  if (!count || *count < min || *count > kMaxCount) {
    refuse_type(node, fmt::format("a count from {} to 9e15 (1000, \"30M\", \"2.5G\")", min));
    return min;
  }
  return *count;
}

u64 Fields::bytes(const Node& node, u64 min, u64 max) {
  std::optional<u64> bytes;
  if (node.kind == Kind::text) bytes = bytes_from(node.text);
  if (node.kind == Kind::integer && node.integer >= 0) bytes = static_cast<u64>(node.integer);
  if (!bytes || *bytes < min || *bytes > max) {
    refuse_type(node,
                fmt::format("a number of bytes from {} to {} (4096, \"64K\", \"2M\")", min, max));
    return min;
  }
  return *bytes;
}

u64 Fields::time_us(const Node& node) {
  const auto time = node.kind == Kind::text ? time_us_from(node.text) : std::nullopt;
  if (!time || *time == 0) {
    refuse_type(node, "a time above 0 (\"2s\", \"100ms\", \"250us\")");
    return 1;
  }
  return *time;
}

std::vector<std::string> Fields::texts(std::string_view key) {
  std::vector<std::string> texts;
  const Node* node = get(key);
  if (node == nullptr) return texts;
  if (node->kind != Kind::array || node->items.empty()) {
    if (node->kind == Kind::array) {
      refuse(*node, "is a list without texts");
    } else {
      refuse_type(*node, "a list of texts");
    }
    return texts;
  }
  for (const Node& item : node->items) {
    if (item.kind != Kind::text) {
      problems_.add(item.line, fmt::format("\"{}\" in {} must be a list of texts, but it has {}.",
                                           key, where_, item.kind_text()));
      return texts;
    }
    texts.push_back(item.text);
  }
  return texts;
}

std::string Fields::number_or_text(const Node& node) {
  if (node.kind == Kind::integer) return fmt::format("{}", node.integer);
  if (node.kind != Kind::text) refuse_type(node, "an integer or a text");
  return node.text;
}

}  // namespace rookery::sweep
