// SPDX-License-Identifier: Apache-2.0
#include "debug/trace_text.h"

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

class LineWriter {
 public:
  LineWriter(std::string& out, Xlen xlen) : out_(out), digits_(xlen == Xlen::rv32 ? 8 : 16) {}

  void text(std::string_view text) { out_ += text; }

  void hex(u64 value, u32 digits) {
    static constexpr char kDigits[] = "0123456789abcdef";
    char text[18] = {'0', 'x'};
    for (u32 i = 0; i < digits; ++i) text[2 + i] = kDigits[(value >> (4 * (digits - 1 - i))) & 15];
    out_.append(text, 2 + digits);
  }
  void address(u64 value) { hex(value, digits_); }

  void x(u32 number, u64 value) {
    out_ += " x";
    if (number >= 10) out_ += static_cast<char>('0' + number / 10);
    out_ += static_cast<char>('0' + number % 10);
    out_ += number >= 10 ? " " : "  ";
    address(value);
  }

 private:
  std::string& out_;
  u32 digits_;
};

void append_commit(LineWriter& line, const TraceRecord& record) {
  const char privilege[] = {static_cast<char>('0' + (record.privilege & 3)), ' '};
  line.text({privilege, sizeof privilege});
  line.address(record.pc);
  line.text(" (");
  line.hex(record.ins, 8);
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
    line.hex(record.stored, 2 * record.bytes());
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

void append_trace_text(std::string& out, const TraceRecord& record, Xlen xlen) {
  LineWriter line(out, xlen);
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

void append_exit_text(std::string& out, const Exit& exit) {
  std::string_view name = "unknown";
#define EXIT(exit_name, number, ...) \
  if (exit.reason == (number)) name = #exit_name;
#include "isa/exits.def"
  out += fmt::format("{}exit {} (0x{:x}, 0x{:x})\n", kCore, name, exit.arg0, exit.arg1);
}

}  // namespace rookery
