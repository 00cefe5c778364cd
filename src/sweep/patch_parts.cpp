// SPDX-License-Identifier: Apache-2.0
#include "sweep/patch_parts.h"

#include <fmt/format.h>

#include "base/file.h"
#include "sweep/machine_names.h"
#include "sweep/quantity.h"

namespace rookery::sweep {
namespace {

std::unexpected<std::string> sentence(std::string text) { return std::unexpected(std::move(text)); }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Whether `value` is the sign extension or the zero extension of its lowest `bits` bits.
bool fits(u64 value, u32 bits) {
  const i64 sign = static_cast<i64>(value) >> (bits - 1);
  return bits == 64 || sign == 0 || sign == -1 || value >> bits == 0;
}

}  // namespace

OrSentence<u64> parse_at(const std::string& text) {
  if (const auto count = count_from(text)) return *count;
  return sentence(fmt::format(
      "\"at\" is \"{}\", which is no count of instructions up to 9e15: write 1000, 30M or 2.5G.",
      text));
}

OrSentence<PatchTarget> parse_target(PatchTarget::Kind kind, const std::string& text) {
  PatchTarget target;
  target.kind = kind;
  target.name = text;
  switch (kind) {
    case PatchTarget::Kind::register_: {
      const auto number = register_number(text);
      if (!number) return sentence(number.error());
      if (*number == 0) return sentence(fmt::format("The register \"{}\" is always 0.", text));
      break;
    }
    case PatchTarget::Kind::csr: {
      const auto number = csr_number(text);
      if (!number) return sentence(number.error());
      break;
    }
    case PatchTarget::Kind::field: {
      const auto field = parse_field_name(text);
      if (!field) return sentence(field.error());
      break;
    }
    case PatchTarget::Kind::memory: {
      const auto address = AddressExpression::parse(text);
      if (!address)
        return sentence(
            fmt::format("\"memory\" is \"{}\", which is no address: write \"0x80400000\", "
                        "\"symbol\" or \"symbol+0x10\".",
                        text));
      target.address = *address;
      break;
    }
  }
  return target;
}

OrSentence<u64> parse_operand(PatchAction action, u32 width_bytes, const std::string& text) {
  const u32 bits = width_bytes == 0 ? 64 : width_bytes * 8;
  const auto number = word_from(text);
  if (action == PatchAction::value) {
    if (!number)
      return sentence(fmt::format(
          "\"value\" is \"{}\", which is no 64-bit number: write 17, -17 or 0x11.", text));
    if (!fits(*number, bits))
      return sentence(fmt::format("\"value\" is {}, which takes more than the {} of \"bytes\".",
                                  text, size_text(width_bytes)));
    return *number;
  }
  if (!number || *number >= bits)
    return sentence(fmt::format("The bit \"{}\" is no number from 0 to {}.", text, bits - 1));
  return *number;
}

OrSentence<std::vector<u8>> parse_hex_bytes(const std::string& text) {
  std::vector<u8> bytes;
  if (text.empty() || text.size() % 2 != 0)
    return sentence(fmt::format("\"hex\" has {} digits: it takes two for each byte.", text.size()));
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_digit(text[i]);
    const int low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0)
      return sentence(
          fmt::format("\"hex\" has \"{}\", which are no hexadecimal digits.", text.substr(i, 2)));
    bytes.push_back(static_cast<u8>(high * 16 + low));
  }
  return bytes;
}

}  // namespace rookery::sweep
