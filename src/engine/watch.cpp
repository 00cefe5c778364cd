// SPDX-License-Identifier: Apache-2.0
#include "engine/watch.h"

#include <algorithm>

namespace rookery {

StopFilter filter_of(std::span<const StopPoint> stops) {
  StopFilter filter;
  for (const StopPoint& stop : stops) {
    if (stop.kind == StopPoint::Kind::execute) {
      filter.execute |= 1u << ((stop.va >> 2) & 31);
    } else {
      filter.data = true;
    }
  }
  return filter;
}

u32 kinds_of(const TraceOptions& options) {
  const u32 traps = (1u << isa::TRACE_EXCEPTION) | (1u << isa::TRACE_INTERRUPT);
  return (options.commits ? 1u << isa::TRACE_COMMIT : 0) | (options.traps ? traps : 0);
}

AddressRange addresses_of(const TraceOptions& options, Xlen xlen) {
  const u64 last = xlen == Xlen::rv32 ? 0xffff'ffffu : ~u64{0};
  if (options.pc_low > last) return {.from = last, .to = 0};
  return {.from = options.pc_low, .to = std::min(options.pc_high, last)};
}

}  // namespace rookery
