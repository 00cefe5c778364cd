// SPDX-License-Identifier: Apache-2.0
// Recordings as files: `rookery run --record FILE` and `--replay FILE`. The format is
// machine/recording.h's.
#pragma once

#include <memory>
#include <string>

#include "base/types.h"
#include "machine/config.h"
#include "machine/recording.h"

namespace rookery::cli {

// A recording that grows while the machine runs. What was typed is in the file at once, the rest
// within a quarter of a second of work; a process that is killed leaves that much.
class RecordingFile final : public Journal {
 public:
  // Creates or empties `path`. Relative paths of images are stored as absolute ones.
  static Result<std::unique_ptr<RecordingFile>> create(const std::string& path,
                                                       RecordedMachine machine);

  RecordingFile(const RecordingFile&) = delete;
  RecordingFile& operator=(const RecordingFile&) = delete;
  // Writes what is left, as far as that can be done.
  ~RecordingFile() override;

  Result<void> note(const OutsideEvent& event) override;

 private:
  RecordingFile(std::string path, int descriptor, const RecordedMachine& machine);
  Result<void> flush();

  std::string path_;
  int descriptor_;
  RecordingEncoder encoder_;
  std::string unwritten_;
  u64 last_flush_us_ = 0;
  OutsideEvent reached_;  // the last Reached, which goes into the file if it is not out of date
  bool reached_is_news_ = false;
};

// Reads and checks all of `path`.
Result<Recording> read_recording(const std::string& path);

// Fills in what the user left open: the machine that was recorded.
void use_recorded_machine(const RecordedMachine& recorded, bool append_given, bool memory_given,
                          MachineConfig& config);

}  // namespace rookery::cli
