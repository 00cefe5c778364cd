// SPDX-License-Identifier: Apache-2.0
#include "isa/wgsl_tables.h"

#include <algorithm>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "isa/decode.h"

namespace rookery::isa {
namespace {

// --- state.def ---

struct StateField {
  std::string_view section;
  std::string_view type;
  std::string_view name;
  u32 count;
  u32 word;  // where it starts in State<xlen>
};

struct StateSection {
  std::string_view instance;
  std::string_view type;
};

template <class U>
std::vector<StateField> state_fields() {
  using S = State<U>;
  const S state{};
  const auto* begin = reinterpret_cast<const u8*>(&state);
  std::vector<StateField> fields;
  const auto add = [&](std::string_view section, std::string_view type, std::string_view name, u32 count,
                       const void* field) {
    fields.push_back({section, type, name, count, static_cast<u32>((static_cast<const u8*>(field) - begin) / 4)});
  };
#define SECTION(instance, Type)         \
  {                                     \
    const auto& section = state.instance; \
    const std::string_view name_of_section = #instance;
#define FIELD(type, name, count) add(name_of_section, #type, #name, count, &section.name);
#define SECTION_END(instance, Type) }
#include "isa/state.def"
  return fields;
}

constexpr StateSection kSections[] = {
#define SECTION(instance, Type) {#instance, #Type},
#define FIELD(type, name, count)
#define SECTION_END(instance, Type)
#include "isa/state.def"
};

class Writer {
 public:
  explicit Writer(Xlen xlen) : xlen_(xlen) {}

  std::string write() {
    out_ = "// Generated from isa/*.def by src/isa/wgsl_tables.cpp.\n\n#import \"memory/bindings.wgsl\"\n\n";
    constants();
    state();
    csrs();
    instructions();
    return std::move(out_);
  }

 private:
  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
    out_ += '\n';
  }

  void constants() {
#define CONSTANT(name, value) line("const " #name ": u32 = {}u;", name);
#include "isa/constants.def"
#define REGION(name, base, size, irq)                  \
  line("const " #name "_BASE: u32 = 0x{:x}u;", name##_BASE); \
  line("const " #name "_SIZE: u32 = 0x{:x}u;", name##_SIZE); \
  line("const " #name "_IRQ: u32 = {}u;", name##_IRQ);
#include "isa/memory_map.def"
#define EXIT(name, number, arg0, arg1) line("const " #name ": u32 = {}u;", name);
#include "isa/exits.def"
#define CAUSE(name, code) line("const " #name ": u32 = {}u;", name);
#define INTERRUPT(name, code) line("const " #name ": u32 = {}u;", name);
#include "isa/causes.def"
#define CSR_FIELD(name, mask) line("const " #name ": u32 = 0x{:x}u;", name);
#define CSR(name, number, read, ...)
#define CSR32(name, number, read, ...)
#include "isa/csr.def"
  }

  void state() {
    const std::vector<StateField> fields = xlen_ == Xlen::rv32 ? state_fields<u32>() : state_fields<u64>();
    for (const StateSection& section : kSections) {
      line("\nstruct {} {{", section.type);
      for (const StateField& field : fields) {
        if (field.section == section.instance) line("  {}: {},", field.name, type_text(field));
      }
      line("}}\n\nvar<private> {}: {};", section.instance, section.type);
    }
    const size_t bytes = xlen_ == Xlen::rv32 ? sizeof(State<u32>) : sizeof(State<u64>);
    line("\nconst STATE_WORDS: u32 = {}u;", bytes / 4);
    for (const StateField& field : fields) {
      if (field.section == "machine" && field.name == "run_state") {
        line("const STATE_RUN_STATE: u32 = {}u;", field.word);
      }
    }
    line("\nfn state_word(word: u32) -> u32 {{\n  return (word * params.vm_count) + vm;\n}}");
    line("\nfn state_load() {{");
    for (const StateField& field : fields) transfer(field, true);
    line("}}\n\nfn state_store() {{");
    for (const StateField& field : fields) transfer(field, false);
    line("}}");
  }

  u32 words_of(const StateField& field) const {
    if (field.type == "dword") return 2;
    return field.type == "xlen" && xlen_ == Xlen::rv64 ? 2 : 1;
  }

  std::string type_text(const StateField& field) const {
    if (field.count == 1) return std::string(field.type);
    return fmt::format("array<{}, {}>", field.type, field.count);
  }

  void transfer(const StateField& field, bool load) {
    const u32 words = words_of(field);
    std::string index = fmt::format("{}u", field.word);
    std::string member = fmt::format("{}.{}", field.section, field.name);
    if (field.count > 1) {
      line("  for (var i = 0u; i < {}u; i++) {{", field.count);
      index = fmt::format("{}u + (i * {}u)", field.word, words);
      member += "[i]";
    }
    if (words == 1) {
      if (load) {
        line("  {} = state[state_word({})];", member, index);
      } else {
        line("  state[state_word({})] = {};", index, member);
      }
    } else if (load) {
      line("  {0} = vec2<u32>(state[state_word({1})], state[state_word({1} + 1u)]);", member, index);
    } else {
      line("  state[state_word({})] = {}.x;", index, member);
      line("  state[state_word({} + 1u)] = {}.y;", index, member);
    }
    if (field.count > 1) line("  }}");
  }

  // --- csr.def ---

  void csrs() {
    line("\nfn csr_read(number: u32) -> xlen {{\n  var r = zext(0u);\n  switch (number) {{");
#define CSR_FIELD(name, mask)
#define CSR(name, number, read, ...) line("    case {:#x}u: {{ r = {}; }}  // {}", number, #read, #name);
#define CSR32(name, number, read, ...) \
  if (xlen_ == Xlen::rv32) line("    case {:#x}u: {{ r = {}; }}  // {}", number, #read, #name);
#include "isa/csr.def"
    line("    default: {{ csr_missing = !csr_is_zero(number); }}\n  }}\n  return r;\n}}");
    line("\nfn csr_write(number: u32, value: xlen) {{\n  switch (number) {{");
#define CSR_FIELD(name, mask)
#define CSR(name, number, read, ...) line("    case {:#x}u: {{ {}; }}  // {}", number, #__VA_ARGS__, #name);
#define CSR32(name, number, read, ...) \
  if (xlen_ == Xlen::rv32) line("    case {:#x}u: {{ {}; }}  // {}", number, #__VA_ARGS__, #name);
#include "isa/csr.def"
    line("    default: {{}}\n  }}\n}}");
  }

  // --- the instruction rows ---

  static u32 funct3(const Row& row) { return (row.match >> 12) & 7; }
  static u32 funct7(const Row& row) { return row.match >> 25; }
  static u32 opcode(const Row& row) { return (row.match >> 2) & 31; }

  std::vector<const Row*> select(Kind kind) const {
    std::vector<const Row*> out;
    for (const Row& row : rows(xlen_)) {
      if (row.kind == kind) out.push_back(&row);
    }
    return out;
  }

  void instructions() {
    line("\n// Set where an instruction word has no row.\nvar<private> isa_illegal: bool;\n");
    line("const ISA_LOADS: u32 = {:#x}u;", funct3_mask(Kind::LOAD));
    line("const ISA_STORES: u32 = {:#x}u;", funct3_mask(Kind::STORE));
    line("const ISA_FENCES: u32 = {:#x}u;", funct3_mask(Kind::NOP));
    alu("isa_alu", 4, 12);
    alu("isa_alu_word", 6, 14);
    by_funct3("isa_branch", "a: xlen, b: xlen", "bool", "false", Kind::BRANCH);
    by_funct3("isa_load", "m: xlen", "xlen", "m", Kind::LOAD);
    line("\nfn isa_upper(opcode: u32, pc: xlen, b: xlen) -> xlen {{");
    for (const Row* row : select(Kind::ALU)) {
      if (row->format == Format::U) {
        line("  if (opcode == {}u) {{ return {}; }}  // {}", opcode(*row), row->semantics, row->name);
      }
    }
    line("  return b;\n}}");
    line("\nfn isa_jal(pc: xlen, b: xlen) -> xlen {{\n  return {};\n}}", select(Kind::JAL).front()->semantics);
    line("\nfn isa_jalr(a: xlen, b: xlen) -> xlen {{\n  return {};\n}}", select(Kind::JALR).front()->semantics);
    line("\nfn isa_amo(ins: u32, m: xlen, b: xlen) -> xlen {{\n  var r = b;\n  switch (ins >> 27u) {{");
    std::vector<u32> seen;
    for (const Row* row : select(Kind::AMO)) {
      const u32 funct5 = row->match >> 27;
      if (std::find(seen.begin(), seen.end(), funct5) != seen.end()) continue;  // words and doublewords alike
      seen.push_back(funct5);
      line("    case {}u: {{ r = {}; }}  // {}", funct5, row->semantics, row->name);
    }
    line("    default: {{}}\n  }}\n  return r;\n}}");
    line("\nfn isa_is_amo(ins: u32) -> bool {{");
    line("  return {};\n}}", any_of(select(Kind::AMO)));
    slow();
  }

  u32 funct3_mask(Kind kind) const {
    u32 mask = 0;
    for (const Row* row : select(kind)) mask |= 1u << funct3(*row);
    return mask;
  }

  void by_funct3(std::string_view name, std::string_view parameters, std::string_view type,
                 std::string_view otherwise, Kind kind) {
    line("\nfn {}(funct3: u32, {}) -> {} {{\n  var r = {};\n  switch (funct3) {{", name, parameters, type, otherwise);
    for (const Row* row : select(kind)) line("    case {}u: {{ r = {}; }}  // {}", funct3(*row), row->semantics, row->name);
    line("    default: {{ isa_illegal = true; }}\n  }}\n  return r;\n}}");
  }

  // Register and immediate forms of an operation share their code: lanes that execute one or the other
  // stay together. A row of the immediate opcode without funct7 stands for all values of those bits.
  void alu(std::string_view name, u32 immediate_opcode, u32 register_opcode) {
    struct Operation {
      std::string_view semantics;
      std::string names;
      bool immediate = false;       // has a row with the immediate opcode
      bool any_funct7 = false;      // which does not look at funct7
      bool registers = false;       // has a row with the register opcode
      u32 funct7 = 0;
      u32 immediate_funct7_mask = 0x7f;
    };
    line("\nfn {}(ins: u32, immediate: bool, a: xlen, b: xlen) -> xlen {{", name);
    line("  let funct7 = ins >> 25u;\n  var r = a;\n  switch ((ins >> 12u) & 7u) {{");
    for (u32 f3 = 0; f3 < 8; ++f3) {
      std::vector<Operation> operations;
      for (const Row* row : select(Kind::ALU)) {
        const bool is_immediate = opcode(*row) == immediate_opcode;
        if ((!is_immediate && opcode(*row) != register_opcode) || funct3(*row) != f3) continue;
        auto found = std::find_if(operations.begin(), operations.end(), [&](const Operation& operation) {
          return operation.semantics == row->semantics && (operation.any_funct7 || operation.funct7 == funct7(*row));
        });
        if (found == operations.end()) found = operations.insert(operations.end(), {row->semantics, "", false, false, false, 0, 0});
        found->names += fmt::format("{}{}", found->names.empty() ? "" : ", ", row->name);
        found->funct7 = funct7(*row);
        if (is_immediate) {
          found->immediate = true;
          found->any_funct7 = (row->mask >> 25) == 0;
          found->immediate_funct7_mask = row->mask >> 25;
        } else {
          found->registers = true;
        }
      }
      if (operations.empty()) continue;
      // An immediate form that takes any funct7 comes first, so that the others need not exclude it.
      std::stable_sort(operations.begin(), operations.end(),
                       [](const Operation& l, const Operation& r) { return l.any_funct7 > r.any_funct7; });
      line("    case {}u: {{", f3);
      std::string lead = "      if";
      const bool first_takes_all_immediates = operations.front().any_funct7;
      for (const Operation& operation : operations) {
        const std::string equal = fmt::format("(funct7 == {:#x}u)", operation.funct7);
        std::string condition = equal;
        if (operation.any_funct7) {
          condition = operation.registers ? fmt::format("(immediate || {})", equal) : "(immediate)";
        } else if (operation.immediate && operation.immediate_funct7_mask != 0x7f) {
          condition = fmt::format("({} || (immediate && ((funct7 & {:#x}u) == {:#x}u)))", equal,
                                  operation.immediate_funct7_mask, operation.funct7);
        } else if (!operation.immediate && !first_takes_all_immediates) {
          condition = fmt::format("({} && !immediate)", equal);
        } else if (operation.immediate && !operation.registers) {
          condition = fmt::format("({} && immediate)", equal);
        }
        line("{} {} {{  // {}\n        r = {};", lead, condition, operation.names, operation.semantics);
        lead = "      } else if";
      }
      line("      }} else {{\n        isa_illegal = true;\n      }}\n    }}");
    }
    line("    default: {{ isa_illegal = true; }}\n  }}\n  return r;\n}}");
  }

  // Whether `ins` is one of the rows. No short circuits: they would only make basic blocks.
  static std::string any_of(const std::vector<const Row*>& members) {
    std::string condition;
    for (const Row* row : members) {
      condition += fmt::format("{}((ins & {:#x}u) == {:#x}u)", condition.empty() ? "" : " | ", row->mask, row->match);
    }
    return condition;
  }

  // Rows that do the same are tested together, so that each function is called in one place.
  void slow() {
    std::vector<std::pair<std::string_view, std::vector<const Row*>>> groups;
    const auto add = [&](std::string_view call, const Row* row) {
      for (auto& group : groups) {
        if (group.first == call) return group.second.push_back(row);
      }
      groups.push_back({call, {row}});
    };
    for (const Row* row : select(Kind::SLOW)) add(row->semantics, row);
    line("\nfn isa_slow(ins: u32) {{");
    std::string lead = "  if";
    for (const auto& [call, members] : groups) {
      line("{} ({}) {{\n    {};", lead, any_of(members), call);
      lead = "  } else if";
    }
    line("  }} else {{\n    trap_illegal(ins);\n  }}\n}}");
  }

  Xlen xlen_;
  std::string out_;
};

}  // namespace

std::string wgsl_tables(Xlen xlen) { return Writer(xlen).write(); }

}  // namespace rookery::isa
