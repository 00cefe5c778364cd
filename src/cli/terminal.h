// SPDX-License-Identifier: Apache-2.0
// The terminal's mode and the process's signals: the only place with global state, because signal
// handlers have nothing else. Every way out of the process puts the terminal back: return, exit(),
// a fatal signal, and stopping (SIGTSTP, undone by SIGCONT).
#pragma once

#include "base/error.h"

namespace rookery::cli {

// Fills the places of standard input, output and error if they were closed, so that no file of ours
// gets there: input is then at its end, output fails. Called before anything is opened.
void keep_standard_descriptors();

// SIGPIPE becomes EPIPE; SIGINT, SIGTERM, SIGHUP and SIGQUIT ask to stop (the second one does not
// ask); SIGSEGV, SIGABRT and their like restore the terminal and then kill as ever. Called once.
void install_signal_handlers();

// The signal that asked to stop, or 0.
int stop_signal();

// Takes SIGUSR1 for a wish, instead of dying of it; true once after each.
void listen_to_user_signal();
bool take_user_signal();

// While it lives, standard input is raw: each key comes at once and unchanged, Ctrl-C too. Output
// is processed as before. At most one at a time.
class RawTerminal {
 public:
  static Result<RawTerminal> open();
  RawTerminal(RawTerminal&& other) noexcept;
  RawTerminal& operator=(RawTerminal&&) = delete;
  ~RawTerminal();

 private:
  RawTerminal() = default;
  bool owns_ = true;
};

}  // namespace rookery::cli
