// SPDX-License-Identifier: Apache-2.0
// Another command line for a kernel that has not begun: /chosen/bootargs of the device tree that is
// in a boot image.
#pragma once

#include <string>
#include <vector>

#include "engine/engine.h"
#include "machine/boot.h"

namespace rookery {

// The words of RAM that change; WordChange::vm is 0. Errors: usage, if the image has no device tree
// or the command line no room.
Result<std::vector<WordChange>> change_command_line(const BootImage& image,
                                                    const std::string& command_line);

}  // namespace rookery
