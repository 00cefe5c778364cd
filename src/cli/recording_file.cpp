// SPDX-License-Identifier: Apache-2.0
#include "cli/recording_file.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/terminal.h"

namespace rookery::cli {
namespace {

constexpr u64 kFlushUs = 250'000;
constexpr u64 kMaxRecordingBytes = 1 * kGiB;

u64 clock_us() {
  using namespace std::chrono;
  return static_cast<u64>(
      duration_cast<microseconds>(steady_clock::now().time_since_epoch()).count());
}

// Replaying may start in another folder.
std::string absolute(const std::string& path) {
  std::error_code error;
  const std::filesystem::path full = std::filesystem::absolute(path, error);
  return path.empty() || error ? path : full.string();
}

}  // namespace

Result<std::unique_ptr<RecordingFile>> RecordingFile::create(const std::string& path,
                                                             RecordedMachine machine) {
  for (RecordedImage* image :
       {&machine.kernel, &machine.initrd, &machine.firmware, &machine.bare, &machine.device_tree})
    image->path = absolute(image->path);
  if (machine.snapshot) machine.snapshot->path = absolute(machine.snapshot->path);
  const int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0) {
    return fail(ErrorKind::io, "Cannot create the recording \"{}\": {}.", path,
                std::strerror(errno));
  }
  std::unique_ptr<RecordingFile> file(new RecordingFile(path, descriptor, machine));
  if (auto done = file->flush(); !done) return std::unexpected(std::move(done.error()));
  return file;
}

RecordingFile::RecordingFile(std::string path, int descriptor, const RecordedMachine& machine)
    : path_(std::move(path)), descriptor_(descriptor), encoder_(machine) {}

RecordingFile::~RecordingFile() {
  (void)flush();
  close(descriptor_);
}

Result<void> RecordingFile::note(const OutsideEvent& event) {
  if (std::holds_alternative<Reached>(event.what)) {
    reached_ = event;
    reached_is_news_ = true;
    return clock_us() - last_flush_us_ >= kFlushUs ? flush() : Result<void>{};
  }
  reached_is_news_ = false;
  encoder_.add(event);
  const bool is_urgent = !std::holds_alternative<TimeSkipped>(event.what) &&
                         !std::holds_alternative<StateHash>(event.what);
  return is_urgent || clock_us() - last_flush_us_ >= kFlushUs ? flush() : Result<void>{};
}

Result<void> RecordingFile::flush() {
  if (std::exchange(reached_is_news_, false)) encoder_.add(reached_);
  last_flush_us_ = clock_us();
  unwritten_ += encoder_.take();
  while (!unwritten_.empty()) {
    const ssize_t count = write(descriptor_, unwritten_.data(), unwritten_.size());
    if (count > 0) {
      unwritten_.erase(0, static_cast<std::size_t>(count));
    } else if (!(count < 0 && errno == EINTR)) {
      return fail(ErrorKind::io, "Cannot write the recording \"{}\": {}.", path_,
                  std::strerror(errno));
    } else if (stop_signal() != 0) {
      return {};  // a pipe whose reader may never come back
    }
  }
  return {};
}

Result<Recording> read_recording(const std::string& path) {
  auto bytes = read_file(path, "recording", kMaxRecordingBytes);
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  auto recording = parse_recording(*bytes);
  if (!recording) {
    return std::unexpected(
        std::move(recording.error()).during(fmt::format("reading the recording \"{}\"", path)));
  }
  return recording;
}

void use_recorded_machine(const RecordedMachine& recorded, bool append_given, bool memory_given,
                          MachineConfig& config) {
  config.xlen = recorded.xlen_bits == 64 ? Xlen::rv64 : Xlen::rv32;
  if (!memory_given) config.ram_bytes = recorded.ram_bytes;
  if (config.kernel_path.empty() && config.bare_path.empty()) {
    config.kernel_path = recorded.kernel.path;
    config.bare_path = recorded.bare.path;
  }
  if (!config.bare_path.empty()) return;
  if (!append_given) config.append = recorded.append;
  if (config.initrd_path.empty()) config.initrd_path = recorded.initrd.path;
  if (config.bios_path.empty())
    config.bios_path = recorded.bios.empty() ? recorded.firmware.path : recorded.bios;
  if (config.dtb_path.empty()) config.dtb_path = recorded.device_tree.path;
}

}  // namespace rookery::cli
