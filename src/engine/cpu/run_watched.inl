// SPDX-License-Identifier: Apache-2.0
// The CPU engine's loop for machines that are watched: with stop points, a trace, a profile, a path or a permanent
// fault. One instruction at a time, with the questions of shaders/hooks in between. Included by interpreter.inl.

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
  trace_records.resize(kTraceRecords);
  trace_privileges = options->privileges;
  const AddressRange addresses = addresses_of(*options, ROOKERY_FIND_XLEN);
  trace_pc_low = static_cast<xlen>(addresses.from);
  trace_pc_high = static_cast<xlen>(addresses.to);
}

std::vector<TraceRecord> Interpreter::take_trace() {
  if (trace_count == 0) return {};
  trace_records.resize(trace_count);
  trace_count = 0;
  return std::exchange(trace_records, std::vector<TraceRecord>(kTraceRecords));
}

void Interpreter::set_profile(bool on) {
  profile_words.assign(on ? PROFILE_WORDS : 0, 0);
  profile_on = on;
  profile_steps = 0;
  profile_missed = 0;
  profile_spill();
  profile_tally = {};
}

// An instruction that retired by one of its fast ways, as trace_end() would describe it.
template <class R>
void Interpreter::trace_fast(const DecodedInsn& insn, xlen pc, u32 word, xlen va) {
  TraceRecord& record = trace_records[trace_count++];
  record.icount = hart.icount + step;
  record.pc = pc;
  record.ins = word;
  record.privilege = static_cast<u8>(hart.privilege);
  if constexpr (R::kKind == Kind::STORE) {
    record.va = va;
    record.stored = hart.x[insn.rs2];
    record.flags = TRACE_STORED | log2_bytes(R::kBytes);
  } else if constexpr (R::kKind != Kind::BRANCH) {
    record.rd = insn.rd;
    record.value = hart.x[insn.rd];
    if constexpr (R::kKind == Kind::LOAD) {
      record.va = va;
      record.flags = TRACE_LOADED | log2_bytes(R::kBytes);
    }
  }
}

// The instruction at hart.pc: as execute_exactly() does it, but by its fast way where it has one. `word` is
// the instruction, if it is traced.
template <bool kTraced>
void Interpreter::execute_watched(DecodedInsn& insn, u32 word) {
  const xlen pc = hart.pc;
  xlen next_pc = pc + 4;
  switch (insn.op) {
#define WATCHED(name, va, ...)                                             \
    const xlen accessed = va;                                              \
    __VA_ARGS__;                                                           \
    if constexpr (kTraced) trace_fast<Row_##name>(insn, pc, word, accessed); \
    break;
#define WATCHED_ALU(name)            \
  case Op::row_##name: {             \
    WATCHED(name, 0, alu<Row_##name>(insn, pc)) \
  }
#define WATCHED_LOAD(name)                                    \
  case Op::row_##name: {                                      \
    WATCHED(name, hart.x[insn.rs1] + immediate_of(insn),      \
            if (insn.rd == 0 || !load<Row_##name>(insn)) goto exactly) \
  }
#define WATCHED_STORE(name)                                   \
  case Op::row_##name: {                                      \
    WATCHED(name, hart.x[insn.rs1] + immediate_of(insn),      \
            if (!store<Row_##name>(insn)) goto exactly)       \
  }
#define WATCHED_BRANCH(name)                                  \
  case Op::near_##name: {                                     \
    WATCHED(name, 0, if (branches<Row_##name>(insn)) next_pc = near_target(insn)) \
  }
#define WATCHED_JAL(name)
#define WATCHED_JALR(name)
#define WATCHED_AMO(name)
#define WATCHED_SLOW(name)
#define WATCHED_NOP(name)
#define INSN(name, format, match, mask, kind, ...) WATCHED_##kind(name)
#include ROOKERY_INSN_TABLE
    default:
    exactly:
      if constexpr (kTraced) trace_begin(word);
      const u32 step_before = step;
      execute_exactly(insn);
      if constexpr (kTraced) {
        if (step != step_before && !exception_raised) trace_end();
      }
      return;
  }
  hart.pc = next_pc;
  step += 1;
}

// shaders/hooks/path.wgsl.
void Interpreter::compare_with_path() {
  const u64 icount = icount_now();
  const u64 index = icount - path_->first;
  if (index >= path_->pcs.size()) return;
  const u32 expected = path_->pcs[index];
  if (expected != low(hart.pc) && expected != PATH_ANY) parting_ = {icount, hart.pc};
}

// shaders/hooks/stuck.wgsl.
void Interpreter::hold_stuck() {
  if (!change_word(*stuck_)) return;
  forget_what_changed();
  if (stuck_->is_ram) return;
  context_update();
  request_poll();
}

void Interpreter::run_watched() {
  // Both change by polls alone.
  const bool commits = ((trace_kinds >> TRACE_COMMIT) & (trace_privileges >> hart.privilege) & 1) != 0;
  u32 room = kTraceRecords - trace_count;
  while (step < limit) {
    if (stop_count != 0 && stop_due()) return;
    if (room <= TRACE_RING_SPARE) {
      exit_raise(EXIT_TRACE_FULL, 0, 0);
      limit = step;
      return;
    }
    if (stuck_) hold_stuck();
    if (follows_path()) compare_with_path();
    const xlen pc = hart.pc;
    const FetchEntry& entry = entry_of(fetch_, pc);
    DecodedPage* const page = access_tag(pc, 4, fetch_context) == entry.tag ? entry.page : fetch_page(pc);
    if (page == nullptr) {
      step += 1;
      if (profile_on) profile_raise(pc);
      continue;
    }
    executing_ = page;
    const u32 index = (low(pc) % PAGE_BYTES) / 4;
    DecodedInsn& insn = page->insns[index];
    const u32 word = ram_load(page->page_pa + index * 4);
    const u32 step_before = step;
    if (commits && pc >= trace_pc_low && pc <= trace_pc_high) {
      --room;
      execute_watched<true>(insn, word);
    } else {
      execute_watched<false>(insn, word);
    }
    if (profile_on && step != step_before) {
      if (exception_raised) {
        profile_raise(pc);
      } else {
        profile_retire(pc, word, hart.pc);
      }
    }
  }
}
