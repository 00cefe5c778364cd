// SPDX-License-Identifier: Apache-2.0
// Where the parts of a machine that sweeps patch, and that faults hit, are: words of its state
// (isa/state.def) and of its RAM. Names are those of src/sweep; addresses may be symbols'.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "debug/symbols.h"
#include "engine/engine.h"
#include "machine/snapshot.h"
#include "sweep/spec.h"

namespace rookery::runner {

// Bits of one word.
struct BitsOfWord {
  bool is_ram = false;
  u32 at = 0;  // a word of the state, or a physical address
  u32 mask = 0;
};

// A change of words of one machine; WordChange::vm is for the caller to fill in.
struct MachineChange {
  std::vector<WordChange> states;
  std::vector<WordChange> ram;
  std::optional<WordBits> stuck;  // from then on
};

// Bits that can be hit, numbered.
class BitPopulation {
 public:
  void add(const BitsOfWord& word);
  u64 size() const { return ends_.empty() ? 0 : ends_.back(); }
  // The word and the bit of it that has a number below size().
  std::pair<BitsOfWord, u32> find(u64 index) const;

 private:
  std::vector<BitsOfWord> words_;
  std::vector<u64> ends_;  // how many bits there are up to each
};

class MachineBits {
 public:
  // `snapshot` has run; both outlive this object. `symbols` may be null.
  MachineBits(const Snapshot& snapshot, const SymbolTable* symbols);

  // What a patch of a sweep changes. Errors: usage, a sentence without the case's number.
  Result<MachineChange> change_of(const sweep::Patch& patch) const;

  // A physical address. Symbols are virtual ones of the address space that the snapshot stands in.
  Result<u32> physical(const sweep::AddressExpression& address) const;

  // All bits that faults of one target can hit, those that do not exist in hardware left out.
  Result<BitPopulation> population(const sweep::FaultSpec& faults, sweep::FaultTarget target) const;

  // The bit number `index` of those, changed as `kind` says, and a name for it: "a0" and 3.
  struct NamedChange {
    MachineChange change;
    std::string place;
    u32 bit = 0;
  };
  NamedChange fault(const BitPopulation& population, u64 index, sweep::FaultKind kind) const;

 private:
  u32 xlen_words() const { return snapshot_.image.xlen == Xlen::rv32 ? 1 : 2; }
  u32 register_word(u32 number) const;  // x0 to x31, 32 is the pc
  Result<std::vector<BitsOfWord>> csr_bits(u32 number) const;
  Result<MachineChange> change_csr(u32 number, const sweep::Patch& patch) const;
  Result<MachineChange> change_words(u32 first, u32 bits, const sweep::Patch& patch) const;
  Result<MachineChange> change_ram(const sweep::Patch& patch) const;
  // "a0", "tlb_tag[3]", "0x80400010", and which bit of it a bit of that word is.
  std::pair<std::string, u32> name_of(const BitsOfWord& word, u32 bit) const;

  const Snapshot& snapshot_;
  const SymbolTable* symbols_;
};

}  // namespace rookery::runner
