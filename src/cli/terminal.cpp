// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include "cli/exit_codes.h"

namespace rookery::cli {
namespace {

// Written before the handlers can see them (is_raw last), read by handlers.
termios cooked_mode;
termios raw_mode;
std::atomic<bool> is_raw = false;
std::atomic<int> stop_signal_number = 0;
std::atomic<bool> user_signal_came = false;
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

// Both are async-signal-safe. A background process that changes the terminal's mode is stopped by
// SIGTTOU, and would spoil the foreground's mode: so only the foreground does.
void set_mode(const termios& mode) {
  const int saved_errno = errno;
  if (tcgetpgrp(STDIN_FILENO) == getpgrp()) tcsetattr(STDIN_FILENO, TCSANOW, &mode);
  errno = saved_errno;
}
void restore_terminal() {
  if (is_raw) set_mode(cooked_mode);
}

void on_stop_request(int number) {
  restore_terminal();
  if (stop_signal_number != 0) _exit(kExitSignalBase + number);
  stop_signal_number = number;
}

void on_user_signal(int) { user_signal_came = true; }

void on_fatal(int number) {
  restore_terminal();
  // The handler was installed with SA_RESETHAND: this one kills.
  raise(number);
}

void on_suspend(int) {
  restore_terminal();
  raise(SIGSTOP);
  // Here again after SIGCONT, whose handler makes the terminal raw.
}

void on_continue(int) {
  if (is_raw) set_mode(raw_mode);
}

void handle(int number, void (*handler)(int), int flags) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, nullptr);
}

}  // namespace

void keep_standard_descriptors() {
  // open() takes the lowest free number. Standard output is opened for reading: writing must fail.
  constexpr int kModes[] = {O_RDONLY, O_RDONLY, O_WRONLY};
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
    if (fcntl(descriptor, F_GETFD) == -1) (void)::open("/dev/null", kModes[descriptor]);
  }
}

void install_signal_handlers() {
  handle(SIGPIPE, SIG_IGN, 0);
  // No SA_RESTART: a blocked read, write or poll returns, and its caller looks at stop_signal().
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    struct sigaction old = {};
    sigaction(number, nullptr, &old);
    if (old.sa_handler != SIG_IGN) handle(number, on_stop_request, 0);  // nohup stays nohup
  }
  for (const int number : {SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE}) {
    handle(number, on_fatal, static_cast<int>(SA_RESETHAND) | SA_NODEFER);
  }
  std::atexit([] { restore_terminal(); });
}

int stop_signal() { return stop_signal_number; }

void listen_to_user_signal() { handle(SIGUSR1, on_user_signal, 0); }

bool take_user_signal() { return user_signal_came.exchange(false); }

Result<RawTerminal> RawTerminal::open() {
  if (tcgetattr(STDIN_FILENO, &cooked_mode) != 0) {
    return fail(ErrorKind::io, "Cannot read the terminal's mode: {}.", std::strerror(errno));
  }
  raw_mode = cooked_mode;
  raw_mode.c_iflag &=
      ~static_cast<tcflag_t>(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
  raw_mode.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL | ICANON | IEXTEN | ISIG);
  raw_mode.c_cflag = (raw_mode.c_cflag & ~static_cast<tcflag_t>(CSIZE | PARENB)) | CS8;
  raw_mode.c_cc[VMIN] = 1;
  raw_mode.c_cc[VTIME] = 0;
  handle(SIGTSTP, on_suspend, SA_RESTART);
  handle(SIGCONT, on_continue, SA_RESTART);
  is_raw = true;
  if (tcsetattr(STDIN_FILENO, TCSANOW, &raw_mode) != 0) {
    is_raw = false;
    return fail(ErrorKind::io, "Cannot make the terminal raw: {}.", std::strerror(errno));
  }
  return RawTerminal();
}

RawTerminal::RawTerminal(RawTerminal&& other) noexcept : owns_(other.owns_) { other.owns_ = false; }

RawTerminal::~RawTerminal() {
  if (!owns_) return;
  restore_terminal();
  is_raw = false;
}

}  // namespace rookery::cli
