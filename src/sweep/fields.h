// SPDX-License-Identifier: Apache-2.0
// Reads a table of a description, key by key. Getters return a value to go on with whatever is
// wrong; the first thing that is wrong is kept in Problems, to be asked for at the end.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "sweep/document.h"

namespace rookery::sweep {

class Problems {
 public:
  explicit Problems(std::string file) : file_(std::move(file)) {}

  void add(u32 line, const std::string& sentence) {
    if (!first_)
      first_ = Error{ErrorKind::usage, fmt::format("{}:{}: {}", file_, line, sentence), {}};
  }
  const std::optional<Error>& first() const { return first_; }

 private:
  std::string file_;
  std::optional<Error> first_;
};

class Fields {
 public:
  // `where` as messages name the table: "[sweep]". Members that are not in `known` are problems; so
  // is a node that is no table.
  Fields(const Node& table, std::string where, Problems& problems,
         std::initializer_list<std::string_view> known);

  const std::string& where() const { return where_; }
  u32 line() const { return table_.line; }
  bool has(std::string_view key) const { return get(key) != nullptr; }

  // The member, or null. The second form makes its lack a problem.
  const Node* get(std::string_view key) const;
  const Node* need(std::string_view key);

  // Which of `keys` the table has: exactly one, or it is a problem and the result is empty.
  std::string_view one_of(std::initializer_list<std::string_view> keys, std::string_view of_what);

  // `"KEY" in WHERE SAYS.`, at the node's line.
  void refuse(const Node& node, std::string_view says);
  void refuse_type(const Node& node, std::string_view wanted);

  bool boolean(std::string_view key, bool otherwise);
  std::string text(std::string_view key, std::string_view otherwise = "");
  // Texts without NUL that are not empty.
  std::string path(const Node& node);
  // An integer, or a text that holds one ("0x10").
  std::optional<i64> integer(const Node& node);
  u64 integer_in(std::string_view key, u64 otherwise, u64 min, u64 max);
  // Integers, and texts as in sweep/quantity.h.
  u64 count(const Node& node, u64 min);
  u64 bytes(const Node& node, u64 min, u64 max);
  u64 time_us(const Node& node);
  std::vector<std::string> texts(std::string_view key);
  // A number or a text, as text: for templates.
  std::string number_or_text(const Node& node);

 private:
  std::string where_at_start() const;

  const Node& table_;
  std::string where_;
  Problems& problems_;
};

}  // namespace rookery::sweep
