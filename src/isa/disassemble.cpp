// SPDX-License-Identifier: Apache-2.0
#include "isa/disassemble.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "isa/register_names.h"

namespace rookery::isa {
namespace {

// --- Fields of an instruction word. Unprivileged ISA, sections 2.2 and 2.7. ---

struct OperandField {
  u32 shift;
  u32 mask;
};
constexpr OperandField kRd{7, 31u << 7};
constexpr OperandField kRs1{15, 31u << 15};
constexpr OperandField kRs2{20, 31u << 20};

constexpr u32 kAq = 1u << 26;
constexpr u32 kRl = 1u << 25;

constexpr u32 kFencePredShift = 24;
constexpr u32 kFenceSuccShift = 20;
constexpr u32 kFenceTso = 0x8330000fu;

struct CsrName {
  u32 number;
  std::string_view name;
};
constexpr CsrName kCsrNames[] = {
#define CSR_FIELD(name, mask)
#define CSR(name, number, read, ...) {number, #name},
#define CSR32(name, number, read, ...) {number, #name},
#include "isa/csr.def"
};

// A line that grows by an operand at a time.
class Line {
 public:
  Line(const Row& row, u32 word) : text_(row.name), row_(row), word_(word) {
    std::ranges::replace(text_, '_', '.');
  }

  void suffix(std::string_view text) { text_ += text; }

  template <class... A>
  void operand(fmt::format_string<A...> format, A&&... values) {
    text_ += first_ ? ' ' : ',';
    first_ = false;
    fmt::format_to(std::back_inserter(text_), format, std::forward<A>(values)...);
  }

  // A register, unless its field is fixed by the encoding: lr has no rs2, sfence.vma no rd.
  void reg(OperandField field) {
    if ((row_.mask & field.mask) == 0) operand("{}", name_of(field));
  }

  std::string_view name_of(OperandField field) const {
    return register_name((word_ & field.mask) >> field.shift);
  }

  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  const Row& row_;
  u32 word_;
  bool first_ = true;
};

void csr_operand(Line& line, u32 number) {
  const auto* found = std::ranges::find(kCsrNames, number, &CsrName::number);
  if (found != std::end(kCsrNames)) {
    line.operand("{}", found->name);
  } else {
    line.operand("0x{:x}", number);
  }
}

// What a fence orders: input, output, reads, writes.
std::string fence_set(u32 bits) {
  constexpr std::string_view kLetters = "iorw";
  std::string text;
  for (u32 i = 0; i < 4; ++i) {
    if ((bits & (8u >> i)) != 0) text += kLetters[i];
  }
  return text.empty() ? "unknown" : text;
}

void fence_operands(Line& line, u32 word) {
  if (word == kFenceTso) {
    line.suffix(".tso");
    return;
  }
  line.operand("{}", fence_set((word >> kFencePredShift) & 15));
  line.operand("{}", fence_set((word >> kFenceSuccShift) & 15));
}

}  // namespace

std::string_view register_name(u32 number) { return kRegisterNames[number & 31]; }

std::string disassemble(Xlen xlen, u64 pc, u32 word) {
  const Row* row = find_row(xlen, word);
  if (row == nullptr) return fmt::format(".word 0x{:08x}", word);

  Line line(*row, word);
  const i32 imm = immediate(row->format, word);
  const auto target = [&] {
    const u64 to = pc + static_cast<u64>(i64{imm});
    return xlen == Xlen::rv32 ? to & 0xffffffffu : to;
  };

  switch (row->format) {
    case Format::R:
      line.reg(kRd);
      line.reg(kRs1);
      line.reg(kRs2);
      break;
    case Format::I:
      line.reg(kRd);
      if (row->kind == Kind::LOAD || row->kind == Kind::JALR) {
        line.operand("{}({})", imm, line.name_of(kRs1));
      } else {
        line.reg(kRs1);
        line.operand("{}", imm);
      }
      break;
    case Format::SHIFT:
      line.reg(kRd);
      line.reg(kRs1);
      line.operand("0x{:x}", imm);
      break;
    case Format::S:
      line.reg(kRs2);
      line.operand("{}({})", imm, line.name_of(kRs1));
      break;
    case Format::B:
      line.reg(kRs1);
      line.reg(kRs2);
      line.operand("0x{:x}", target());
      break;
    case Format::U:
      line.reg(kRd);
      line.operand("0x{:x}", static_cast<u32>(imm) >> 12);
      break;
    case Format::J:
      line.reg(kRd);
      line.operand("0x{:x}", target());
      break;
    case Format::AMO:
      if ((word & (kAq | kRl)) != 0) line.suffix(".");
      if ((word & kAq) != 0) line.suffix("aq");
      if ((word & kRl) != 0) line.suffix("rl");
      line.reg(kRd);
      line.reg(kRs2);
      line.operand("({})", line.name_of(kRs1));
      break;
    case Format::CSR:
      line.reg(kRd);
      csr_operand(line, word >> 20);
      line.reg(kRs1);
      break;
    case Format::CSRI:
      line.reg(kRd);
      csr_operand(line, word >> 20);
      line.operand("{}", imm);
      break;
    case Format::NONE:
      if (row->name == "fence") fence_operands(line, word);
      break;
  }
  return line.take();
}

}  // namespace rookery::isa
