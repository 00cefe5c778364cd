// SPDX-License-Identifier: Apache-2.0
// shaders/isa/fields.wgsl and the generated isa/tables.wgsl: immediates, and the semantics of every
// row of the instruction tables, against src/isa/decode.h and the rows' own text compiled as C++.
// Random words too: what has no row has to be illegal.
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "isa/decode.h"
#include "isa/xlen.h"
#include "shaders/shader_runner.h"

namespace rookery::test {
namespace {

using namespace isa;

// --- Fields ---

TEST(FieldsShader, ImmediatesAndRegisters) {
  ShaderTest test;
  test.imports = machine_modules();
  test.ram_words = 1;
  test.words_in = 1;
  test.words_out = 8;
  test.text = R"(
fn test_case(i: u32) {
  let ins = word_in(i, 0u);
  word_out(i, 0u, imm_i(ins));
  word_out(i, 1u, imm_s(ins));
  word_out(i, 2u, imm_b(ins));
  word_out(i, 3u, imm_u(ins));
  word_out(i, 4u, imm_j(ins));
  word_out(i, 5u, field_rd(ins));
  word_out(i, 6u, field_rs1(ins));
  word_out(i, 7u, field_rs2(ins));
}
)";
  std::vector<u32> in;
  for (u32 bit = 0; bit < 32; ++bit) {
    in.push_back(1u << bit);
    in.push_back(~(1u << bit));
  }
  std::mt19937 random{3};
  for (u32 i = 0; i < 4000; ++i) in.push_back(static_cast<u32>(random()));
  RUN_SHADER_TEST(result, test, in);
  for (size_t i = 0; i < in.size(); ++i) {
    const u32 ins = in[i];
    const auto imm = [&](Format format) { return static_cast<u32>(immediate(format, ins)); };
    const std::vector<u32> expected = {imm(Format::I),   imm(Format::S),  imm(Format::B),
                                       imm(Format::U),   imm(Format::J),  (ins >> 7) & 31,
                                       (ins >> 15) & 31, (ins >> 20) & 31};
    const std::vector<u32> found(result.out.begin() + static_cast<i64>(i * 8),
                                 result.out.begin() + static_cast<i64>(i * 8 + 8));
    ASSERT_EQ(found, expected) << fmt::format("of 0x{:08x}", ins);
  }
}

// --- Rows ---

struct Operands {
  u64 a, b, pc, m;
};

// A row's text in C++: the result of ALU, LOAD, JAL, JALR and AMO rows, and whether a branch is
// taken.
template <class U>
struct Rows : Vocabulary<U> {
  using xlen = U;
  using Vocabulary<U>::XLEN;
#define USE(name) using Vocabulary<U>::name;
  // clang-format off
  USE(add) USE(sub) USE(bit_and) USE(bit_or) USE(bit_xor) USE(bit_not) USE(sll) USE(srl)
  USE(sra) USE(eq) USE(ne) USE(lt) USE(ge) USE(ltu) USE(geu) USE(slt)
  USE(sltu) USE(mul) USE(mulh) USE(mulhsu) USE(mulhu) USE(div) USE(divu) USE(rem)
  USE(remu) USE(low) USE(high) USE(zext) USE(sext) USE(sext8) USE(sext16)
  // clang-format on
#undef USE

