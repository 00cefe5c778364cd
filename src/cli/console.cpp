// SPDX-License-Identifier: Apache-2.0
#include "cli/console.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include <poll.h>
#include <unistd.h>

#include "base/file.h"

namespace rookery::cli {
namespace {

constexpr char kCtrlA = 0x01;
constexpr u64 kSilenceUs = 500'000;
constexpr u64 kProgressUs = 250'000;
constexpr int kPollMs = 100;
constexpr std::string_view kEraseLine = "\r\x1b[K";

// "EXIT_WFI" is "wfi" to people.
std::string exit_name(u32 reason) {
  std::string_view name = "EXIT_UNKNOWN";
#define EXIT(row_name, number, arg0, arg1) \
  if (reason == (number)) name = #row_name;
#include "isa/exits.def"
  std::string text(name.substr(std::string_view("EXIT_").size()));
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c == '_' ? ' ' : static_cast<char>(c | 0x20); });
  return text;
}

// Waits until `fd` takes bytes again. False if somebody wants to stop meanwhile.
bool wait_writable(int fd) {
  for (;;) {
    if (stop_signal() != 0) return false;
    pollfd entry{fd, POLLOUT, 0};
    if (poll(&entry, 1, kPollMs) > 0) return true;
  }
}

// Standard error may be anything, or nothing: what cannot be said is not said.
void write_note(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = write(STDERR_FILENO, text.data(), text.size());
    if (count > 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
    } else if (count < 0 && errno == EAGAIN) {
      if (!wait_writable(STDERR_FILENO)) return;
    } else if (!(count < 0 && errno == EINTR && stop_signal() == 0)) {
      return;
    }
  }
}

}  // namespace

