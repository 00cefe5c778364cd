// SPDX-License-Identifier: Apache-2.0
// HTIF, as riscv-tests and its benchmarks use it: what a bare program wrote to `tohost` is served
// on any engine. Device 0 ends the program or asks for a system call (write and exit), device 1
// prints a character.
#pragma once

#include <optional>
#include <string>

#include "engine/engine.h"
#include "machine/config.h"

namespace rookery {

struct HtifAnswer {
  std::string printed;
  std::optional<u32> status;  // the program ended with it
};

// Serves an EXIT_HTIF of machine exit.vm, which is resumed unless the program ended. Errors: image,
// for a message that says nothing; the engine's.
Result<HtifAnswer> serve_htif(Engine& engine, const BootLayout& layout, const Exit& exit);

}  // namespace rookery
