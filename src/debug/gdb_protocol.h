// SPDX-License-Identifier: Apache-2.0
// The packets of GDB's remote serial protocol: "$payload#checksum", acknowledgements, escapes and
// the interrupt byte. Bytes in, events out; knows no command. GDB manual, appendix E.1.
//
// What comes in is hostile: any bytes in any pieces are allowed, and a packet never takes more
// memory than kMaxPacketBytes.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/types.h"

namespace rookery::debug {

// The longest payload that we take and the longest that we send, escapes included.
inline constexpr u32 kMaxPacketBytes = 0x4000;

inline constexpr char kAck = '+';
inline constexpr char kNak = '-';

struct GdbEvent {
  enum class Kind {
    packet,     // a whole one with the right checksum
    damaged,    // a wrong checksum, or too long
    interrupt,  // byte 0x03: stop the machine
    resend,     // '-': the last packet did not arrive
  };
  Kind kind = Kind::packet;
  std::string payload;  // of a packet, unescaped
};

class GdbPacketReader {
 public:
  void feed(std::string_view bytes);

  // The next event in what was fed. Empty: more bytes are needed. Acknowledgements, and whatever
  // stands between packets, are passed over.
  std::optional<GdbEvent> next();

 private:
  enum class Place { between, payload, checksum_high, checksum_low };

  std::optional<GdbEvent> take_between(char byte);
  GdbEvent finish(char low_digit);

  std::string bytes_;
  std::size_t read_ = 0;  // of bytes_
  std::string payload_;   // as it was sent
  Place place_ = Place::between;
  u8 sum_ = 0;
  char high_digit_ = '0';
  bool too_long_ = false;
};

// "$payload#checksum", with what needs it escaped.
std::string make_gdb_packet(std::string_view payload);

// Two lowercase digits a byte.
std::string to_hex(std::span<const u8> bytes);
std::string to_hex(std::string_view text);
// The bytes of an even number of digits of either case. Empty: it is something else.
std::optional<std::string> from_hex(std::string_view digits);

// A packet's text, read from its start.
class PacketText {
 public:
  explicit PacketText(std::string_view text) : rest_(text) {}

  // Takes what stands next, if it is this.
  bool take(std::string_view expected);
  // Takes hexadecimal digits, 1 to 16. Empty, and nothing is taken: there are none, or too many.
  std::optional<u64> take_number();
  // Takes what stands before `end`, and `end`; or all that is left.
  std::string_view take_until(char end);

  bool at_end() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

}  // namespace rookery::debug
