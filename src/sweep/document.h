// SPDX-License-Identifier: Apache-2.0
// TOML and JSON as one tree, with the line of everything and the members of tables in the order
// written, so that what reads a description need not know which of the two it is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/types.h"

namespace rookery::sweep {

struct Node {
  // `other` is what no description has a use for: dates, null, numbers beyond 64 bits.
  enum class Kind { table, array, text, integer, real, boolean, other };

  Kind kind = Kind::other;
  std::string key;   // a table's members have one
  u32 line = 0;      // of the key, else of the value; from 1
  std::string text;  // a text; of `other`, what it is: "a date"
  i64 integer = 0;
  double real = 0;
  bool boolean = false;
  std::vector<Node> items;  // members of a table, elements of an array

  // The member of that name, or null.
  const Node* find(std::string_view name) const;
  // "a text", "an integer", "a date".
  std::string kind_text() const;
};

// The root is a table. `file` is the name that errors begin with: "sort.toml:12: ...". Errors are
// of kind `usage`: what is no TOML or JSON, keys given twice, tables in more than 64 others.
Result<Node> parse_toml(std::string_view text, const std::string& file);
Result<Node> parse_json(std::string_view text, const std::string& file);

}  // namespace rookery::sweep
