// SPDX-License-Identifier: Apache-2.0
#include "sweep/template_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "sweep/names.h"

namespace rookery::sweep {

std::expected<Template, std::string> Template::parse(std::string_view text,
                                                     std::span<const Axis> axes) {
  Template made;
  made.source_ = text;
  const auto literal = [&made](char c) {
    if (made.pieces_.empty() || made.pieces_.back().what != kLiteral) made.pieces_.emplace_back();
    made.pieces_.back().literal += c;
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const bool is_doubled = at + 1 < text.size() && text[at + 1] == c;
    if (c != '{' && c != '}') {
      literal(c);
      continue;
    }
    if (is_doubled) {
      literal(c);
      ++at;
      continue;
    }
    if (c == '}')
      return std::unexpected(fmt::format(
          "\"{}\" has a \"}}\" that closes nothing; write \"}}}}\" for the character.", text));
    const std::size_t end = text.find('}', at);
    if (end == std::string_view::npos)
      return std::unexpected(fmt::format(
          "\"{}\" has a \"{{\" that is not closed; write \"{{{{\" for the character.", text));
    std::string_view name = text.substr(at + 1, end - at - 1);
    Piece piece;
    if (const std::size_t colon = name.find(':'); colon != std::string_view::npos) {
      if (name.substr(colon) != ":x")
        return std::unexpected(
            fmt::format("\"{{{}}}\" asks for the format \"{}\"; there is only \"x\".", name,
                        name.substr(colon + 1)));
      piece.is_hex = true;
      name = name.substr(0, colon);
    }
    const auto axis = std::ranges::find(axes, name, &Axis::name);
    if (axis != axes.end()) {
      piece.what = static_cast<u32>(axis - axes.begin());
      if (piece.is_hex && !axis->has_only_integers())
        return std::unexpected(
            fmt::format("\"{{{}:x}}\" asks for hexadecimal, but not all values of the axis \"{}\" "
                        "are integers.",
                        name, name));
    } else if (name == "case") {
      piece.what = kCaseNumber;
    } else {
      std::vector<std::string_view> known = {"case"};
      for (const Axis& other : axes) known.push_back(other.name);
      return std::unexpected(
          fmt::format("\"{{{}}}\" names no axis{}", name, but_known(name, known)));
    }
    made.pieces_.push_back(std::move(piece));
    at = end;
  }
  return made;
}

bool Template::is_constant() const {
  return std::ranges::all_of(pieces_, [](const Piece& piece) { return piece.what == kLiteral; });
}

std::string Template::render(u64 case_number, std::span<const NamedValue> values) const {
  std::string out;
  for (const Piece& piece : pieces_) {
    if (piece.what == kLiteral) {
      out += piece.literal;
    } else if (piece.what == kCaseNumber) {
      out += piece.is_hex ? fmt::format("{:x}", case_number) : fmt::format("{}", case_number);
    } else if (piece.is_hex) {
      out += fmt::format("{:x}", static_cast<u64>(std::get<i64>(values[piece.what].value)));
    } else {
      out += value_text(values[piece.what].value);
    }
  }
  return out;
}

}  // namespace rookery::sweep
