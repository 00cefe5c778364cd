// SPDX-License-Identifier: Apache-2.0
#include "debug/gdb_server.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "debug/gdb_monitor.h"
#include "debug/registers.h"

namespace rookery::debug {
namespace {

// Replies that more than one command gives.
constexpr std::string_view kOk = "OK";
constexpr std::string_view kUnknown;            // the empty reply: not supported
constexpr std::string_view kMalformed = "E01";  // the number means nothing to gdb
constexpr std::string_view kNoSuchRegister = "E02";
constexpr std::string_view kNoMemory = "E14";  // as gdbserver's EFAULT
constexpr std::string_view kNoRoom = "E28";    // as gdbserver's ENOSPC
constexpr std::string_view kRunning = "E16";   // as gdbserver's EBUSY
constexpr std::string_view kReplayed = "E30";  // as gdbserver's EROFS

constexpr std::string_view kStopByTrap = "T05thread:1;";       // SIGTRAP
constexpr std::string_view kStopByInterrupt = "T02thread:1;";  // SIGINT
constexpr std::string_view kStopAtBeginning = "T05thread:1;replaylog:begin;";
constexpr std::string_view kStopAtEnd = "T05thread:1;replaylog:end;";

// A client that sends and never reads gets no further.
constexpr std::size_t kMuchOutputBytes = 64 * 1024;
constexpr std::size_t kMaxPoints = 256;
// Hexadecimal digits in an answer; with its frame it stays below kMaxPacketBytes.
constexpr u64 kMaxAnswerBytes = kMaxPacketBytes - 64;

}  // namespace

// The first row that a packet begins with is its command's.
const GdbServer::Command GdbServer::kCommands[] = {
    {"?", &GdbServer::say_stop_reason},
    {"g", &GdbServer::read_registers},
    {"G", &GdbServer::write_registers},
    {"p", &GdbServer::read_register},
    {"P", &GdbServer::write_register},
    {"m", &GdbServer::read_memory},
    {"M", &GdbServer::write_memory},
    {"X", &GdbServer::write_binary},
    {"c", &GdbServer::resume},
    {"C", &GdbServer::resume_with_signal},
    {"s", &GdbServer::step},
    {"S", &GdbServer::step_with_signal},
    {"bc", &GdbServer::resume_back},
    {"bs", &GdbServer::step_back},
    {"vCont?", &GdbServer::say_resume_actions},
    {"vCont;", &GdbServer::resume_all},
    {"Z", &GdbServer::insert_point},
    {"z", &GdbServer::remove_point},
    {"H", &GdbServer::choose_thread},
    {"T", &GdbServer::is_thread_alive},
    {"D", &GdbServer::detach},
    {"k", &GdbServer::kill},
    {"vKill;", &GdbServer::kill_process},
    {"qSupported", &GdbServer::say_supported},
    {"QStartNoAckMode", &GdbServer::say_no_ack},
    {"qXfer:features:read:", &GdbServer::say_features},
    {"qAttached", &GdbServer::say_attached},
    {"qC", &GdbServer::say_thread},
    {"qfThreadInfo", &GdbServer::say_threads},
    {"qsThreadInfo", &GdbServer::say_no_more_threads},
    {"qThreadExtraInfo,", &GdbServer::say_thread_name},
    {"qRcmd,", &GdbServer::run_monitor},
};

// --- The connection ---

Result<void> GdbServer::receive(std::string_view bytes) {
  reader_.feed(bytes);
  while (output_.size() < kMuchOutputBytes) {
    const std::optional<GdbEvent> event = reader_.next();
    if (!event) break;
    switch (event->kind) {
      case GdbEvent::Kind::interrupt:
        if (attached_) interrupt();
        break;
      case GdbEvent::Kind::damaged:
        output_ += kNak;
        break;
      case GdbEvent::Kind::resend:
        if (acks_) output_ += last_packet_;
        break;
      case GdbEvent::Kind::packet:
        if (auto done = take_packet(event->payload); !done) return done;
        break;
    }
  }
  return {};
}

Result<void> GdbServer::take_packet(std::string_view payload) {
  if (acks_) output_ += kAck;
  if (!attached_) {
    attached_ = true;
    last_stop_ = kStopByTrap;
    run_ = Run::held;
  }
  auto reply = answer(payload);
  if (!reply) return std::unexpected(std::move(reply.error()));
  if (*reply) send(**reply);
  return {};
}

GdbServer::Answer GdbServer::answer(std::string_view payload) {
  for (const Command& command : kCommands) {
    PacketText text(payload);
    if (!text.take(command.name)) continue;
    const bool is_allowed = holds() || command.answer == &GdbServer::detach ||
                            command.answer == &GdbServer::kill ||
                            command.answer == &GdbServer::kill_process;
    if (!is_allowed) return std::string(kRunning);
    return (this->*command.answer)(text);
  }
  return std::string(kUnknown);
}

void GdbServer::send(std::string_view payload) {
  last_packet_ = make_gdb_packet(payload);
  output_ += last_packet_;
}

void GdbServer::disconnect() {
  reader_ = {};
  output_.clear();
  last_packet_.clear();
  forget_points();
  attached_ = false;
  acks_ = true;
  if (!holds()) run_ = Run::free;
}

void GdbServer::machine_ended(int status) {
  if (attached_ && !wants_end_) send(fmt::format("W{:02x}", static_cast<u8>(status)));
}

// --- Running ---

Result<void> GdbServer::turn() {
  if (run_ == Run::reversing) return search_back();
  const bool steps = run_ == Run::stepping;
  const auto pause = steps ? target_.step() : target_.run_to_stop();
  if (!pause) return std::unexpected(pause.error());
  if (pause->ended) {
    if (attached_ && target_.can_go_back()) stop(std::string(kStopAtEnd));
    return {};
  }
  // gdb for RISC-V expects to be stopped before a watched access, and lets it happen by a step.
  if (pause->stop) {
    stop(stop_reason(*pause->stop));
  } else if (steps && pause->steps != 0) {
    stop(std::string(kStopByTrap));
  }
  return {};
}

Result<void> GdbServer::search_back() {
  const auto found = search_->turn();
  if (!found) return std::unexpected(found.error());
  if (!*found) return {};
  if ((*found)->stop) {
    stop(stop_reason(*(*found)->stop));
  } else {
    stop(std::string((*found)->is_beginning ? kStopAtBeginning : kStopByTrap));
  }
  return {};
}

void GdbServer::interrupt() {
  if (!holds()) stop(std::string(kStopByInterrupt));
}

void GdbServer::stop(std::string reason) {
  run_ = Run::held;
  last_stop_ = std::move(reason);
  send(last_stop_);
}

std::string GdbServer::stop_reason(u32 stop) const {
  constexpr std::string_view kNames[] = {"swbreak", "hwbreak", "watch", "rwatch", "awatch"};
  const Point& point = points_[stop];
  const u32 type = static_cast<u32>(point.type - '0');
  const bool is_data = point.stop.kind != StopPoint::Kind::execute;
  return fmt::format("{}{}:{};", kStopByTrap, kNames[type],
                     is_data ? fmt::format("{:x}", point.stop.va) : "");
}

GdbServer::Answer GdbServer::start(Run run) {
  run_ = run;
  std::ranges::stable_partition(
      points_, [](const Point& point) { return point.stop.kind == StopPoint::Kind::execute; });
  std::vector<StopPoint> stops;
  for (const Point& point : points_) stops.push_back(point.stop);
  target_.set_stops(std::move(stops));
  return std::nullopt;
}

// c and s may name an address to go on from.
GdbServer::Answer GdbServer::start_at(PacketText text, Run run) {
  if (!text.at_end()) {
    const auto pc = text.take_number();
    if (!pc) return std::string(kMalformed);
    if (target_.can_go_back()) return std::string(kReplayed);
    const auto written = target_.write_register(kPcRegister, *pc & register_mask());
    if (!written) return std::unexpected(written.error());
    if (!*written) return std::string(kNoMemory);
  }
  return start(run);
}

GdbServer::Answer GdbServer::resume(PacketText text) { return start_at(text, Run::continuing); }
GdbServer::Answer GdbServer::step(PacketText text) { return start_at(text, Run::stepping); }

GdbServer::Answer GdbServer::start_back(ReverseSearch::Goal goal) {
  if (!target_.can_go_back()) return std::string(kUnknown);
  search_.emplace(target_, goal);
  return start(Run::reversing);
}

GdbServer::Answer GdbServer::resume_back(PacketText) {
  return start_back(ReverseSearch::Goal::stop_point);
}
GdbServer::Answer GdbServer::step_back(PacketText) { return start_back(ReverseSearch::Goal::step); }

// The signal means nothing to a machine.
GdbServer::Answer GdbServer::resume_with_signal(PacketText text) {
  text.take_until(';');
  return start_at(text, Run::continuing);
}
GdbServer::Answer GdbServer::step_with_signal(PacketText text) {
  text.take_until(';');
  return start_at(text, Run::stepping);
}

GdbServer::Answer GdbServer::say_resume_actions(PacketText) { return "vCont;c;C;s;S"; }

// Actions, each with the threads that it is for; the first that is for ours counts.
GdbServer::Answer GdbServer::resume_all(PacketText text) {
  while (!text.at_end()) {
    PacketText action(text.take_until(';'));
    PacketText threads = action;
    const std::string_view what = threads.take_until(':');
    const std::string_view thread = threads.rest();
    const bool is_ours = thread.empty() || thread == "1" || thread == "-1" || thread == "0";
    if (what.empty() || !is_ours) continue;
    if (what[0] == 'c' || what[0] == 'C') return start(Run::continuing);
    if (what[0] == 's' || what[0] == 'S') return start(Run::stepping);
    return std::string(kMalformed);
  }
  return std::string(kMalformed);
}

// --- What gdb asks first ---

GdbServer::Answer GdbServer::say_supported(PacketText) {
  return fmt::format(
      "PacketSize={:x};QStartNoAckMode+;qXfer:features:read+;swbreak+;hwbreak+;vContSupported+{}",
      kMaxPacketBytes, target_.can_go_back() ? ";ReverseStep+;ReverseContinue+" : "");
}

GdbServer::Answer GdbServer::say_no_ack(PacketText) {
  acks_ = false;
  return std::string(kOk);
}

// ANNEX:offset,length; the answer is a piece of the annex, with "l" before the last one.
GdbServer::Answer GdbServer::say_features(PacketText text) {
  const std::string_view annex = text.take_until(':');
  const auto offset = text.take_number();
  const bool has_comma = text.take(",");
  const auto length = text.take_number();
  if (annex != "target.xml") return std::string("E00");
  if (!offset || !has_comma || !length) return std::string(kMalformed);
  const std::string description = target_description(target_.xlen());
  const std::string_view left =
      std::string_view(description).substr(std::min<u64>(*offset, description.size()));
  const std::string_view piece = left.substr(0, std::min<u64>(*length, kMaxAnswerBytes));
  return fmt::format("{}{}", piece.size() == left.size() ? 'l' : 'm', piece);
}

GdbServer::Answer GdbServer::say_stop_reason(PacketText) { return last_stop_; }
// It was there before gdb: quitting gdb detaches.
GdbServer::Answer GdbServer::say_attached(PacketText) { return "1"; }

// --- Threads: the hart is number 1, for 0 and -1 mean any and all ---

GdbServer::Answer GdbServer::say_thread(PacketText text) {
  return std::string(text.at_end() ? "QC1" : kUnknown);  // qCRC is another one
}
GdbServer::Answer GdbServer::say_threads(PacketText) { return "m1"; }
GdbServer::Answer GdbServer::say_no_more_threads(PacketText) { return "l"; }
GdbServer::Answer GdbServer::say_thread_name(PacketText) { return to_hex("hart 0"); }

GdbServer::Answer GdbServer::choose_thread(PacketText text) {
  const bool is_operation = text.take("g") || text.take("c");
  const std::string_view thread = text.rest();
  const bool is_ours = thread == "1" || thread == "0" || thread == "-1";
  return std::string(is_operation && is_ours ? kOk : kMalformed);
}

GdbServer::Answer GdbServer::is_thread_alive(PacketText text) {
  return std::string(text.rest() == "1" ? kOk : kMalformed);
}

// --- Registers ---

u64 GdbServer::register_mask() const {
  return std::numeric_limits<u64>::max() >> (64 - static_cast<u32>(target_.xlen()));
}

// Little-endian, as the hart is.
std::string GdbServer::register_hex(u64 value) const {
  std::string bytes;
  for (u32 bit = 0; bit < static_cast<u32>(target_.xlen()); bit += 8) {
    bytes += static_cast<char>(value >> bit);
  }
  return to_hex(bytes);
}

namespace {

// The value of a register of `digits` hexadecimal digits.
std::optional<u64> take_register(std::string_view text, u64 digits) {
  if (text.size() != digits) return std::nullopt;
  const auto bytes = from_hex(text);
  if (!bytes) return std::nullopt;
  u64 value = 0;
  for (std::size_t i = 0; i < bytes->size(); ++i) {
    value |= u64{static_cast<u8>((*bytes)[i])} << (8 * i);
  }
  return value;
}

}  // namespace

GdbServer::Answer GdbServer::read_registers(PacketText) {
  std::string all;
  for (u32 number = 0; number <= kPcRegister; ++number) {
    const auto value = target_.read_register(number);
    if (!value) return std::unexpected(value.error());
    all += register_hex(**value);
  }
  return all;
}

GdbServer::Answer GdbServer::write_registers(PacketText text) {
  if (target_.can_go_back()) return std::string(kReplayed);
  const u64 digits = static_cast<u32>(target_.xlen()) / 4;
  std::vector<u64> values;
  for (u32 number = 0; number <= kPcRegister; ++number) {
    const std::string_view left = text.rest();
    const auto value = left.size() < number * digits
                           ? std::nullopt
                           : take_register(left.substr(number * digits, digits), digits);
    if (!value) return std::string(kMalformed);
    values.push_back(*value);
  }
  for (u32 number = 0; number <= kPcRegister; ++number) {
    const auto written = target_.write_register(number, values[number]);
    if (!written) return std::unexpected(written.error());
    if (!*written) return std::string(kNoSuchRegister);
  }
  return std::string(kOk);
}

GdbServer::Answer GdbServer::read_register(PacketText text) {
  const auto number = text.take_number();
  if (!number || !text.at_end()) return std::string(kMalformed);
  if (*number > kPrivilegeRegister) return std::string(kNoSuchRegister);
  const auto value = target_.read_register(static_cast<u32>(*number));
  if (!value) return std::unexpected(value.error());
  return *value ? register_hex(**value) : std::string(kNoSuchRegister);
}

GdbServer::Answer GdbServer::write_register(PacketText text) {
  if (target_.can_go_back()) return std::string(kReplayed);
  const auto number = text.take_number();
  if (!number || !text.take("=")) return std::string(kMalformed);
  const auto value = take_register(text.rest(), static_cast<u32>(target_.xlen()) / 4);
  if (!value) return std::string(kMalformed);
  if (*number > kPrivilegeRegister) return std::string(kNoSuchRegister);
  const auto written = target_.write_register(static_cast<u32>(*number), *value);
  if (!written) return std::unexpected(written.error());
  return std::string(*written ? kOk : kNoSuchRegister);
}

// --- Memory ---

GdbServer::Answer GdbServer::read_memory(PacketText text) {
  const auto va = text.take_number();
  const bool has_comma = text.take(",");
  const auto count = text.take_number();
  if (!va || !has_comma || !count || !text.at_end()) return std::string(kMalformed);
  const auto bytes = target_.read_memory(*va, std::min(*count, kMaxAnswerBytes / 2));
  if (!bytes) return std::unexpected(bytes.error());
  if (bytes->empty() && *count != 0) return std::string(kNoMemory);
  return to_hex(*bytes);
}

GdbServer::Answer GdbServer::write_bytes(u64 va, u64 count, std::string_view bytes) {
  if (target_.can_go_back()) return std::string(kReplayed);
  if (count != bytes.size()) return std::string(kMalformed);
  const auto written =
      target_.write_memory(va, {reinterpret_cast<const u8*>(bytes.data()), bytes.size()});
  if (!written) return std::unexpected(written.error());
  return std::string(*written ? kOk : kNoMemory);
}

GdbServer::Answer GdbServer::write_memory(PacketText text) {
  const auto va = text.take_number();
  const bool has_comma = text.take(",");
  const auto count = text.take_number();
  if (!va || !has_comma || !count || !text.take(":")) return std::string(kMalformed);
  const auto bytes = from_hex(text.rest());
  if (!bytes) return std::string(kMalformed);
  return write_bytes(*va, *count, *bytes);
}

GdbServer::Answer GdbServer::write_binary(PacketText text) {
  const auto va = text.take_number();
  const bool has_comma = text.take(",");
  const auto count = text.take_number();
  if (!va || !has_comma || !count || !text.take(":")) return std::string(kMalformed);
  return write_bytes(*va, *count, text.rest());
}

// --- Stop points ---

// TYPE,address,kind: for a watchpoint the kind is how many bytes it watches.
std::optional<GdbServer::Point> GdbServer::take_point(PacketText& text) {
  using Kind = StopPoint::Kind;
  constexpr Kind kKinds[] = {Kind::execute, Kind::execute, Kind::store, Kind::load, Kind::access};
  const std::string_view type = text.take_until(',');
  const auto va = text.take_number();
  const bool has_comma = text.take(",");
  const auto bytes = text.take_number();
  if (type.size() != 1 || type[0] < '0' || type[0] > '4') return std::nullopt;
  if (!va || !has_comma || !bytes || *bytes == 0 || *bytes > std::numeric_limits<u32>::max()) {
    return std::nullopt;
  }
  return Point{type[0], {kKinds[type[0] - '0'], *va, static_cast<u32>(*bytes)}};
}

GdbServer::Answer GdbServer::insert_point(PacketText text) {
  auto point = take_point(text);
  if (!point) return std::string(kMalformed);
  point->stop.va &= register_mask();
  const auto is_same = [&](const Point& other) {
    return other.type == point->type && other.stop == point->stop;
  };
  if (std::ranges::any_of(points_, is_same)) return std::string(kOk);
  if (points_.size() == kMaxPoints) return std::string(kNoRoom);
  points_.push_back(*point);
  return std::string(kOk);
}

GdbServer::Answer GdbServer::remove_point(PacketText text) {
  auto point = take_point(text);
  if (!point) return std::string(kMalformed);
  point->stop.va &= register_mask();
  std::erase_if(points_, [&](const Point& other) {
    return other.type == point->type && other.stop == point->stop;
  });
  return std::string(kOk);
}

void GdbServer::forget_points() {
  points_.clear();
  target_.set_stops({});
}

// --- Monitor, and the end ---

// The text goes out in packets of its own, "O" and its digits, before the answer.
GdbServer::Answer GdbServer::run_monitor(PacketText text) {
  const auto line = from_hex(text.rest());
  if (!line) return std::string(kMalformed);
  const auto said = run_monitor_command(target_, *line);
  if (!said) return std::unexpected(said.error());
  constexpr std::size_t kPieceBytes = kMaxAnswerBytes / 2;
  for (std::size_t at = 0; at < said->size(); at += kPieceBytes) {
    send("O" + to_hex(std::string_view(*said).substr(at, kPieceBytes)));
  }
  return std::string(kOk);
}

GdbServer::Answer GdbServer::detach(PacketText) {
  forget_points();
  attached_ = false;
  run_ = Run::free;
  return std::string(kOk);
}

GdbServer::Answer GdbServer::kill(PacketText) {
  wants_end_ = true;
  return std::nullopt;
}

GdbServer::Answer GdbServer::kill_process(PacketText) {
  wants_end_ = true;
  return std::string(kOk);
}

}  // namespace rookery::debug
