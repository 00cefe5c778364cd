// SPDX-License-Identifier: Apache-2.0
#include "machine/recording.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include <xxhash.h>

namespace rookery {
namespace {

// As PNG's: the first byte is no text's, and a line end that somebody converted shows.
constexpr std::string_view kMagic("\x8bRKREC\r\n", 8);
constexpr std::size_t kVersionBytes = 4;
constexpr std::size_t kFirstRecord = kMagic.size() + kVersionBytes;

constexpr std::size_t kHeadBytes = 4;
constexpr std::size_t kCheckBytes = 4;
[[maybe_unused]] constexpr std::size_t kMaxPayloadBytes = 0xffff;  // for assert()
constexpr u8 kHeadConstant = 0x5a;
constexpr std::size_t kMaxPathBytes = 8192;  // longer ones are not kept
constexpr u64 kMaxCount = u64{1} << 62;      // of steps; so sums do not overflow

enum Kind : u8 {
  kMachine = 1,
  kTyped = 2,
  kTimeSkipped = 3,
  kRebooted = 4,
  kEnded = 5,
  kStateHash = 6,
  kReached = 7,
};

u8 head_check(u8 kind, u8 low, u8 high) {
  return static_cast<u8>(kHeadConstant ^ kind ^ low ^ high);
}

u32 record_check(std::string_view head_and_payload, u64 offset) {
  return static_cast<u32>(
      XXH3_64bits_withSeed(head_and_payload.data(), head_and_payload.size(), offset));
}

// --- Writing ---

template <class T>
void put_fixed(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
}

void put_number(std::string& out, u64 value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

void put_text(std::string& out, std::string_view text) {
  put_number(out, text.size());
  out += text;
}

void put_image(std::string& out, const RecordedImage& image) {
  put_text(out, image.path.size() <= kMaxPathBytes ? image.path : "");
  put_number(out, image.bytes);
  put_fixed(out, image.xxh3);
}

// --- Reading ---

// Takes values off the front of a payload; what is missing or impossible is remembered.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : bytes_(bytes) {}

  template <class T>
  T fixed() {
    const std::string_view part = take(sizeof(T));
    T value = 0;
    for (std::size_t i = 0; i < part.size(); ++i)
      value |= static_cast<T>(static_cast<T>(static_cast<u8>(part[i])) << (8 * i));
    return value;
  }

  u64 number() {
    u64 value = 0;
    for (u32 shift = 0; shift < 63; shift += 7) {
      const u8 byte = fixed<u8>();
      value |= u64{byte & 0x7fu} << shift;
      if ((byte & 0x80) == 0) return value;
    }
    good_ = false;
    return 0;
  }

  std::string text() { return std::string(take(number())); }
  std::string rest() { return std::string(take(bytes_.size())); }

  RecordedImage image() {
    RecordedImage image;
    image.path = text();
    image.bytes = number();
    image.xxh3 = fixed<u64>();
    return image;
  }

  // Everything was there, and nothing is left.
  bool complete() const { return good_ && bytes_.empty(); }

 private:
  std::string_view take(u64 count) {
    if (count > bytes_.size()) {
      good_ = false;
      bytes_ = {};
      return {};
    }
    const std::string_view part = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return part;
  }

  std::string_view bytes_;
  bool good_ = true;
};

std::optional<RecordedMachine> machine_of(std::string_view payload, u32 version) {
  Fields fields(payload);
  RecordedMachine machine;
  machine.xlen_bits = static_cast<u32>(fields.number());
  machine.ram_bytes = fields.number();
  machine.append = fields.text();
  machine.bios = fields.text();
  for (RecordedImage* image :
       {&machine.kernel, &machine.initrd, &machine.firmware, &machine.bare, &machine.device_tree})
    *image = fields.image();
  machine.start_xxh3 = fields.fixed<u64>();
  machine.program = fields.text();
  machine.engine = fields.text();
  if (version >= 2 && fields.fixed<u8>() != 0) {
    RecordedSnapshot& snapshot = machine.snapshot.emplace();
    snapshot.path = fields.text();
    snapshot.id.high = fields.fixed<u64>();
    snapshot.id.low = fields.fixed<u64>();
  }
  if (!fields.complete()) return std::nullopt;
  return machine;
}

// The event of a record whose predecessor stands at `icount`.
std::optional<OutsideEvent> event_of(u8 kind, std::string_view payload, u64 icount) {
  Fields fields(payload);
  const u64 steps = fields.number();
  if (steps > kMaxCount - icount) return std::nullopt;
  OutsideEvent event{icount + steps, Reached{}};
  switch (kind) {
    case kTyped: {
      Typed typed{fields.rest()};
      if (typed.bytes.empty()) return std::nullopt;
      event.what = std::move(typed);
      break;
    }
    case kTimeSkipped:
      event.what = TimeSkipped{fields.number()};
      break;
    case kRebooted:
      event.what = Rebooted{};
      break;
    case kEnded: {
      Ended ended;
      const u8 reason = fields.fixed<u8>();
      if (reason > static_cast<u8>(EndReason::reboot_at_end)) return std::nullopt;
      ended.reason = static_cast<EndReason>(reason);
      ended.status = fields.fixed<u32>();
      const u8 failed = fields.fixed<u8>();
      if (failed > 1) return std::nullopt;
      ended.failed = failed != 0;
      event.what = ended;
      break;
    }
    case kStateHash:
      event.what = StateHash{fields.fixed<u64>()};
      break;
    case kReached:
      break;
    default:
      return std::nullopt;
  }
  if (!fields.complete()) return std::nullopt;
  return event;
}

struct Record {
  u8 kind = 0;
  std::string_view payload;
  std::size_t bytes = 0;  // of the whole record
};

// The record at `offset`; none if the recording breaks off inside it.
Result<std::optional<Record>> record_at(std::string_view bytes, std::size_t offset) {
  const std::string_view left = bytes.substr(offset);
  if (left.size() < kHeadBytes) return std::nullopt;
  Fields head(left.substr(0, kHeadBytes));
  const u8 kind = head.fixed<u8>();
  const u16 payload_bytes = head.fixed<u16>();
  if (head.fixed<u8>() != head_check(kind, payload_bytes & 0xff, payload_bytes >> 8)) {
    return fail(ErrorKind::image,
                "The recording is damaged at byte {}: no record begins there (kind {}, {} bytes).",
                offset, kind, payload_bytes);
  }
  const std::size_t checked_bytes = kHeadBytes + payload_bytes;
  if (left.size() < checked_bytes + kCheckBytes) return std::nullopt;
  const u32 check = Fields(left.substr(checked_bytes, kCheckBytes)).fixed<u32>();
  const u32 wanted = record_check(left.substr(0, checked_bytes), offset);
  if (check != wanted) {
    return fail(ErrorKind::image,
                "The recording is damaged at byte {}: the record of {} bytes there has checksum "
                "{:08x} and should have {:08x}.",
                offset, checked_bytes + kCheckBytes, check, wanted);
  }
  return Record{kind, left.substr(kHeadBytes, payload_bytes), checked_bytes + kCheckBytes};
}

}  // namespace

RecordingEncoder::RecordingEncoder(const RecordedMachine& machine) {
  bytes_ = kMagic;
  put_fixed(bytes_, kRecordingVersion);
  std::string payload;
  put_number(payload, machine.xlen_bits);
  put_number(payload, machine.ram_bytes);
  put_text(payload, machine.append);
  put_text(payload, machine.bios);
  for (const RecordedImage* image :
       {&machine.kernel, &machine.initrd, &machine.firmware, &machine.bare, &machine.device_tree})
    put_image(payload, *image);
  put_fixed(payload, machine.start_xxh3);
  put_text(payload, machine.program);
  put_text(payload, machine.engine);
  put_fixed(payload, static_cast<u8>(machine.snapshot.has_value()));
  if (machine.snapshot) {
    const std::string& path = machine.snapshot->path;
    put_text(payload, path.size() <= kMaxPathBytes ? path : "");
    put_fixed(payload, machine.snapshot->id.high);
    put_fixed(payload, machine.snapshot->id.low);
  }
  append_record(kMachine, payload);
}

void RecordingEncoder::add(const OutsideEvent& event) {
  assert(event.icount >= icount_);
  std::string payload;
  put_number(payload, event.icount - icount_);
  icount_ = event.icount;
  const u8 kind = std::visit(
      [&]<class T>(const T& what) -> u8 {
        if constexpr (std::is_same_v<T, Typed>) {
          payload += what.bytes;
          return kTyped;
        } else if constexpr (std::is_same_v<T, TimeSkipped>) {
          put_number(payload, what.steps);
          return kTimeSkipped;
        } else if constexpr (std::is_same_v<T, Rebooted>) {
          icount_ = 0;
          return kRebooted;
        } else if constexpr (std::is_same_v<T, Ended>) {
          put_fixed(payload, static_cast<u8>(what.reason));
          put_fixed(payload, what.status);
          put_fixed(payload, static_cast<u8>(what.failed));
          return kEnded;
        } else if constexpr (std::is_same_v<T, StateHash>) {
          put_fixed(payload, what.hash);
          return kStateHash;
        } else {
          static_assert(std::is_same_v<T, Reached>);
          return kReached;
        }
      },
      event.what);
  append_record(kind, payload);
}

void RecordingEncoder::append_record(u8 kind, const std::string& payload) {
  assert(payload.size() <= kMaxPayloadBytes);
  const std::size_t start = bytes_.size();
  const u16 payload_bytes = static_cast<u16>(payload.size());
  put_fixed(bytes_, kind);
  put_fixed(bytes_, payload_bytes);
  put_fixed(bytes_, head_check(kind, payload_bytes & 0xff, payload_bytes >> 8));
  bytes_ += payload;
  put_fixed(bytes_, record_check(std::string_view(bytes_).substr(start), offset_ + start));
}

std::string RecordingEncoder::take() {
  offset_ += bytes_.size();
  return std::exchange(bytes_, {});
}

Result<Recording> parse_recording(std::span<const u8> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with(kMagic)) {
    return fail(ErrorKind::image,
                "It is no recording of Rookery's: {} bytes that do not begin as one.", text.size());
  }
  u32 version = kRecordingVersion;
  if (text.size() >= kFirstRecord) {
    version = Fields(text.substr(kMagic.size(), kVersionBytes)).fixed<u32>();
    if (version < kOldestRecordingVersion || version > kRecordingVersion) {
      return fail(ErrorKind::image,
                  "The recording has format version {}; this program reads versions {} to {}.",
                  version, kOldestRecordingVersion, kRecordingVersion);
    }
  }

