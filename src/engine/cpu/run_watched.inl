// SPDX-License-Identifier: Apache-2.0
// The CPU engine's loop for machines that are watched: with stop points or a trace. One instruction at a
// time by execute_exactly(), with the questions of shaders/hooks in between. Included by interpreter.inl.

void Interpreter::set_stops(std::span<const StopPoint> points) {
  stops.assign(points.begin(), points.end());
  stop_count = static_cast<u32>(stops.size());
  const StopFilter filter = filter_of(points);
  stop_filter = filter.execute;
  stop_data = filter.data;
}

void Interpreter::set_trace(const std::optional<TraceOptions>& options) {
  trace_kinds = options ? kinds_of(*options) : 0;
  if (!options) return;
  trace_privileges = options->privileges;
  const AddressRange addresses = addresses_of(*options, ROOKERY_FIND_XLEN);
  trace_pc_low = static_cast<xlen>(addresses.from);
  trace_pc_high = static_cast<xlen>(addresses.to);
  trace_records.reserve(TRACE_RING_RECORDS);
}

void Interpreter::run_watched() {
  while (step < limit) {
    if (stop_count != 0 && stop_due()) return;
    if (trace_records.size() + TRACE_RING_SPARE > TRACE_RING_RECORDS) {
      exit_raise(EXIT_TRACE_FULL, 0, 0);
      limit = step;
      return;
    }
    DecodedPage* const page = fetch_page(hart.pc);
    if (page == nullptr) {
      step += 1;
      continue;
    }
    executing_ = page;
    const u32 index = (low(hart.pc) % PAGE_BYTES) / 4;
    if (trace_kinds != 0) trace_begin(ram_load(page->page_pa + index * 4));
    const u32 step_before = step;
    execute_exactly(page->insns[index]);
    if (trace_pending && step != step_before && !exception_raised) trace_end();
    trace_pending = false;
  }
}
