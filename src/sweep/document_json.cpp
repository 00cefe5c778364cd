// SPDX-License-Identifier: Apache-2.0
// nlohmann's reader tells events, not lines; but it takes the text a character at a time, so that
// how far it has come says which line an event belongs to. It may have looked one character ahead,
// which matters only if that is white space: the line is that of the last character that is not.
#include <cmath>
#include <iterator>
#include <limits>
#include <memory>

#include <nlohmann/json.hpp>

#include "sweep/document.h"

namespace rookery::sweep {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxDepth = 64;

struct Progress {
  u32 line = 1;        // of what was read
  u32 solid_line = 1;  // of the last character that is not white space
  const char* furthest = nullptr;

  void read(const char* at) {
    if (furthest != nullptr && at <= furthest) return;
    furthest = at;
    if (*at == '\n') ++line;
    if (*at != '\n' && *at != ' ' && *at != '\t' && *at != '\r') solid_line = line;
  }
};

// Over the text, telling a Progress what was read.
class Reading {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Reading(const char* at, Progress* progress) : at_(at), progress_(progress) {}
  const char& operator*() const {
    progress_->read(at_);
    return *at_;
  }
  Reading& operator++() {
    ++at_;
    return *this;
  }
  Reading operator++(int) {
    const Reading before = *this;
    ++at_;
    return before;
  }
  bool operator==(const Reading& other) const { return at_ == other.at_; }
  bool operator!=(const Reading& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  Progress* progress_;
};

class TreeBuilder : public nlohmann::json_sax<json> {
 public:
  TreeBuilder(const Progress& progress, std::string file)
      : progress_(progress), file_(std::move(file)) {}

  bool null() override {
    Node node;
    node.text = "null";
    return add(std::move(node));
  }
  bool boolean(bool value) override {
    Node node;
    node.kind = Node::Kind::boolean;
    node.boolean = value;
    return add(std::move(node));
  }
  bool number_integer(number_integer_t value) override {
    Node node;
    node.kind = Node::Kind::integer;
    node.integer = value;
    return add(std::move(node));
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (value <= static_cast<u64>(std::numeric_limits<i64>::max()))
      return number_integer(static_cast<i64>(value));
    Node node;
    node.text = "a number above 9223372036854775807";
    return add(std::move(node));
  }
  bool number_float(number_float_t value, const string_t&) override {
    Node node;
    node.kind = Node::Kind::real;
    node.real = value;
    return add(std::move(node));
  }
  bool string(string_t& value) override {
    Node node;
    node.kind = Node::Kind::text;
    node.text = std::move(value);
    return add(std::move(node));
  }
  bool binary(binary_t&) override { return false; }  // not in JSON
  bool start_object(std::size_t) override { return open(Node::Kind::table); }
  bool start_array(std::size_t) override { return open(Node::Kind::array); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& value) override {
    key_line_ = progress_.solid_line;
    if (open_.back().find(value) != nullptr) {
      error_ =
          fail(ErrorKind::usage, "{}:{}: The key \"{}\" is given twice.", file_, key_line_, value)
              .error();
      return false;
    }
    key_ = std::move(value);
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const json::exception& error) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: ..."
    std::string_view what = error.what();
    if (const auto end = what.find("] "); end != std::string_view::npos)
      what.remove_prefix(end + 2);
    if (what.starts_with("parse error at line")) {
      if (const auto end = what.find(": "); end != std::string_view::npos)
        what.remove_prefix(end + 2);
    }
    error_ =
        fail(ErrorKind::usage, "{}:{}: This is not JSON: {}.", file_, progress_.line, what).error();
    return false;
  }

  Result<Node> take() {
    if (error_) return std::unexpected(*std::move(error_));
    if (root_.kind != Node::Kind::table)
      return fail(ErrorKind::usage, "{}:{}: This is {}, not a table.", file_, root_.line,
                  root_.kind_text());
    return std::move(root_);
  }

 private:
  bool is_in_table() const { return !open_.empty() && open_.back().kind == Node::Kind::table; }

  void name(Node& node) {
    node.line = progress_.solid_line;
    if (!is_in_table()) return;
    node.key = std::move(key_);
    node.line = key_line_;
  }

  bool place(Node node) {
    if (open_.empty()) {
      root_ = std::move(node);
    } else {
      open_.back().items.push_back(std::move(node));
    }
    return true;
  }

  bool add(Node node) {
    name(node);
    return place(std::move(node));
  }

  bool open(Node::Kind kind) {
    if (open_.size() >= kMaxDepth) {
      error_ = fail(ErrorKind::usage, "{}:{}: Tables and lists lie in more than {} others.", file_,
                    progress_.solid_line, kMaxDepth)
                   .error();
      return false;
    }
    Node node;
    node.kind = kind;
    name(node);
    open_.push_back(std::move(node));
    return true;
  }

  bool close() {
    Node node = std::move(open_.back());
    open_.pop_back();
    return place(std::move(node));
  }

  const Progress& progress_;
  std::string file_;
  Node root_;
  std::vector<Node> open_;
  std::string key_;
  u32 key_line_ = 0;
  std::optional<Error> error_;
};

}  // namespace

Result<Node> parse_json(std::string_view text, const std::string& file) {
  Progress progress;
  TreeBuilder tree(progress, file);
  json::sax_parse(Reading(std::to_address(text.begin()), &progress),
                  Reading(std::to_address(text.end()), &progress), &tree);
  return tree.take();
}

}  // namespace rookery::sweep
