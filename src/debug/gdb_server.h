// SPDX-License-Identifier: Apache-2.0
// The remote stub: GDB's commands (GDB manual, appendix E) for one machine with one hart. Bytes
// from gdb in, bytes for gdb out, and in between the machine runs a turn at a time; sockets are
// somebody else's.
//
// Whom the machine belongs to:
//   held    it stands still: at the start, and whenever gdb has it stopped
//   run     gdb lets it go on or step, either way; only gdb's interrupt, `k` and `D` are listened
//   to free    gdb let go of it (detach): it runs as if there were no debugger
// A gdb that comes to a free machine holds it with its first packet. One that vanishes leaves a
// held machine held and a running one free.
//
// How to add a command: a row of kCommands in gdb_server.cpp and a member function; what gdb has to
// be told of it goes into say_supported().
//
// Not thread-safe. Errors are the engine's; whatever gdb says is answered, never an error.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "debug/debug_target.h"
#include "debug/gdb_protocol.h"
#include "debug/reverse_search.h"

namespace rookery::debug {

class GdbServer {
 public:
  // `target` must outlive the server.
  explicit GdbServer(DebugTarget& target) : target_(target) {}

  // Bytes that gdb sent, or none. What is to be sent back is in output() then; as long as that is
  // much, commands wait for a later call.
  Result<void> receive(std::string_view bytes);

  // gdb's connection is gone; the next bytes are another one's.
  void disconnect();

  const std::string& output() const { return output_; }
  void sent(std::size_t bytes) { output_.erase(0, bytes); }

  bool is_attached() const { return attached_; }
  bool holds() const { return run_ == Run::held; }
  bool wants_end() const { return wants_end_; }  // gdb killed the machine

  // One dispatch of a machine that is not held, and the news for gdb if it stopped. The machine may
  // sleep in it.
  Result<void> turn();

  // The machine is over: gdb hears of it, with an exit status.
  void machine_ended(int status);

 private:
  enum class Run { held, stepping, continuing, reversing, free };
  // Empty: nothing is answered now.
  using Answer = Result<std::optional<std::string>>;
  struct Command {
    std::string_view name;  // what the packet begins with
    Answer (GdbServer::*answer)(PacketText);
  };
  static const Command kCommands[];

  struct Point {
    char type;  // '0' to '4', as in Z packets
    StopPoint stop;
  };

  Result<void> take_packet(std::string_view payload);
  Answer answer(std::string_view payload);
  void send(std::string_view payload);
  void interrupt();
  void stop(std::string reason);
  std::string stop_reason(u32 stop) const;
  void forget_points();
  Answer start(Run run);
  Answer start_at(PacketText text, Run run);
  Answer start_back(ReverseSearch::Goal goal);
  Result<void> search_back();

  Answer say_supported(PacketText);
  Answer say_no_ack(PacketText);
  Answer say_features(PacketText);
  Answer say_stop_reason(PacketText);
  Answer say_attached(PacketText);
  Answer say_thread(PacketText);
  Answer say_threads(PacketText);
  Answer say_no_more_threads(PacketText);
  Answer say_thread_name(PacketText);
  Answer say_resume_actions(PacketText);
  Answer choose_thread(PacketText);
  Answer is_thread_alive(PacketText);
  Answer read_registers(PacketText);
  Answer write_registers(PacketText);
  Answer read_register(PacketText);
  Answer write_register(PacketText);
  Answer read_memory(PacketText);
  Answer write_memory(PacketText);
  Answer write_binary(PacketText);
  Answer resume(PacketText);
  Answer resume_all(PacketText);
  Answer resume_with_signal(PacketText);
  Answer step(PacketText);
  Answer step_with_signal(PacketText);
  Answer resume_back(PacketText);
  Answer step_back(PacketText);
  Answer insert_point(PacketText);
  Answer remove_point(PacketText);
  Answer run_monitor(PacketText);
  Answer detach(PacketText);
  Answer kill(PacketText);
  Answer kill_process(PacketText);

  Answer write_bytes(u64 va, u64 count, std::string_view bytes);
  static std::optional<Point> take_point(PacketText& text);
  u64 register_mask() const;
  std::string register_hex(u64 value) const;

  DebugTarget& target_;
  GdbPacketReader reader_;
  std::string output_;
  std::string last_packet_;  // as it was sent, for '-'
  std::string last_stop_;    // the last stop reply
  std::vector<Point> points_;
  Run run_ = Run::held;
  std::optional<ReverseSearch> search_;  // while reversing
  bool attached_ = false;
  bool acks_ = true;
  bool wants_end_ = false;
};

}  // namespace rookery::debug
