// SPDX-License-Identifier: Apache-2.0
// The monitor: lets a program hold, step and look into a machine, by lines of JSON in the manner of
// QEMU's QMP. Owns the protocol; bytes come and go through its caller, which has the socket.
//
//   {"execute": "step", "arguments": {"instructions": 1000}, "id": 1}
//   {"return": {"state": "paused", "instructions": 5001000, ...}, "id": 1}
//   {"error": {"class": "BadArgument", "desc": "A sentence."}, "id": 2}
//
// Each request is a line of at most kMaxLineBytes and gets one answer, in the order of requests;
// but "step" is answered when the steps are made, and requests that come meanwhile before it. An
// "id" (text, number, true, false or null) comes back with the answer. When the run ends, an event
// says so: {"event": "END", "data": {...}}.
//
// Snapshots are stored by the caller, who has files.
//
// Nothing that a client sends changes what the machine computes, or harms the run: what is no
// request gets an error. Not thread-safe; to be called between turns of the machine.
//
// How to add a command: a row in kCommands of monitor.cpp, and its function.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/types.h"
#include "machine/machine.h"

namespace rookery::debug {

class Monitor {
 public:
  static constexpr std::size_t kMaxLineBytes = 64 * kKiB;
  static constexpr u64 kMaxMemoryBytes = 64 * kKiB;  // in one answer

  // Stores the machine as it stands in a file; gives its size.
  using StoreSnapshot = std::function<Result<u64>(const std::string& path)>;

  // `machine` must outlive the monitor. `version` is the program's.
  Monitor(Machine& machine, std::string version, StoreSnapshot store_snapshot);

  // A client came: what to greet it with. Nothing is left of the one before.
  std::string greet();

  // Takes bytes as they come, whole lines or not; returns answers, each a line.
  std::string receive(std::string_view bytes);

  // To be called after each turn: the answer to a step that is over, or nothing.
  std::string poll();

  // Whether poll() still owes an answer.
  bool is_stepping() const { return step_.has_value(); }

  // What to tell a client when the run has ended.
  std::string farewell(const RunEnd& end);

  // What a second client is told.
  static std::string refusal();

 private:
  using Json = nlohmann::ordered_json;

  struct Step {
    u64 first = 0;  // Machine::instructions() before it
    std::optional<Json> id;
  };

  std::string answer_line(std::string_view line);
  std::string answer_step(Json answer);

  Machine& machine_;
  std::string version_;
  StoreSnapshot store_snapshot_;
  std::string line_;         // begun, not ended
  bool skips_line_ = false;  // the rest of a line that was too long
  std::optional<Step> step_;
};

}  // namespace rookery::debug
