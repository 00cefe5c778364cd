// SPDX-License-Identifier: Apache-2.0
// Two traces side by side, as they come: where they differ first, with what was before.
#pragma once

#include <array>
#include <deque>
#include <span>
#include <string>
#include <string_view>

#include "debug/symbols.h"
#include "engine/engine.h"

namespace rookery {

class TraceComparison {
 public:
  // `symbols` may be null; else it must outlive this.
  TraceComparison(Xlen xlen, const SymbolTable* symbols) : xlen_(xlen), symbols_(symbols) {}

  // `side` is 0 or 1.
  void add(u32 side, std::span<const TraceRecord> records);

  // Compares what both have. False: they differ, and what is waiting begins with the difference.
  bool advance();

  std::size_t waiting(u32 side) const { return waiting_[side].size(); }
  u64 equal() const { return equal_; }

  // The last equal records and what is waiting, a line each: who, step, the record as in a trace,
  // the instruction and its function.
  std::string text(std::string_view first, std::string_view second) const;

 private:
  std::string line(std::string_view who, const TraceRecord& record) const;

  Xlen xlen_;
  const SymbolTable* symbols_;
  std::array<std::deque<TraceRecord>, 2> waiting_;
  std::deque<TraceRecord> context_;
  u64 equal_ = 0;
};

}  // namespace rookery
