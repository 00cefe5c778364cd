// SPDX-License-Identifier: Apache-2.0
#include "sweep/escape.h"

#include <fmt/format.h>

#include "base/types.h"

namespace rookery::sweep {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

// The first character of `bytes`, which are not empty.
struct Character {
  std::size_t bytes = 1;  // that it takes, or that are ill-formed
  bool is_valid = true;
};

Character next_character(std::string_view bytes) {
  const auto at = [&](std::size_t i) { return static_cast<u8>(bytes[i]); };
  const u8 first = at(0);
  if (first < 0x80) return {};
  // Table 3-7: how many follow, and what the second may be.
  std::size_t length = 0;
  u8 low = 0x80;
  u8 high = 0xbf;
  if (first >= 0xc2 && first <= 0xdf) {
    length = 2;
  } else if (first >= 0xe0 && first <= 0xef) {
    length = 3;
    if (first == 0xe0) low = 0xa0;
    if (first == 0xed) high = 0x9f;
  } else if (first >= 0xf0 && first <= 0xf4) {
    length = 4;
    if (first == 0xf0) low = 0x90;
    if (first == 0xf4) high = 0x8f;
  } else {
    return {1, false};
  }
  for (std::size_t i = 1; i < length; ++i) {
    if (i >= bytes.size() || at(i) < low || at(i) > high) return {i, false};
    low = 0x80;
    high = 0xbf;
  }
  return {length, true};
}

// Calls add(CHARACTER) for each character, ill-formed ones replaced.
template <class Add>
void each_character(std::string_view bytes, Add add) {
  while (!bytes.empty()) {
    const Character character = next_character(bytes);
    add(character.is_valid ? bytes.substr(0, character.bytes) : kReplacement);
    bytes.remove_prefix(character.bytes);
  }
}

// U+2400 to U+241F and U+2421 show U+0000 to U+001F and U+007F.
std::string picture_of(char control) {
  constexpr char kDelete = 0x7f;
  const u32 last = 0x80 + (control == kDelete ? 0x21u : static_cast<u32>(control));
  return {'\xe2', '\x90', static_cast<char>(last)};
}

}  // namespace

bool is_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const Character character = next_character(bytes);
    if (!character.is_valid) return false;
    bytes.remove_prefix(character.bytes);
  }
  return true;
}

std::string json_text(std::string_view bytes) {
  std::string out = "\"";
  each_character(bytes, [&out](std::string_view character) {
    const char c = character.front();
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<u8>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{:04x}", static_cast<u32>(c));
    } else {
      out += character;
    }
  });
  return out + '"';
}

std::string markup_text(std::string_view bytes) {
  std::string out;
  each_character(bytes, [&out](std::string_view character) {
    const char c = character.front();
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (c == '\'') {
      out += "&#39;";
    } else if ((static_cast<u8>(c) < 0x20 && c != '\t' && c != '\n') || c == 0x7f) {
      out += picture_of(c);
    } else if (character == "\xef\xbf\xbe" || character == "\xef\xbf\xbf") {
      out += kReplacement;  // U+FFFE and U+FFFF, which XML forbids too
    } else {
      out += character;
    }
  });
  return out;
}

std::string csv_field(std::string_view bytes) {
  std::string out;
  each_character(bytes, [&out](std::string_view character) {
    if (character.front() == '\0') {
      out += picture_of('\0');
    } else {
      out += character;
      if (character.front() == '"') out += '"';
    }
  });
  return out.find_first_of(",\"\r\n") == std::string::npos ? out : '"' + out + '"';
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    u32 group = 0;
    for (std::size_t j = 0; j < 3; ++j)
      group = (group << 8) | (j < count ? static_cast<u8>(bytes[i + j]) : 0u);
    for (std::size_t j = 0; j < 4; ++j)
      out += j <= count ? kDigits[(group >> (18 - 6 * j)) & 63] : '=';
  }
  return out;
}

std::string hex_text(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kDigits[static_cast<u8>(c) >> 4];
    out += kDigits[static_cast<u8>(c) & 15];
  }
  return out;
}

}  // namespace rookery::sweep
