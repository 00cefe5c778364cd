// SPDX-License-Identifier: Apache-2.0
// What engines derive from stop points and trace options for shaders/hooks.
#pragma once

#include <span>

#include "engine/engine.h"

namespace rookery {

// stop_filter and stop_data of shaders/hooks/stops.wgsl.
struct StopFilter {
  u32 execute = 0;
  bool data = false;
};
StopFilter filter_of(std::span<const StopPoint> stops);

// trace_kinds of shaders/hooks/trace.wgsl.
u32 kinds_of(const TraceOptions& options);

// The addresses of `options` that a machine of that width has; from > to if it has none.
struct AddressRange {
  u64 from = 0;
  u64 to = 0;
};
AddressRange addresses_of(const TraceOptions& options, Xlen xlen);

}  // namespace rookery
