// SPDX-License-Identifier: Apache-2.0
#include "engine/console_texts.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <utility>

namespace rookery {
namespace {

constexpr u32 kNone = ~u32{0};
constexpr u32 kMaxTexts = 256 - isa::TEXT_STATES;  // an entry is a byte

constexpr char kLineEnd = '\n';

struct Node {
  std::vector<u32> children;  // by class
  u32 fallback = 0;           // the longest other text's beginning that this one ends with
  u32 found = kNone;          // the text that ends here, or at a fallback
  bool marks = false;         // one of LineEnds::with ends here, or at a fallback
};

// The trie of all texts, each node with a child for each class; node 0 is the start.
class Trie {
 public:
  Trie(u32 classes, const std::array<u8, 256>& class_of) : class_of_(class_of) {
    nodes_.push_back(Node{.children = std::vector<u32>(classes, kNone)});
  }

  Node& add(std::string_view text) {
    u32 at = 0;
    for (const char c : text) {
      const u32 byte_class = class_of_[static_cast<u8>(c)];
      if (nodes_[at].children[byte_class] == kNone) {
        nodes_[at].children[byte_class] = static_cast<u32>(nodes_.size());
        nodes_.push_back(Node{.children = std::vector<u32>(nodes_[0].children.size(), kNone)});
      }
      at = nodes_[at].children[byte_class];
    }
    return nodes_[at];
  }

  // Where a text goes on that began in another. Breadth first: a node's fallback is shorter, so it
  // is complete already.
  const std::vector<Node>& complete() {
    std::deque<u32> waiting = {0};
    while (!waiting.empty()) {
      const u32 at = waiting.front();
      waiting.pop_front();
      for (u32 byte_class = 0; byte_class < nodes_[at].children.size(); ++byte_class) {
        const u32 elsewhere = at == 0 ? 0 : nodes_[nodes_[at].fallback].children[byte_class];
        u32& child = nodes_[at].children[byte_class];
        if (child == kNone) {
          child = elsewhere;
          continue;
        }
        nodes_[child].fallback = elsewhere;
        nodes_[child].found = std::min(nodes_[child].found, nodes_[elsewhere].found);
        nodes_[child].marks = nodes_[child].marks || nodes_[elsewhere].marks;
        waiting.push_back(child);
      }
    }
    return nodes_;
  }

 private:
  const std::array<u8, 256>& class_of_;
  std::vector<Node> nodes_;
};

u64 bytes_in(std::span<const std::string> texts) {
  u64 bytes = 0;
  for (const std::string& text : texts) bytes += text.size();
  return bytes;
}

}  // namespace

Result<std::shared_ptr<const ConsoleTexts>> ConsoleTexts::create(
    std::span<const std::string> texts, const std::optional<LineEnds>& lines) {
  std::shared_ptr<ConsoleTexts> made(new ConsoleTexts);
  made->count_ = static_cast<u32>(texts.size()) + (lines ? 1 : 0);
  if (made->count_ > kMaxTexts) {
    return fail(ErrorKind::usage, "{} texts to stop at are more than the {} that there can be.",
                made->count_, kMaxTexts);
  }
  const auto classify = [&](std::string_view text) {
    for (const char c : text) {
      u8& byte_class = made->class_of_[static_cast<u8>(c)];
      if (byte_class == 0 && made->classes_ <= 0xff) byte_class = static_cast<u8>(made->classes_++);
    }
  };
  const auto max_states = [&] {
    return std::min<u64>(isa::TEXT_STATES, isa::TEXT_TABLE_BYTES / made->classes_);
  };
  for (const std::string& text : texts) {
    if (text.empty()) return fail(ErrorKind::usage, "A text to stop at is empty.");
    classify(text);
  }
  if (lines) classify({&kLineEnd, 1});
  const u64 bytes = bytes_in(texts) + (lines ? 1 : 0);
  if (bytes >= max_states()) {
    return fail(ErrorKind::usage,
                "The texts to stop at have {} bytes, {} of them different; there can be {}.", bytes,
                made->classes_ - 1, max_states() - 1);
  }

  // The states with which a line has one of `with` already follow those with which it has not.
  bool marks = lines && !lines->with.empty();
  if (marks) {
    const u32 classes = made->classes_;
    const std::array<u8, 256> class_of = made->class_of_;
    for (const std::string& text : lines->with) classify(text);
    if (2 * (bytes + bytes_in(lines->with) + 1) > max_states()) {
      marks = false;
      made->classes_ = classes;
      made->class_of_ = class_of;
    }
  }
  Trie trie(made->classes_, made->class_of_);
  for (u32 index = 0; index < texts.size(); ++index) {
    Node& end = trie.add(texts[index]);
    if (end.found == kNone) end.found = index;
  }
  const u32 line_end = static_cast<u32>(texts.size());
  if (lines && !marks) {
    Node& end = trie.add({&kLineEnd, 1});
    if (end.found == kNone) end.found = line_end;
  }
  if (marks) {
    for (const std::string& text : lines->with) trie.add(text).marks = true;
  }
  const std::vector<Node>& nodes = trie.complete();
  const u32 line_end_class = made->class_of_[static_cast<u8>(kLineEnd)];
  for (const bool marked : {false, true}) {
    if (marked && !marks) break;
    for (const Node& node : nodes) {
      for (u32 byte_class = 0; byte_class < made->classes_; ++byte_class) {
        const u32 child = node.children[byte_class];
        u32 found = nodes[child].found;
        bool stays_marked = marked || nodes[child].marks;
        if (marks && byte_class == line_end_class) {
          if (found == kNone && marked) found = line_end;
          stays_marked = false;
        }
        const u64 state = child + (stays_marked ? nodes.size() : 0);
        made->table_.push_back(static_cast<u8>(found == kNone ? state : isa::TEXT_STATES + found));
      }
    }
  }
  return made;
}

std::optional<u32> ConsoleTexts::find(u32& state, std::string_view bytes) const {
  for (const char byte : bytes) {
    state = next(state, static_cast<u8>(byte));
    if (state >= isa::TEXT_STATES) return std::exchange(state, 0) - isa::TEXT_STATES;
  }
  return std::nullopt;
}

std::vector<u32> ConsoleTexts::words() const {
  constexpr u32 kHeaderWords = 4;  // two, and what aligns the vectors behind them
  std::vector<u32> words(kHeaderWords + (class_of_.size() + isa::TEXT_TABLE_BYTES) / 4);
  words[0] = count_;
  words[1] = classes_;
  std::memcpy(words.data() + kHeaderWords, class_of_.data(), class_of_.size());
  std::memcpy(words.data() + kHeaderWords + class_of_.size() / 4, table_.data(), table_.size());
  return words;
}

}  // namespace rookery
