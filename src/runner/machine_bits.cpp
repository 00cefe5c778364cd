// SPDX-License-Identifier: Apache-2.0
#include "runner/machine_bits.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <tuple>

#include "engine/checkpoint.h"
#include "engine/cpu/machine_probe.h"
#include "isa/register_names.h"
#include "sweep/machine_names.h"

namespace rookery::runner {
namespace {

using sweep::FaultKind;
using sweep::FaultTarget;
using sweep::Patch;
using sweep::PatchAction;
using sweep::PatchTarget;

struct Field {
  std::string section;
  std::string name;
  std::string type;
  u32 count;
  u32 word;  // where it starts
};

template <class U>
std::vector<Field> fields_of() {
  using namespace isa;  // the constants in the table
  using S = isa::State<U>;
  const S state{};
  const auto* const begin = reinterpret_cast<const u8*>(&state);
  std::vector<Field> fields;
  const auto add = [&](const char* section, const char* name, const char* type, u32 count,
                       const void* field) {
    fields.push_back({section, name, type, count,
                      static_cast<u32>((static_cast<const u8*>(field) - begin) / 4)});
  };
#define SECTION(instance, Type)           \
  {                                       \
    const auto& section = state.instance; \
    const char* const section_name = #instance;
#define FIELD(type, name, count) add(section_name, #name, #type, count, &section.name);
#define SECTION_END(instance, Type) }
#include "isa/state.def"
  return fields;
}

const std::vector<Field>& fields(Xlen xlen) {
  static const std::vector<Field> rv32 = fields_of<u32>();
  static const std::vector<Field> rv64 = fields_of<u64>();
  return xlen == Xlen::rv32 ? rv32 : rv64;
}

u32 words_of(const Field& field, Xlen xlen) {
  return field.type == "dword" || (field.type == "xlen" && xlen == Xlen::rv64) ? 2 : 1;
}

const Field& field_named(Xlen xlen, std::string_view section, std::string_view name) {
  const auto& all = fields(xlen);
  return *std::ranges::find_if(
      all, [&](const Field& field) { return field.section == section && field.name == name; });
}

// The RAM of a snapshot.
class SnapshotMemory final : public cpu::ProbeMemory {
 public:
  explicit SnapshotMemory(const Checkpoint& machine) : machine_(machine) {}
  u32 load_word(u32 pa) override {
    const Checkpoint none;
    const std::span<const u8> page =
        page_at(machine_, none, (pa - isa::RAM_BASE) / isa::PAGE_BYTES);
    u32 word = 0;
    std::memcpy(&word, page.data() + pa % isa::PAGE_BYTES, sizeof word);
    return word;
  }

 private:
  const Checkpoint& machine_;
};

// What becomes of `bits` bits that begin at a word: one or two changes.
std::vector<WordChange> change_of_number(u32 first_word, u32 bits, PatchAction action, u64 value) {
  u64 keep = ~u64{0};
  u64 flip = 0;
  const u64 all = bits == 64 ? ~u64{0} : (u64{1} << bits) - 1;
  const u64 bit = u64{1} << (value & 63);
  switch (action) {
    case PatchAction::value:
      keep = ~all;
      flip = value & all;
      break;
    case PatchAction::flip:
      flip = bit;
      break;
    case PatchAction::set:
      keep = ~bit;
      flip = bit;
      break;
    case PatchAction::clear:
      keep = ~bit;
      break;
    case PatchAction::bytes:
      break;
  }
  std::vector<WordChange> changes = {
      {0, first_word, static_cast<u32>(keep), static_cast<u32>(flip)}};
  if (bits > 32) {
    changes.push_back(
        {0, first_word + 1, static_cast<u32>(keep >> 32), static_cast<u32>(flip >> 32)});
  }
  return changes;
}

Result<void> check_bit(const Patch& patch, u32 bits) {
  const bool names_a_bit = patch.action == PatchAction::flip || patch.action == PatchAction::set ||
                           patch.action == PatchAction::clear;
  if (names_a_bit && patch.value >= bits) {
    return fail(ErrorKind::usage, "There is no bit {} in {}, which has {} bits.", patch.value,
                patch.target.name, bits);
  }
  return {};
}

std::span<u32> words_of(MachineState& state) {
  return std::visit([](auto& s) { return s.words(); }, state);
}

}  // namespace

MachineBits::MachineBits(const Snapshot& snapshot, const SymbolTable* symbols)
    : snapshot_(snapshot), symbols_(symbols) {}

u32 MachineBits::register_word(u32 number) const {
  const Xlen xlen = snapshot_.image.xlen;
  if (number == sweep::kPcNumber) return field_named(xlen, "hart", "pc").word;
  return field_named(xlen, "hart", "x").word + number * xlen_words();
}

Result<u32> MachineBits::physical(const sweep::AddressExpression& address) const {
  u64 found = address.offset;
  if (!address.symbol.empty()) {
    const Symbol* const symbol = symbols_ == nullptr ? nullptr : symbols_->find(address.symbol);
    if (symbol == nullptr) {
      return fail(ErrorKind::usage, "There is no symbol \"{}\"{}.", address.symbol,
                  symbols_ == nullptr ? "; [symbols] names no file" : "");
    }
    SnapshotMemory memory(*snapshot_.now);
    const auto probe = cpu::make_machine_probe(snapshot_.now->state, memory);
    const std::optional<u32> pa = probe->translate(symbol->va + address.offset);
    if (!pa) {
      return fail(ErrorKind::usage,
                  "The symbol {} is at {:#x}, where nothing is mapped in the snapshot.",
                  address.text(), symbol->va + address.offset);
    }
    found = *pa;
  }
  const u64 end = isa::RAM_BASE + snapshot_.image.ram_bytes;
  if (found < isa::RAM_BASE || found >= end) {
    return fail(ErrorKind::usage, "{} is at {:#x}, which is not in RAM ({:#x} to {:#x}).",
                address.text(), found, isa::RAM_BASE, end);
  }
  return static_cast<u32>(found);
}

Result<MachineChange> MachineBits::change_words(u32 first, u32 bits, const Patch& patch) const {
  // Negative numbers come in two's complement of 64 bits.
  if (patch.action == PatchAction::value && bits == 32 && (patch.value >> 32) != 0 &&
      (patch.value >> 31) != (u64{1} << 33) - 1) {
    return fail(ErrorKind::usage, "{:#x} does not fit into the {} bits of {}.", patch.value, bits,
                patch.target.name);
  }
  if (Result<void> ok = check_bit(patch, bits); !ok) return std::unexpected(std::move(ok.error()));
  return MachineChange{change_of_number(first, bits, patch.action, patch.value), {}, {}};
}

Result<MachineChange> MachineBits::change_of(const Patch& patch) const {
  const Xlen xlen = snapshot_.image.xlen;
  const auto wrong = [](const std::string& sentence) {
    return fail(ErrorKind::usage, "{}", sentence);
  };
  switch (patch.target.kind) {
    case PatchTarget::Kind::register_: {
      const auto number = sweep::register_number(patch.target.name);
      if (!number) return wrong(number.error());
      if (*number == 0) return wrong("The register zero cannot be changed.");
      return change_words(register_word(*number), 32 * xlen_words(), patch);
    }
    case PatchTarget::Kind::csr: {
      const auto number = sweep::csr_number(patch.target.name);
      if (!number) return wrong(number.error());
      return change_csr(*number, patch);
    }
    case PatchTarget::Kind::field: {
      const auto name = sweep::parse_field_name(patch.target.name);
      if (!name) return wrong(name.error());
      const Field& field = field_named(xlen, name->section, name->field);
      const u32 words = words_of(field, xlen);
      return change_words(field.word + name->index * words, 32 * words, patch);
    }
    case PatchTarget::Kind::memory:
      return change_ram(patch);
  }
  return MachineChange{};
}

// What the bits of a CSR are in the state: found by writing them to a copy of the machine, as
// an instruction would.
Result<std::vector<BitsOfWord>> MachineBits::csr_bits(u32 number) const {
  std::vector<BitsOfWord> bits;
  const u32 count = snapshot_.image.xlen == Xlen::rv32 ? 32 : 64;
  const auto written = [&](u64 value) -> std::optional<MachineState> {
    SnapshotMemory memory(*snapshot_.now);
    const auto probe = cpu::make_machine_probe(snapshot_.now->state, memory);
    if (!probe->write_csr(number, value)) return std::nullopt;
    return probe->state();
  };
  auto zeros = written(0);
  if (!zeros) return bits;
  for (u32 bit = 0; bit < count; ++bit) {
    auto one = written(u64{1} << bit);
    BitsOfWord found;
    const std::span<u32> before = words_of(*zeros);
    const std::span<u32> after = words_of(*one);
    for (u32 word = 0; word < before.size(); ++word) {
      if (before[word] != after[word] && found.mask == 0)
        found = {false, word, before[word] ^ after[word]};
    }
    bits.push_back(found);  // mask 0: the bit does not exist
  }
  return bits;
}

Result<MachineChange> MachineBits::change_csr(u32 number, const Patch& patch) const {
  const auto bits = csr_bits(number);
  if (!bits) return std::unexpected(bits.error());
  if (bits->empty()) return fail(ErrorKind::usage, "{} is read-only.", patch.target.name);
  if (Result<void> ok = check_bit(patch, static_cast<u32>(bits->size())); !ok)
    return std::unexpected(std::move(ok.error()));
  std::map<u32, WordChange> changes;
  const auto change = [&](u32 bit, u32 keep_mask, u32 flip_mask) {
    const BitsOfWord& where = (*bits)[bit];
    if (where.mask == 0) return;
    WordChange& word =
        changes.try_emplace(where.at, WordChange{0, where.at, ~u32{0}, 0}).first->second;
    word.keep &= ~(where.mask & keep_mask);
    word.flip |= where.mask & flip_mask;
  };
  switch (patch.action) {
    case PatchAction::value:
      for (u32 bit = 0; bit < bits->size(); ++bit)
        change(bit, ~u32{0}, (patch.value >> bit & 1) != 0 ? ~u32{0} : 0);
      break;
    case PatchAction::flip:
      change(static_cast<u32>(patch.value), 0, ~u32{0});
      break;
    case PatchAction::set:
      change(static_cast<u32>(patch.value), ~u32{0}, ~u32{0});
      break;
    case PatchAction::clear:
      change(static_cast<u32>(patch.value), ~u32{0}, 0);
      break;
    case PatchAction::bytes:
      break;
  }
  MachineChange made;
  for (const auto& [word, word_change] : changes) made.states.push_back(word_change);
  return made;
}

Result<MachineChange> MachineBits::change_ram(const Patch& patch) const {
  const auto pa = physical(patch.target.address);
  if (!pa) return std::unexpected(pa.error());
  std::vector<u8> keep;
  std::vector<u8> flip;
  if (patch.action == PatchAction::bytes) {
    keep.assign(patch.data.size(), 0);
    flip = patch.data;
  } else {
    if (Result<void> ok = check_bit(patch, 8 * patch.width_bytes); !ok)
      return std::unexpected(std::move(ok.error()));
    for (const WordChange& word : change_of_number(0, 64, patch.action, patch.value)) {
      for (u32 byte = 0; byte < 4; ++byte) {
        keep.push_back(static_cast<u8>(word.keep >> (8 * byte)));
        flip.push_back(static_cast<u8>(word.flip >> (8 * byte)));
      }
    }
    keep.resize(patch.width_bytes);
    flip.resize(patch.width_bytes);
  }
  if (keep.size() > isa::RAM_BASE + snapshot_.image.ram_bytes - *pa) {
    return fail(ErrorKind::usage, "{} bytes at {} reach beyond RAM.", keep.size(),
                patch.target.name);
  }
  MachineChange made;
  for (u64 i = 0; i < keep.size(); ++i) {
    const u32 at = *pa + static_cast<u32>(i);
    const u32 shift = at % 4 * 8;
    if (made.ram.empty() || made.ram.back().at != at / 4 * 4)
      made.ram.push_back({0, at / 4 * 4, ~u32{0}, 0});
    WordChange& word = made.ram.back();
    word.keep &= ~(u32{0xff} << shift) | (u32{keep[i]} << shift);
    word.flip |= u32{flip[i]} << shift;
  }
  return made;
}

// --- Faults ---

void BitPopulation::add(const BitsOfWord& word) {
  words_.push_back(word);
  ends_.push_back(size() + static_cast<u64>(std::popcount(word.mask)));
}

std::pair<BitsOfWord, u32> BitPopulation::find(u64 index) const {
  const auto at = static_cast<u64>(std::ranges::upper_bound(ends_, index) - ends_.begin());
  const BitsOfWord& word = words_[at];
  u32 mask = word.mask;
  for (u64 left = index - (at == 0 ? 0 : ends_[at - 1]); left != 0; --left) mask &= mask - 1;
  return {word, static_cast<u32>(std::countr_zero(mask))};
}

Result<BitPopulation> MachineBits::population(const sweep::FaultSpec& faults,
                                              FaultTarget target) const {
  BitPopulation found;
  const Xlen xlen = snapshot_.image.xlen;
  const auto add_number = [&](u32 word, u32 first_bit) {
    found.add({false, word, ~u32{0} << first_bit});
    if (xlen == Xlen::rv64) found.add({false, word + 1, ~u32{0}});
  };
  switch (target) {
    case FaultTarget::pc:
      add_number(register_word(sweep::kPcNumber), 2);  // instructions are aligned
      break;
    case FaultTarget::register_: {
      std::vector<u32> numbers;
      for (u32 number = 1; faults.registers.empty() && number < 32; ++number)
        numbers.push_back(number);
      for (const std::string& name : faults.registers) {
        const auto number = sweep::register_number(name);
        if (!number) return fail(ErrorKind::usage, "{}", number.error());
        if (*number == 0) return fail(ErrorKind::usage, "The register zero cannot be changed.");
        numbers.push_back(*number);
      }
      for (const u32 number : numbers) add_number(register_word(number), 0);
      break;
    }
    case FaultTarget::csr: {
      std::vector<u32> numbers;
      for (const std::string& name : faults.csrs) {
        const auto number = sweep::csr_number(name);
        if (!number) return fail(ErrorKind::usage, "{}", number.error());
        numbers.push_back(*number);
      }
      if (numbers.empty()) {
#define CSR_FIELD(name, mask)
#define CSR(name, number, read, ...) numbers.push_back(number);
#define CSR32(name, number, read, ...) \
  if (xlen == Xlen::rv32) numbers.push_back(number);
#include "isa/csr.def"
      }
      std::map<u32, u32> masks;  // sstatus is a part of mstatus: each bit once
      for (const u32 number : numbers) {
        const auto bits = csr_bits(number);
        if (!bits) return std::unexpected(bits.error());
        for (const BitsOfWord& bit : *bits) {
          // Counters are kept as offsets, which change in many bits.
          if (std::has_single_bit(bit.mask)) masks[bit.at] |= bit.mask;
        }
      }
      for (const auto& [word, mask] : masks) found.add({false, word, mask});
      break;
    }
    case FaultTarget::tlb: {
      const Field& tags = field_named(xlen, "hart", "tlb_tag");
      const Field& pages = field_named(xlen, "hart", "tlb_page");
      for (u32 entry = 0; entry < isa::TLB_ENTRIES_ALL; ++entry) {
        add_number(tags.word + entry * xlen_words(), 3);  // the lowest are always 0
        found.add({false, pages.word + entry, ~u32{0} << 12});
      }
      break;
    }
    case FaultTarget::memory: {
      if (faults.memory.empty()) {
        for (const u32 number : snapshot_.now->numbers) {
          for (u32 word = 0; word < isa::PAGE_WORDS; ++word)
            found.add({true, isa::RAM_BASE + number * isa::PAGE_BYTES + word * 4, ~u32{0}});
        }
      }
      for (const sweep::MemoryRange& range : faults.memory) {
        const auto pa = physical(range.at);
        if (!pa) return std::unexpected(pa.error());
        if (range.bytes > isa::RAM_BASE + snapshot_.image.ram_bytes - *pa) {
          return fail(ErrorKind::usage, "{} bytes at {} reach beyond RAM.", range.bytes,
                      range.at.text());
        }
        const u64 end = *pa + range.bytes;
        for (u64 word = *pa / 4 * 4; word < end; word += 4) {
          u32 mask = 0;
          for (u64 at = std::max<u64>(word, *pa); at < std::min(word + 4, end); ++at)
            mask |= u32{0xff} << (at % 4 * 8);
          found.add({true, static_cast<u32>(word), mask});
        }
      }
      break;
    }
  }
  return found;
}

std::pair<std::string, u32> MachineBits::name_of(const BitsOfWord& word, u32 bit) const {
  if (word.is_ram) return {fmt::format("{:#010x}", word.at), bit};
  const Xlen xlen = snapshot_.image.xlen;
  const auto& all = fields(xlen);
  const auto after =
      std::ranges::find_if(all, [&](const Field& field) { return field.word > word.at; });
  const Field& field = *std::prev(after);
  const u32 words = words_of(field, xlen);
  const u32 index = (word.at - field.word) / words;
  const u32 number = bit + 32 * ((word.at - field.word) % words);
  if (field.name == "x") return {std::string(isa::kRegisterNames[index]), number};
  if (field.count == 1) return {field.name, number};
  return {fmt::format("{}[{}]", field.name, index), number};
}

MachineBits::NamedChange MachineBits::fault(const BitPopulation& population, u64 index,
                                            FaultKind kind) const {
  const auto [word, bit] = population.find(index);
  const u32 one = u32{1} << bit;
  const bool becomes_0 = kind == FaultKind::clear || kind == FaultKind::stuck0;
  const WordChange change{0, word.at, kind == FaultKind::flip ? ~u32{0} : ~one,
                          becomes_0 ? 0 : one};
  NamedChange made;
  if (kind == FaultKind::stuck0 || kind == FaultKind::stuck1)
    made.change.stuck = {word.is_ram, change.at, change.keep, change.flip};
  (word.is_ram ? made.change.ram : made.change.states).push_back(change);
  std::tie(made.place, made.bit) = name_of(word, bit);
  return made;
}

}  // namespace rookery::runner
