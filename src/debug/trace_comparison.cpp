// SPDX-License-Identifier: Apache-2.0
#include "debug/trace_comparison.h"

#include <algorithm>

#include <fmt/format.h>

#include "debug/trace_text.h"
#include "isa/disassemble.h"

namespace rookery {
namespace {

constexpr std::size_t kShownBefore = 8;
constexpr std::size_t kShownAfter = 4;

}  // namespace

void TraceComparison::add(u32 side, std::span<const TraceRecord> records) {
  waiting_[side].insert(waiting_[side].end(), records.begin(), records.end());
}

bool TraceComparison::advance() {
  while (!waiting_[0].empty() && !waiting_[1].empty()) {
    if (waiting_[0].front() != waiting_[1].front()) return false;
    context_.push_back(waiting_[0].front());
    if (context_.size() > kShownBefore) context_.pop_front();
    for (auto& records : waiting_) records.pop_front();
    ++equal_;
  }
  return true;
}

std::string TraceComparison::text(std::string_view first, std::string_view second) const {
  std::string out;
  for (const TraceRecord& record : context_) out += line("both", record);
  for (const u32 side : {0u, 1u}) {
    const std::string_view who = side == 0 ? first : second;
    const std::deque<TraceRecord>& records = waiting_[side];
    for (std::size_t i = 0; i < std::min(kShownAfter, records.size()); ++i)
      out += line(who, records[i]);
    if (records.empty()) out += fmt::format("{:>6}  (nothing more)\n", who);
  }
  return out;
}

std::string TraceComparison::line(std::string_view who, const TraceRecord& record) const {
  std::string text;
  append_trace_text(text, {&record, 1}, xlen_);
  text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ';');
  std::string out = fmt::format("{:>6}  step {}: {}", who, record.icount, text);
  if (record.kind == TraceRecord::Kind::commit)
    out += fmt::format("  {}", isa::disassemble(xlen_, record.pc, record.ins));
  const std::string where = symbols_ != nullptr ? symbols_->describe(record.pc) : std::string();
  if (!where.empty()) out += fmt::format("  <{}>", where);
  return out + "\n";
}

}  // namespace rookery
