// SPDX-License-Identifier: Apache-2.0
// The body of MachineCore32 and MachineCore64, included twice by machine_core.h with ROOKERY_CORE
// and ROOKERY_UINT set. No include guard for that reason.

class ROOKERY_CORE : public Vocabulary<ROOKERY_UINT>, public State<ROOKERY_UINT> {
 public:
  using xlen = ROOKERY_UINT;

  // Console bytes that the host has not taken yet; the ring of the shaders, with their capacity.
  std::string console;

  // Guest RAM, ram_bytes long; owned by the engine.
  u8* ram = nullptr;
  std::vector<u8> page_flags;

  // Set when ram_store() or the engine's fast path hits a page with decoded instructions: the
  // address of the word, for the engine to forget what it decoded there.
  std::vector<u32> decoded_words_stored;
  // The TLB's load and store entries for the engine's fast path: the entry's tag, and what makes a
  // host address of a virtual one. The tag is 0 where stores have to come through ram_store().
  struct HostEntry {
    xlen tag = 0;
    uintptr_t addend = 0;
  };
  std::array<HostEntry, TLB_ENTRIES> load_entries;
  std::array<HostEntry, TLB_ENTRIES> store_entries;
  // Set when the TLB was flushed, for what else the engine keeps of it.
  bool tlb_was_flushed = false;

#include "engine/cpu/machine_core_decl.inc"

  bool ram_contains(u32 pa) const { return pa - RAM_BASE < machine.ram_bytes; }

  u32 ram_load(u32 pa) const {
    u32 word;
    std::memcpy(&word, ram + (pa - RAM_BASE), sizeof word);
    return word;
  }

  // Stores the bits of `value` that `mask` selects into the aligned word at pa.
  void ram_store(u32 pa, u32 value, u32 mask) {
    const u32 word = (ram_load(pa) & ~mask) | (value & mask);
    std::memcpy(ram + (pa - RAM_BASE), &word, sizeof word);
    u8& flags = page_flags[(pa - RAM_BASE) / PAGE_BYTES];
    flags |= kPageDirty;
    if ((flags & kPageDecoded) != 0) decoded_words_stored.push_back(pa);
  }

  u32 console_room() const { return CONSOLE_RING_BYTES - static_cast<u32>(console.size()); }
  void console_put(u32 byte) { console.push_back(static_cast<char>(byte)); }

  // What the host types, as far as it is not in the UART's FIFO.
  InputQueue input;
  u32 input_left() const { return input.bytes - input.taken; }
  u32 input_take() { return input.queue[input.taken++]; }
  bool input_wants_more() { return std::exchange(input.more, false); }

  std::shared_ptr<const ConsoleTexts> texts;  // that stop the machine; may be null
  u32 match_texts() const { return texts == nullptr ? 0 : texts->count(); }
  u32 match_next(u32 state, u32 byte) const { return texts->next(state, byte); }

  // hart.tlb_tag[index] and hart.tlb_page[index], a page of RAM, are new; or the page's flags are.
  void tlb_filled(u32 index) {
    const u32 page_offset = hart.tlb_page[index] - RAM_BASE;
    const xlen tag = hart.tlb_tag[index];
    const auto page_va = static_cast<uintptr_t>(tag & ~xlen{PAGE_BYTES - 1});
    HostEntry entry{tag, reinterpret_cast<uintptr_t>(ram + page_offset) - page_va};
    if (index / TLB_ENTRIES == ACCESS_LOAD) load_entries[index % TLB_ENTRIES] = entry;
    if (index / TLB_ENTRIES == ACCESS_STORE) {
      u8& flags = page_flags[page_offset / PAGE_BYTES];
      flags |= kPageDirty;
      if ((flags & kPageDecoded) != 0) entry.tag = 0;
      store_entries[index % TLB_ENTRIES] = entry;
    }
  }
  void tlb_flushed() {
    load_entries.fill({});
    store_entries.fill({});
    tlb_was_flushed = true;
  }

  // What tlb_fold_all() of shaders/memory/paged.wgsl does: entries hold pages of RAM; one that the
  // host made hold something else is dropped.
  void take_over_tlb() {
    for (u32 index = 0; index < TLB_ENTRIES_ALL; ++index) {
      hart.tlb_page[index] &= ~(PAGE_BYTES - 1);
      if (!ram_contains(hart.tlb_page[index])) hart.tlb_tag[index] = 0;
      if (hart.tlb_tag[index] != 0) tlb_filled(index);
    }
  }

  // What word_change() of shaders/hooks/word_change.wgsl does. False: the word was that before.
  bool change_word(const WordBits& bits) {
    const u32 before = bits.is_ram ? ram_load(bits.at) : words()[bits.at];
    const u32 after = (before & bits.keep) ^ bits.flip;
    if (after == before) return false;
    if (bits.is_ram) {
      ram_store(bits.at, after, ~0u);
    } else {
      words()[bits.at] = after;
      tlb_flushed();
      take_over_tlb();
    }
    return true;
  }

  // shaders/hooks/later_change.wgsl.
  std::optional<LaterChange> later_change;
  bool hook_boundary() {
    if (later_change && later_change->icount <= hart.icount) {
      change_word(later_change->word);
      later_change.reset();
    }
    return true;
  }
  u32 hook_limit(u32 steps) const {
    if (!later_change) return steps;
    return static_cast<u32>(std::min<u64>(steps, later_change->icount - hart.icount));
  }

  // For shaders/hooks: the stop points and records of a machine that is watched.
  std::vector<StopPoint> stops;
  std::vector<TraceRecord> trace_records;  // with room for more, if the machine is traced
  u32 trace_count = 0;
  u32 stop_kind(u32 index) const { return static_cast<u32>(stops[index].kind); }
  u32 stop_bytes(u32 index) const { return stops[index].bytes; }
  xlen stop_va(u32 index) const { return static_cast<xlen>(stops[index].va); }
  void trace_put(dword icount, xlen pc, xlen value, xlen va, xlen stored, u32 ins, u32 described) {
    trace_records[trace_count++] = {icount,
                                    pc,
                                    value,
                                    va,
                                    stored,
                                    ins,
                                    static_cast<TraceRecord::Kind>(described & 0xff),
                                    static_cast<u8>(described >> 8),
                                    static_cast<u8>(described >> 16),
                                    static_cast<u8>(described >> 24)};
  }
  std::vector<u32> profile_words;  // PROFILE_WORDS, if the machine is profiled
  u32 profile_word(u32 index) const { return profile_words[index]; }
  void profile_set(u32 index, u32 word) { profile_words[index] = word; }
  void hook_tlb_miss(u32 access) { profile_tlb_miss(access); }
  void hook_trap(u32 code, bool is_interrupt, xlen tval) {
    if (trace_kinds != 0) trace_trap(code, is_interrupt, tval);
    if (profile_on) profile_trap(code, is_interrupt);
  }

  // Expanded from the tables in machine_core.inl.
  xlen csr_read(u32 number);
  void csr_write(u32 number, xlen value);
  xlen isa_amo(u32 ins, xlen m, xlen b);
};
