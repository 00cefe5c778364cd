// SPDX-License-Identifier: Apache-2.0
// The person's side of a machine: standard input is its keyboard, standard output its screen,
// standard error is where Rookery itself speaks. Owns the escape keys (Ctrl-A), the progress line
// and the raw terminal; knows nothing of machines but the interface it answers.
//
// No byte that a guest prints is lost: short writes and full pipes are waited for. No thread: input
// is polled between dispatches.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/terminal.h"
#include "machine/host.h"
#include "machine/machine.h"

namespace rookery::cli {

struct ConsoleOptions {
  bool silent = false;       // --no-console: nothing is read or printed
  bool trace_exits = false;  // a line for each exit
};

class Console : public MachineHost {
 public:
  // Makes the terminal raw if standard input is one.
  static Result<std::unique_ptr<Console>> open(const ConsoleOptions& options);

  ~Console() override { finish_line(); }

  InputMode input_mode() const { return input_mode_; }

  u64 now_us() override;
  Result<void> print(std::string_view bytes) override;
  Result<TypedInput> read_typed() override;
  void sleep(u64 us) override;
  void sleep_paused(u64 us) override;
  bool stop_requested() override;
  void saw_exit(const Exit& exit, u64 instructions) override;

  // Writes a line of Rookery's own to standard error, on a line by itself.
  void note(std::string_view line);

  // Ends the guest's last line on the screen, so that a shell's prompt stands below it.
  void finish_line();

  // Writes to standard error as it is.
  void write_raw(std::string_view text);

  // Shows how far the machine is, if it has been silent for a while and somebody can see it.
  void show_progress(u64 instructions, double mips);
  void erase_progress();

  // Input at these descriptors, of a listener or a client of `owner`'s, ends a sleep too.
  void wake_on(const void* owner, std::vector<int> descriptors) {
    wake_on_[owner] = std::move(descriptors);
  }

  // True once after Ctrl-A c, and after Ctrl-A s.
  bool take_status_request();
  bool take_snapshot_request() { return std::exchange(snapshot_requested_, false); }

 private:
  explicit Console(const ConsoleOptions& options);
  void take_key(char key, std::string& typed);
  void sleep(u64 us, bool listens);
  void say_help();

  ConsoleOptions options_;
  InputMode input_mode_ = InputMode::none;
  std::optional<RawTerminal> raw_;
  bool screen_is_terminal_ = false;     // standard output
  bool notes_are_on_terminal_ = false;  // standard error

  std::map<const void*, std::vector<int>> wake_on_;  // by owner
  bool input_closed_ = false;
  bool escape_ = false;  // Ctrl-A was typed, its key is next
  bool quit_ = false;
  bool status_requested_ = false;
  bool snapshot_requested_ = false;

  bool at_line_start_ = true;  // of the screen
  bool progress_shown_ = false;
  u64 start_us_ = 0;
  u64 last_output_us_ = 0;
  u64 last_progress_us_ = 0;
};

// "22.4 M", "1.2 G": counts of instructions as people read them.
std::string count_text(u64 count);
// All that is piped in, for a command that types it into more than one machine. Nothing: standard
// input is a terminal.
Result<std::optional<std::string>> read_piped();
// "22.4 M instructions, 103.1 MIPS, CPU engine, ...": a machine's status in one line.
std::string status_line(const MachineStatus& status);

}  // namespace rookery::cli
