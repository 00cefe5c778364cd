// SPDX-License-Identifier: Apache-2.0
#include "debug/stop_search.h"

#include "isa/decode.h"

namespace rookery::debug {
namespace {

struct DataAccess {
  u64 va = 0;
  u32 bytes = 0;
  bool loads = false;
  bool stores = false;
};

DataAccess access_of(const cpu::NextInstruction& next) {
  if (!next.word) return {};
  const u32 word = *next.word;
  const isa::Row* const row = isa::find_row(isa::xlen_of(next.state), word);
  if (row == nullptr) return {};
  DataAccess access;
  const bool is_amo = row->kind == isa::Kind::AMO;
  access.loads = row->kind == isa::Kind::LOAD || (is_amo && !row->name.starts_with("sc_"));
  access.stores = row->kind == isa::Kind::STORE || (is_amo && !row->name.starts_with("lr_"));
  if (!access.loads && !access.stores) return {};
  access.bytes = 1u << ((word >> 12) & 3);  // funct3
  std::visit(
      [&](const auto& s) {
        using xlen = decltype(s.hart.pc);
        const auto offset = static_cast<xlen>(i64{isa::immediate(row->format, word)});
        access.va = static_cast<xlen>(s.hart.x[(word >> 15) & 31] + offset);
      },
      next.state);
  return access;
}

bool overlap(u64 va, u64 bytes, u64 other_va, u64 other_bytes) {
  return va - other_va < other_bytes || other_va - va < bytes;
}

}  // namespace

std::optional<u32> find_stop(const cpu::NextInstruction& next, std::span<const StopPoint> stops) {
  using Kind = StopPoint::Kind;
  const DataAccess access = access_of(next);
  for (u32 i = 0; i < stops.size(); ++i) {
    const StopPoint& stop = stops[i];
    const bool is_its_kind =
        (stop.kind != Kind::load && access.stores) || (stop.kind != Kind::store && access.loads);
    const bool is_hit = stop.kind == Kind::execute
                            ? next.pc == stop.va
                            : is_its_kind && overlap(access.va, access.bytes, stop.va, stop.bytes);
    if (is_hit) return i;
  }
  return std::nullopt;
}

}  // namespace rookery::debug
