// SPDX-License-Identifier: Apache-2.0
// Texts to look for in what machines print, as the table that the engines follow byte by byte
// (shaders/machine/print.wgsl): the automaton of Aho and Corasick over classes of bytes. After a
// text was found, the search begins anew behind it.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "isa/constants.h"

namespace rookery {

// The ends of lines ("\n") as one more text, behind all others.
struct LineEnds {
  // Only of lines that have one of these somewhere; empty: of all. They are hints: where the table
  // has no room for them, all lines' ends are found. They have no "\n".
  std::vector<std::string> with;
};

class ConsoleTexts {
 public:
  // Of two texts that end at the same byte, the first given is found. Errors: usage, if a text is
  // empty, or if all together are too long: they have fewer than isa::TEXT_STATES bytes and, with
  // many different bytes, as many as fit the table (isa::TEXT_TABLE_BYTES).
  static Result<std::shared_ptr<const ConsoleTexts>> create(
      std::span<const std::string> texts, const std::optional<LineEnds>& lines = std::nullopt);

  // Those given, and the ends of lines.
  u32 count() const { return count_; }

  // The state after `byte`; from isa::TEXT_STATES on, the text that it completed. 0 is the start.
  u32 next(u32 state, u32 byte) const { return table_[state * classes_ + class_of_[byte & 0xff]]; }

  // Follows `bytes` from `state` until a text is complete: which one. The search begins anew then,
  // and what is left of `bytes` is not followed.
  std::optional<u32> find(u32& state, std::string_view bytes) const;

  // As the shaders have it: Texts of shaders/memory/bindings.wgsl.
  std::vector<u32> words() const;

 private:
  ConsoleTexts() = default;

  u32 count_ = 0;
  u32 classes_ = 1;  // class 0: bytes that no text has
  std::array<u8, 256> class_of_{};
  std::vector<u8> table_;  // for each state and class
};

}  // namespace rookery