std::string count_text(u64 count) {
  const double value = static_cast<double>(count);
  if (count >= 1'000'000'000) return fmt::format("{:.2f} G", value / 1e9);
  if (count >= 1'000'000) return fmt::format("{:.1f} M", value / 1e6);
  return fmt::format("{}", count);
}

Result<std::optional<std::string>> read_piped() {
  constexpr u64 kMaxTypedBytes = 16 * kMiB;
  if (isatty(STDIN_FILENO) != 0) return std::nullopt;
  std::string typed;
  std::array<char, 65536> bytes;
  while (true) {
    const ssize_t count = read(STDIN_FILENO, bytes.data(), bytes.size());
    if (count == 0) return typed;
    if (count < 0 && errno == EINTR && stop_signal() == 0) continue;
    if (count < 0)
      return fail(ErrorKind::io, "Cannot read standard input: {}.", std::strerror(errno));
    typed.append(bytes.data(), static_cast<size_t>(count));
    if (typed.size() > kMaxTypedBytes) {
      return fail(ErrorKind::usage, "More than {} are piped in to be typed.",
                  size_text(kMaxTypedBytes));
    }
  }
}

std::string status_line(const MachineStatus& status) {
  return fmt::format(
      "{} instructions, {:.1f} MIPS, {} engine, {} dirty pages ({}), {:.1f} s of guest time.",
      count_text(status.instructions), status.mips, status.engine, status.dirty_pages,
      size_text(status.dirty_pages * isa::PAGE_BYTES), static_cast<double>(status.guest_us) / 1e6);
}

Console::Console(const ConsoleOptions& options) : options_(options) {
  start_us_ = Console::now_us();
  last_output_us_ = start_us_;
  screen_is_terminal_ = isatty(STDOUT_FILENO) != 0;
  notes_are_on_terminal_ = isatty(STDERR_FILENO) != 0;
}

Result<std::unique_ptr<Console>> Console::open(const ConsoleOptions& options) {
  std::unique_ptr<Console> console(new Console(options));
  if (options.silent) return console;
  if (isatty(STDIN_FILENO) == 0) {
    console->input_mode_ = InputMode::piped;
    return console;
  }
  auto raw = RawTerminal::open();
  if (!raw) return std::unexpected(std::move(raw.error()));
  console->raw_.emplace(*std::move(raw));
  console->input_mode_ = InputMode::terminal;
  if (console->notes_are_on_terminal_)
    console->note("Ctrl-A x ends the machine, Ctrl-A h tells the other keys.");
  return console;
}

u64 Console::now_us() {
  using namespace std::chrono;
  return static_cast<u64>(
      duration_cast<microseconds>(steady_clock::now().time_since_epoch()).count());
}

Result<void> Console::print(std::string_view bytes) {
  if (bytes.empty()) return {};
  last_output_us_ = now_us();
  if (options_.silent) return {};
  erase_progress();
  at_line_start_ = bytes.back() == '\n';
  while (!bytes.empty()) {
    const ssize_t count = write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (count > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
      continue;
    }
    if (count < 0 && errno == EINTR) {
      if (stop_signal() != 0) return {};  // the reader may never come back
      continue;
    }
    if (count < 0 && errno == EAGAIN) {
      if (!wait_writable(STDOUT_FILENO)) return {};
      continue;
    }
    return fail(ErrorKind::io, "Cannot write the guest's console to standard output: {}.",
                std::strerror(errno));
  }
  return {};
}

Result<TypedInput> Console::read_typed() {
  TypedInput input;
  if (input_mode_ == InputMode::none || input_closed_) {
    input.closed = true;
    return input;
  }
  pollfd entry{STDIN_FILENO, POLLIN, 0};
  if (poll(&entry, 1, 0) <= 0) return input;
  std::array<char, 4096> bytes;
  const ssize_t count = read(STDIN_FILENO, bytes.data(), bytes.size());
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return input;
  if (count < 0 && errno != EIO &&
      errno != EBADF) {  // those two: the terminal or the input is gone
    return fail(ErrorKind::io, "Cannot read standard input: {}.", std::strerror(errno));
  }
  if (count <= 0) {
    input_closed_ = true;
    input.closed = true;
    return input;
  }
  const std::string_view typed(bytes.data(), static_cast<std::size_t>(count));
  if (input_mode_ == InputMode::piped) {
    input.bytes = typed;
  } else {
    for (const char key : typed) take_key(key, input.bytes);
  }
  return input;
}

void Console::take_key(char key, std::string& typed) {
  if (!escape_) {
    if (key == kCtrlA) {
      escape_ = true;
    } else {
      typed += key;
    }
    return;
  }
  escape_ = false;
  switch (key) {
    case 'x':
      quit_ = true;
      break;
    case 'c':
      status_requested_ = true;
      break;
    case 's':
      snapshot_requested_ = true;
      break;
    case 'h':
    case '?':
      say_help();
      break;
    case 'a':
    case kCtrlA:
      typed += kCtrlA;
      break;
    default:
      break;  // as QEMU: an unknown key does nothing
  }
}

void Console::say_help() {
  note("Ctrl-A h  this help");
  note("Ctrl-A x  end the machine at once");
  note("Ctrl-A c  how far it is: instructions, speed, engine, memory");
  note("Ctrl-A s  store the machine in a file (run -o FILE)");
  note("Ctrl-A a  send Ctrl-A to the guest");
}

void Console::sleep(u64 us) { sleep(us, input_mode_ != InputMode::none && !input_closed_); }

void Console::sleep_paused(u64 us) {
  sleep(us, input_mode_ == InputMode::terminal && !input_closed_);
}

void Console::sleep(u64 us, bool listens) {
  if (stop_requested()) return;
  std::vector<pollfd> entries;
  if (listens) entries.push_back({STDIN_FILENO, POLLIN, 0});
  for (const auto& [owner, descriptors] : wake_on_) {
    for (const int descriptor : descriptors) entries.push_back({descriptor, POLLIN, 0});
  }
  const timespec duration{static_cast<time_t>(us / 1'000'000),
                          static_cast<long>(us % 1'000'000) * 1000};
  ppoll(entries.data(), entries.size(), &duration, nullptr);
}

bool Console::stop_requested() { return quit_ || stop_signal() != 0; }

void Console::saw_exit(const Exit& exit, u64 instructions) {
  if (!options_.trace_exits) return;
  note(fmt::format("exit {} ({:#x}, {:#x}) after {} instructions", exit_name(exit.reason),
                   exit.arg0, exit.arg1, instructions));
}

void Console::note(std::string_view line) {
  finish_line();
  write_note(fmt::format("Rookery: {}\n", line));
}

void Console::finish_line() {
  erase_progress();
  if (!at_line_start_ && screen_is_terminal_ && notes_are_on_terminal_) write_note("\n");
  at_line_start_ = true;
}

void Console::write_raw(std::string_view text) {
  erase_progress();
  write_note(text);
}

// The line stands where the cursor is, so on a screen shared with the guest only below a full line.
void Console::show_progress(u64 instructions, double mips) {
  if (!notes_are_on_terminal_ || (screen_is_terminal_ && !at_line_start_)) return;
  const u64 now = now_us();
  if (now - last_output_us_ < kSilenceUs || now - last_progress_us_ < kProgressUs) return;
  last_progress_us_ = now;
  progress_shown_ = true;
  write_note(fmt::format("{}Rookery: {} instructions, {:.1f} MIPS, {:.1f} s", kEraseLine,
                         count_text(instructions), mips,
                         static_cast<double>(now - start_us_) / 1e6));
}

void Console::erase_progress() {
  if (!progress_shown_) return;
  progress_shown_ = false;
  write_note(kEraseLine);
}

bool Console::take_status_request() { return std::exchange(status_requested_, false); }

}  // namespace rookery::cli
