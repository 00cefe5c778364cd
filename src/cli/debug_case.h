// SPDX-License-Identifier: Apache-2.0
// One case of a sweep under gdb: `rookery sweep SPEC --case N --gdb PORT`.
#pragma once

#include "cli/gdb_listener.h"
#include "runner/runner.h"

namespace rookery::cli {

// Goes on with the case on the CPU engine, as the sweep does, instruction for instruction; stops
// before the first one for gdb, and after `limit` instructions since the snapshot of the sweep.
// `begun_at` is that snapshot's Snapshot::instructions. Gives the exit status.
Result<int> debug_case(runner::LiftedCase lifted, std::unique_ptr<GdbListener> listener,
                       u64 begun_at, u64 limit);

}  // namespace rookery::cli