                  static u64 execute(std::string_view row, const Operands& operands) {
    [[maybe_unused]] const xlen a = static_cast<xlen>(operands.a);
    [[maybe_unused]] const xlen b = static_cast<xlen>(operands.b);
    [[maybe_unused]] const xlen pc = static_cast<xlen>(operands.pc);
    [[maybe_unused]] const xlen m = static_cast<xlen>(operands.m);
#define ROW_ALU(name, ...) \
  if (row == #name) return static_cast<u64>(__VA_ARGS__);
#define ROW_BRANCH(name, ...) ROW_ALU(name, __VA_ARGS__)
#define ROW_JAL(name, ...) ROW_ALU(name, __VA_ARGS__)
#define ROW_JALR(name, ...) ROW_ALU(name, __VA_ARGS__)
#define ROW_LOAD(name, ...) ROW_ALU(name, __VA_ARGS__)
#define ROW_AMO(name, ...) ROW_ALU(name, __VA_ARGS__)
#define ROW_STORE(name, ...)
#define ROW_SLOW(name, ...)
#define ROW_NOP(name, ...)
#define INSN(name, format, match, mask, kind, ...) ROW_##kind(name, __VA_ARGS__)
    if constexpr (sizeof(U) == 4) {
#include "isa/rv32.def"
    } else {
#define INSN(name, format, match, mask, kind, ...) ROW_##kind(name, __VA_ARGS__)
#include "isa/rv64.def"
    }
    return 0xdeadbeef;
  }
};

constexpr u32 kOpcodes[] = {4,  6, 12, 14, 13, 5,
                            24, 0, 27, 25, 11};  // those with a function in the tables

// As interpreter.wgsl calls them.
constexpr const char* kExecute = R"(
fn test_case(i: u32) {
  let ins = word_in(i, 0u);
  let a = xlen_from_dword(dword_make(word_in(i, 1u), word_in(i, 2u)));
  let b = xlen_from_dword(dword_make(word_in(i, 3u), word_in(i, 4u)));
  let pc = xlen_from_dword(dword_make(word_in(i, 5u), word_in(i, 6u)));
  let m = xlen_from_dword(dword_make(word_in(i, 7u), word_in(i, 8u)));
  let funct3 = (ins >> 12u) & 7u;
  let opcode = (ins >> 2u) & 31u;
  var r = zext(0u);
  isa_illegal = (ins & 3u) != 3u;
  switch (opcode) {
    case 4u, 12u: {
      let immediate = opcode == 4u;
      r = isa_alu(ins, immediate, a, select(b, sext(imm_i(ins)), immediate));
    }
    case 6u, 14u: {
      let immediate = opcode == 6u;
      r = isa_alu_word(ins, immediate, a, select(b, sext(imm_i(ins)), immediate));
    }
    case 5u, 13u: { r = isa_upper(opcode, pc, sext(imm_u(ins))); }
    case 24u: { r = zext(u32(isa_branch(funct3, a, b))); }
    case 0u: {
      isa_illegal = isa_illegal | (((ISA_LOADS >> funct3) & 1u) == 0u);
      r = isa_load(funct3, m);
    }
    case 27u: { r = isa_jal(pc, sext(imm_j(ins))); }
    case 25u: {
      isa_illegal = isa_illegal | (funct3 != 0u);
      r = isa_jalr(a, sext(imm_i(ins)));
    }
    default: {
      isa_illegal = isa_illegal | !isa_is_amo(ins);
      r = isa_amo(ins, m, b);
    }
  }
  let d = dword_from_xlen(r);
  word_out(i, 0u, d.x);
  word_out(i, 1u, d.y);
  word_out(i, 2u, u32(isa_illegal));
}
)";

// What `b` and `m` are for a row when the instruction is executed.
template <class U>
Operands operands_of(const Row& row, u32 ins, Operands operands) {
  switch (row.format) {
    case Format::I:
    case Format::S:
    case Format::B:
    case Format::U:
    case Format::J:
    case Format::SHIFT:
      if (row.kind != Kind::BRANCH) operands.b = static_cast<u64>(i64{immediate(row.format, ins)});
      break;
    default:
      break;
  }
  return operands;
}

template <class U>
void check_rows(Xlen xlen) {
  ShaderTest test;
  test.xlen = xlen;
  test.imports = machine_modules();
  test.ram_words = 1;
  test.words_in = 9;
  test.words_out = 3;
  test.text = kExecute;

  std::mt19937_64 random{17};
  const std::vector<u64> operands = interesting_operands(sizeof(U) * 8, 40);
  const auto pick = [&] { return operands[random() % operands.size()]; };
  std::vector<u32> in;
  const auto add_case = [&](u32 ins) {
    // Loads have what they read zero-extended; words for a word's operation.
    u64 m = pick();
    if (((ins >> 2) & 31) == 0) {
      const u32 bits = 8u << ((ins >> 12) & 3);
      if (bits < 64) m &= (u64{1} << bits) - 1;
    }
    in.push_back(ins);
    for (u64 value : {pick(), pick(), pick() & ~u64{3}, m}) {
      in.push_back(static_cast<u32>(value));
      in.push_back(static_cast<u32>(value >> 32));
    }
  };
  for (const Row& row : rows(xlen)) {
    if (row.kind == Kind::STORE || row.kind == Kind::SLOW || row.kind == Kind::NOP) continue;
    for (u32 i = 0; i < 150; ++i) add_case((static_cast<u32>(random()) & ~row.mask) | row.match);
  }
  for (u32 i = 0; i < 20'000; ++i) {
    const u32 opcode = kOpcodes[random() % std::size(kOpcodes)];
    u32 ins = (static_cast<u32>(random()) & ~0x7fu) | (opcode << 2) | 3;
    if (random() % 2 == 0)
      ins &= 0x03ffffffu | (static_cast<u32>(random() % 2) << 30);  // near the rows there are
    add_case(ins);
  }
  RUN_SHADER_TEST(result, test, in);
  u32 illegal = 0;
  for (size_t i = 0; i < in.size() / 9; ++i) {
    const u32* words = &in[i * 9];
    const u32 ins = words[0];
    const u64 found = dword_make(result.out[i * 3], result.out[i * 3 + 1]);
    const Row* row = find_row(xlen, ins);
    const bool was_illegal = result.out[i * 3 + 2] != 0;
    ASSERT_EQ(was_illegal, row == nullptr) << fmt::format(
        "0x{:08x} is {}, RV{}", ins, row ? row->name : "no instruction", static_cast<u32>(xlen));
    illegal += was_illegal ? 1 : 0;
    if (row == nullptr || row->kind == Kind::SLOW) continue;
    // lr and sc are done elsewhere (isa/atomic.wgsl).
    if (row->name.starts_with("lr_") || row->name.starts_with("sc_")) continue;
    const Operands given = {dword_make(words[1], words[2]), dword_make(words[3], words[4]),
                            dword_make(words[5], words[6]), dword_make(words[7], words[8])};
    const u64 expected = Rows<U>::execute(row->name, operands_of<U>(*row, ins, given));
    ASSERT_EQ(found, expected) << fmt::format(
        "{} (0x{:08x}), RV{}, of 0x{:x} and 0x{:x}, pc 0x{:x}, memory 0x{:x}", row->name, ins,
        static_cast<u32>(xlen), given.a, given.b, given.pc, given.m);
  }
  EXPECT_GT(illegal, 1000u);
}

TEST(TablesShader, RowsOfRv32) { check_rows<u32>(Xlen::rv32); }
TEST(TablesShader, RowsOfRv64) { check_rows<u64>(Xlen::rv64); }

}  // namespace
}  // namespace rookery::test
