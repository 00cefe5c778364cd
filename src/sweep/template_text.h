// SPDX-License-Identifier: Apache-2.0
// Text with places for a case's values: {AXIS}, {AXIS:x} in hexadecimal, {case}, {case:x}; {{ and
// }} are braces.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sweep/axis.h"

namespace rookery::sweep {

class Template {
 public:
  Template() = default;

  // The error is a sentence without a place: an unknown name, a brace too many, {x:x} of an axis
  // that has other values than integers.
  static std::expected<Template, std::string> parse(std::string_view text,
                                                    std::span<const Axis> axes);

  bool is_constant() const;

  // `values` are those of the axes that it was parsed with. Negative numbers in hexadecimal are the
  // 64 bits of their two's complement.
  std::string render(u64 case_number, std::span<const NamedValue> values) const;

  // As it was written.
  const std::string& source() const { return source_; }

 private:
  static constexpr u32 kLiteral = ~u32{0};
  static constexpr u32 kCaseNumber = kLiteral - 1;
  struct Piece {
    u32 what = kLiteral;  // or kCaseNumber, or the number of an axis
    bool is_hex = false;
    std::string literal;
  };

  std::string source_;
  std::vector<Piece> pieces_;
};

}  // namespace rookery::sweep
