// SPDX-License-Identifier: Apache-2.0
#include "debug/gdb_protocol.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

namespace rookery::debug {
namespace {

constexpr char kStart = '$';
constexpr char kEnd = '#';
constexpr char kEscape = '}';
constexpr char kRepeat = '*';
constexpr char kEscapeBit = 0x20;
constexpr char kInterrupt = 0x03;

int digit_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

std::string unescaped(std::string_view payload) {
  std::string out;
  out.reserve(payload.size());
  for (std::size_t i = 0; i < payload.size(); ++i) {
    const bool is_escape = payload[i] == kEscape && i + 1 < payload.size();
    out += is_escape ? static_cast<char>(payload[++i] ^ kEscapeBit) : payload[i];
  }
  return out;
}

}  // namespace

void GdbPacketReader::feed(std::string_view bytes) {
  bytes_.erase(0, std::exchange(read_, 0));
  bytes_ += bytes;
}

std::optional<GdbEvent> GdbPacketReader::next() {
  while (read_ < bytes_.size()) {
    const char byte = bytes_[read_++];
    std::optional<GdbEvent> event;
    switch (place_) {
      case Place::between:
        event = take_between(byte);
        break;
      case Place::payload:
        if (byte == kEnd) {
          place_ = Place::checksum_high;
        } else if (byte == kStart) {
          take_between(byte);  // the last one was cut short: this one counts
        } else {
          sum_ = static_cast<u8>(sum_ + static_cast<u8>(byte));
          too_long_ = payload_.size() == kMaxPacketBytes;
          if (!too_long_) payload_ += byte;
        }
        break;
      case Place::checksum_high:
        high_digit_ = byte;
        place_ = Place::checksum_low;
        break;
      case Place::checksum_low:
        event = finish(byte);
        break;
    }
    if (event) return event;
  }
  return std::nullopt;
}

std::optional<GdbEvent> GdbPacketReader::take_between(char byte) {
  if (byte == kInterrupt) return GdbEvent{GdbEvent::Kind::interrupt, {}};
  if (byte == kNak) return GdbEvent{GdbEvent::Kind::resend, {}};
  if (byte == kStart) {
    payload_.clear();
    sum_ = 0;
    too_long_ = false;
    place_ = Place::payload;
  }
  return std::nullopt;
}

GdbEvent GdbPacketReader::finish(char low_digit) {
  place_ = Place::between;
  const int high = digit_value(high_digit_);
  const int low = digit_value(low_digit);
  const bool is_right = high >= 0 && low >= 0 && high * 16 + low == sum_;
  if (too_long_ || !is_right) return {GdbEvent::Kind::damaged, {}};
  return {GdbEvent::Kind::packet, unescaped(payload_)};
}

std::string make_gdb_packet(std::string_view payload) {
  std::string packet(1, kStart);
  u8 sum = 0;
  const auto put = [&](char byte) {
    packet += byte;
    sum = static_cast<u8>(sum + static_cast<u8>(byte));
  };
  for (const char byte : payload) {
    const bool is_special = byte == kStart || byte == kEnd || byte == kEscape || byte == kRepeat;
    if (is_special) put(kEscape);
    put(is_special ? static_cast<char>(byte ^ kEscapeBit) : byte);
  }
  return packet + fmt::format("{}{:02x}", kEnd, sum);
}

std::string to_hex(std::span<const u8> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string digits;
  digits.reserve(bytes.size() * 2);
  for (const u8 byte : bytes) {
    digits += kDigits[byte >> 4];
    digits += kDigits[byte & 15];
  }
  return digits;
}

std::string to_hex(std::string_view text) {
  return to_hex({reinterpret_cast<const u8*>(text.data()), text.size()});
}

std::optional<std::string> from_hex(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(digits.size() / 2);
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const int high = digit_value(digits[i]);
    const int low = digit_value(digits[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

bool PacketText::take(std::string_view expected) {
  if (!rest_.starts_with(expected)) return false;
  rest_.remove_prefix(expected.size());
  return true;
}

std::optional<u64> PacketText::take_number() {
  u64 number = 0;
  if (rest_.empty() || digit_value(rest_.front()) < 0) return std::nullopt;
  const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), number, 16);
  if (error != std::errc{}) return std::nullopt;
  rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
  return number;
}

std::string_view PacketText::take_until(char end) {
  const std::string_view taken = rest_.substr(0, rest_.find(end));
  rest_.remove_prefix(std::min(taken.size() + 1, rest_.size()));
  return taken;
}

}  // namespace rookery::debug