  Recording recording;
  std::size_t offset = kFirstRecord;
  u64 icount = 0;
  bool ended = false;
  while (offset < text.size()) {
    if (ended) {
      return fail(ErrorKind::image,
                  "The recording is damaged at byte {}: {} bytes follow the record of its end.",
                  offset, text.size() - offset);
    }
    auto record = record_at(text, offset);
    if (!record) return std::unexpected(std::move(record.error()));
    if (!*record) break;
    const bool is_first = offset == kFirstRecord;
    const auto [kind, payload, record_bytes] = **record;
    auto machine = is_first && kind == kMachine ? machine_of(payload, version) : std::nullopt;
    auto event = !is_first ? event_of(kind, payload, icount) : std::nullopt;
    if (!machine && !event) {
      return fail(ErrorKind::image,
                  "The recording is damaged at byte {}: a record of kind {} with {} bytes makes no "
                  "sense there.",
                  offset, kind, payload.size());
    }
    if (machine) recording.machine = *std::move(machine);
    if (event) {
      icount = std::holds_alternative<Rebooted>(event->what) ? 0 : event->icount;
      ended = std::holds_alternative<Ended>(event->what);
      recording.events.push_back(*std::move(event));
    }
    offset += record_bytes;
  }
  if (text.size() <= kFirstRecord || offset == kFirstRecord) {
    return fail(ErrorKind::image,
                "The recording breaks off at byte {}, before it has said what machine it is of.",
                text.size());
  }
  if (!ended) {
    recording.cut =
        offset == text.size()
            ? fmt::format("the recording breaks off at byte {}, without an end.", offset)
            : fmt::format("the recording breaks off at byte {}, in the middle of a record.",
                          text.size());
  }
  return recording;
}

}  // namespace rookery
