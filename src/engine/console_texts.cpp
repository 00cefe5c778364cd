// SPDX-License-Identifier: Apache-2.0
#include "engine/console_texts.h"

#include <cstring>
#include <deque>
#include <utility>

namespace rookery {
namespace {

constexpr u32 kNone = ~u32{0};
constexpr u32 kMaxTexts = 256 - isa::TEXT_STATES;  // an entry is a byte

struct Node {
  std::vector<u32> children;  // by class
  u32 fallback = 0;           // the longest other text's beginning that this one ends with
  u32 found = kNone;          // the text that ends here, or at a fallback
};

}  // namespace

Result<std::shared_ptr<const ConsoleTexts>> ConsoleTexts::create(
    std::span<const std::string> texts) {
  std::shared_ptr<ConsoleTexts> made(new ConsoleTexts);
  if (texts.size() > kMaxTexts) {
    return fail(ErrorKind::usage, "{} texts to stop at are more than the {} that there can be.",
                texts.size(), kMaxTexts);
  }
  u64 bytes = 0;
  for (const std::string& text : texts) {
    if (text.empty()) return fail(ErrorKind::usage, "A text to stop at is empty.");
    bytes += text.size();
    for (const char c : text) {
      u8& byte_class = made->class_of_[static_cast<u8>(c)];
      if (byte_class == 0 && made->classes_ <= 0xff) byte_class = static_cast<u8>(made->classes_++);
    }
  }
  const u64 max_states = std::min<u64>(isa::TEXT_STATES, isa::TEXT_TABLE_BYTES / made->classes_);
  if (bytes >= max_states) {
    return fail(ErrorKind::usage,
                "The texts to stop at have {} bytes, {} of them different; there can be {}.", bytes,
                made->classes_ - 1, max_states - 1);
  }
  made->count_ = static_cast<u32>(texts.size());

  // The trie of all texts; node 0 is the start.
  std::vector<Node> nodes(1, Node{std::vector<u32>(made->classes_, kNone)});
  for (u32 index = 0; index < texts.size(); ++index) {
    u32 at = 0;
    for (const char c : texts[index]) {
      const u32 byte_class = made->class_of_[static_cast<u8>(c)];
      if (nodes[at].children[byte_class] == kNone) {
        nodes[at].children[byte_class] = static_cast<u32>(nodes.size());
        nodes.push_back(Node{std::vector<u32>(made->classes_, kNone)});
      }
      at = nodes[at].children[byte_class];
    }
    if (nodes[at].found == kNone) nodes[at].found = index;
  }
  // Breadth first: a node's fallback is shorter, so it is complete already.
  std::deque<u32> waiting = {0};
  while (!waiting.empty()) {
    const u32 at = waiting.front();
    waiting.pop_front();
    for (u32 byte_class = 0; byte_class < made->classes_; ++byte_class) {
      const u32 elsewhere = at == 0 ? 0 : nodes[nodes[at].fallback].children[byte_class];
      u32& child = nodes[at].children[byte_class];
      if (child == kNone) {
        child = elsewhere;
        continue;
      }
      nodes[child].fallback = elsewhere;
      nodes[child].found = std::min(nodes[child].found, nodes[elsewhere].found);
      waiting.push_back(child);
    }
  }
  for (const Node& node : nodes) {
    for (const u32 child : node.children) {
      const u32 found = nodes[child].found;
      made->table_.push_back(static_cast<u8>(found == kNone ? child : isa::TEXT_STATES + found));
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
