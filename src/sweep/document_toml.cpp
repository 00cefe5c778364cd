// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

// toml++ asserts, or lets clang assume, what bad texts do not keep to ("[[[["). It tells such a
// text's mistake by itself if neither is done.
#include <toml++/impl/preprocessor.h>
#undef TOML_ASSERT
#undef TOML_ASSERT_ASSUME
#define TOML_ASSERT(expression) static_assert(true)
#define TOML_ASSERT_ASSUME(expression) static_assert(true)
#include <toml++/toml.h>

#include "sweep/document.h"

namespace rookery::sweep {
namespace {

u32 line_of(const toml::source_region& region) { return static_cast<u32>(region.begin.line); }

Node node_of(const toml::node& from);

void add_members(Node& table, const toml::table& from) {
  // toml++ keeps a table's members by name.
  std::vector<std::pair<const toml::key*, const toml::node*>> members;
  for (const auto& [key, value] : from) members.emplace_back(&key, &value);
  std::ranges::sort(members, [](const auto& a, const auto& b) {
    const toml::source_position& x = a.first->source().begin;
    const toml::source_position& y = b.first->source().begin;
    return std::pair(x.line, x.column) < std::pair(y.line, y.column);
  });
  for (const auto& [key, value] : members) {
    Node node = node_of(*value);
    node.key = key->str();
    node.line = line_of(key->source());
    table.items.push_back(std::move(node));
  }
}

Node node_of(const toml::node& from) {
  Node node;
  node.line = line_of(from.source());
  if (const auto* table = from.as_table()) {
    node.kind = Node::Kind::table;
    add_members(node, *table);
  } else if (const auto* array = from.as_array()) {
    node.kind = Node::Kind::array;
    for (const toml::node& item : *array) node.items.push_back(node_of(item));
  } else if (const auto* text = from.as_string()) {
    node.kind = Node::Kind::text;
    node.text = text->get();
  } else if (const auto* integer = from.as_integer()) {
    node.kind = Node::Kind::integer;
    node.integer = integer->get();
  } else if (const auto* real = from.as_floating_point()) {
    node.kind = Node::Kind::real;
    node.real = real->get();
  } else if (const auto* boolean = from.as_boolean()) {
    node.kind = Node::Kind::boolean;
    node.boolean = boolean->get();
  } else {
    node.text = "a date or a time";
  }
  return node;
}

}  // namespace

Result<Node> parse_toml(std::string_view text, const std::string& file) {
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return fail(ErrorKind::usage, "{}:{}: This is not TOML: {}.", file, line_of(error.source()),
                error.description());
  }
  return node_of(parsed.table());
}

}  // namespace rookery::sweep
