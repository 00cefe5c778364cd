// SPDX-License-Identifier: Apache-2.0
// The symbols of an ELF file's .symtab: names for addresses and addresses for names. Whatever kind
// of file it is (executable, shared object); symbol tables are untrusted and checked.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/types.h"

namespace rookery {

struct Symbol {
  std::string name;
  u64 va = 0;
  // 1 or more: one that says no size reaches to the next symbol, at most to its section's end.
  u64 bytes = 0;
  bool is_code = false;  // a function or a label in a section of instructions; else data

  u64 last_va() const { return va + (bytes - 1); }
};

class SymbolTable {
 public:
  // `what` names the file in messages: `file "vmlinux"`. Errors are of kind `image`: not a RISC-V
  // ELF file, a broken one, one without symbols.
  static Result<SymbolTable> parse(std::span<const u8> file, const std::string& what);

  // The code symbol that `va` lies in, or null. Of several, the one that begins last.
  const Symbol* code_at(u64 va) const;

  // The first symbol of that name, or null.
  const Symbol* find(std::string_view name) const;

  // "memcpy+0x10", "memcpy", or nothing where there is no code symbol.
  std::string describe(u64 va) const;

  // By address.
  std::span<const Symbol> symbols() const { return symbols_; }

 private:
  std::vector<Symbol> symbols_;
  std::vector<u64> furthest_;  // the highest last_va() of the code symbols up to each
};

}  // namespace rookery
