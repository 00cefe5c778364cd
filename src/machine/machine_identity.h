// SPDX-License-Identifier: Apache-2.0
// Whether a recording is of this machine: what a machine is made of, by hashes, and what differs,
// in a sentence.
#pragma once

#include "machine/boot.h"
#include "machine/recording.h"

namespace rookery {

// Describes the machine that plan_boot(config, files) made into `image`. plan_boot() consumes the
// files, so their part is taken before it and the image's part after it. The remarks stay empty.
RecordedMachine describe_files(const MachineConfig& config, const BootFiles& files);
void describe_image(RecordedMachine& machine, const BootImage& image);

// Describes a machine that goes on from a parsed snapshot, which was at `path`.
RecordedMachine describe_resumed(const Snapshot& snapshot, const std::string& path);

// An error of kind `image` that names the first thing in which `present` is not the machine that
// was recorded. Paths and remarks do not matter.
Result<void> check_same_machine(const RecordedMachine& recorded, const RecordedMachine& present);

}  // namespace rookery
