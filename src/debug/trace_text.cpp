// SPDX-License-Identifier: Apache-2.0
#include "debug/trace_text.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string_view>

#include <fmt/format.h>

namespace rookery {
namespace {

std::string_view csr_name(u32 number) {
  switch (number) {
#define CSR_FIELD(name, mask)
#define CSR(name, number, ...) \
  case number:                 \
    return #name;
#define CSR32 CSR
#include "isa/csr.def"
    default:
      return "unknown";
  }
}

// Spike says no value for traps that have none by their nature.
bool has_tval(u32 cause) {
  return cause != isa::CAUSE_USER_ECALL && cause != isa::CAUSE_SUPERVISOR_ECALL &&
         cause != isa::CAUSE_MACHINE_ECALL;
}

// More than the text of any record takes.
constexpr std::size_t kMaxTextBytes = 320;

// The digits of a 32-bit number, as bytes of a little-endian word: the highest digit is the first
// byte.
u64 hex_digits(u32 value) {
  constexpr u64 kOnes = 0x0101010101010101;
  u64 nibbles =
      value;  // then two halves, four bytes, eight nibbles, each at the lower end of its share
  nibbles = (nibbles | (nibbles << 16)) & 0x0000ffff0000ffff;
  nibbles = (nibbles | (nibbles << 8)) & 0x00ff00ff00ff00ff;
  nibbles = (nibbles | (nibbles << 4)) & 0x0f0f0f0f0f0f0f0f;
  const u64 letters = ((nibbles + 6 * kOnes) >> 4) & kOnes;
  return std::byteswap(nibbles + '0' * kOnes + letters * ('a' - '0' - 10));
}

// Writes to memory that has room for it.
class LineWriter {
 public:
  LineWriter(char* at, Xlen xlen) : at_(at), is_wide_(xlen == Xlen::rv64) {}

  char* at() const { return at_; }

  void text(std::string_view text) {
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }

  void hex8(u32 value) {
    const u64 digits = hex_digits(value);
    std::memcpy(at_, &digits, sizeof digits);
    at_ += sizeof digits;
  }
  // The lowest `digits` digits, at most 8.
  void hex_tail(u32 value, u32 digits) {
    const u64 all = hex_digits(value) >> (8 * (8 - digits));
    std::memcpy(at_, &all, sizeof all);
    at_ += digits;
  }
  void address(u64 value) {
    text("0x");
    if (is_wide_) hex8(static_cast<u32>(value >> 32));
    hex8(static_cast<u32>(value));
  }
  void bytes(u64 value, u32 count) {
    text("0x");
    if (count == 8) hex8(static_cast<u32>(value >> 32));
    hex_tail(static_cast<u32>(value), std::min(8u, 2 * count));
  }

  void x(u32 number, u64 value) {
    text(" x");
    if (number >= 10) {
      *at_++ = static_cast<char>('0' + number / 10);
      *at_++ = static_cast<char>('0' + number % 10);
      *at_++ = ' ';
    } else {
      *at_++ = static_cast<char>('0' + number);
      text("  ");
    }
    address(value);
  }

 private:
  char* at_;
  bool is_wide_;
};

void append_commit(LineWriter& line, const TraceRecord& record) {
  const char privilege[] = {static_cast<char>('0' + (record.privilege & 3)), ' '};
  line.text({privilege, sizeof privilege});
  line.address(record.pc);
  line.text(" (0x");
  line.hex8(record.ins);
  line.text(")");
  if (record.rd != 0) line.x(record.rd, record.value);
  if (record.answered_sbi()) line.x(record.rd + 1u, record.stored);
  if (record.wrote_csr()) {
    line.text(fmt::format(" c{}_{} ", record.csr(), csr_name(record.csr())));
    line.address(record.stored);
  }
  if (record.loads()) {
    line.text(" mem ");
    line.address(record.va);
  }
  if (record.stores()) {
    line.text(" mem ");
    line.address(record.va);
    line.text(" ");
    line.bytes(record.stored, record.bytes());
  }
  line.text("\n");
}

constexpr std::string_view kCore = "core   0: ";

}  // namespace

std::string_view exception_name(u32 cause) {
  switch (cause) {
    case isa::CAUSE_MISALIGNED_FETCH:
      return "trap_instruction_address_misaligned";
    case isa::CAUSE_FETCH_ACCESS:
      return "trap_instruction_access_fault";
    case isa::CAUSE_ILLEGAL_INSTRUCTION:
      return "trap_illegal_instruction";
    case isa::CAUSE_BREAKPOINT:
      return "trap_breakpoint";
    case isa::CAUSE_MISALIGNED_LOAD:
      return "trap_load_address_misaligned";
    case isa::CAUSE_LOAD_ACCESS:
      return "trap_load_access_fault";
    case isa::CAUSE_MISALIGNED_STORE:
      return "trap_store_address_misaligned";
    case isa::CAUSE_STORE_ACCESS:
      return "trap_store_access_fault";
    case isa::CAUSE_USER_ECALL:
      return "trap_user_ecall";
    case isa::CAUSE_SUPERVISOR_ECALL:
      return "trap_supervisor_ecall";
    case isa::CAUSE_MACHINE_ECALL:
      return "trap_machine_ecall";
    case isa::CAUSE_FETCH_PAGE_FAULT:
      return "trap_instruction_page_fault";
    case isa::CAUSE_LOAD_PAGE_FAULT:
      return "trap_load_page_fault";
    case isa::CAUSE_STORE_PAGE_FAULT:
      return "trap_store_page_fault";
    default:
      return "trap_unknown";
  }
}

namespace {

void append_record(LineWriter& line, const TraceRecord& record) {
  line.text(kCore);
  switch (record.kind) {
    case TraceRecord::Kind::commit:
      append_commit(line, record);
      return;
    case TraceRecord::Kind::exception:
      line.text("exception ");
      line.text(exception_name(record.ins));
      break;
    case TraceRecord::Kind::interrupt:
      line.text(fmt::format("exception interrupt #{}", record.ins));
      break;
  }
  line.text(", epc ");
  line.address(record.pc);
  line.text("\n");
  if (record.kind == TraceRecord::Kind::exception && has_tval(record.ins)) {
    line.text(kCore);
    line.text("          tval ");
    line.address(record.value);
    line.text("\n");
  }
}

}  // namespace

void append_trace_text(std::string& out, std::span<const TraceRecord> records, Xlen xlen) {
  const std::size_t before = out.size();
  out.resize_and_overwrite(before + records.size() * kMaxTextBytes, [&](char* text, std::size_t) {
    LineWriter line(text + before, xlen);
    for (const TraceRecord& record : records) append_record(line, record);
    return static_cast<std::size_t>(line.at() - text);
  });
}

void append_exit_text(std::string& out, const Exit& exit) {
  std::string_view name = "unknown";
#define EXIT(exit_name, number, ...) \
  if (exit.reason == (number)) name = #exit_name;
#include "isa/exits.def"
  out += fmt::format("{}exit {} (0x{:x}, 0x{:x})\n", kCore, name, exit.arg0, exit.arg1);
}

}  // namespace rookery
