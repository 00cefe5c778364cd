// SPDX-License-Identifier: Apache-2.0
#include "isa/wgsl_tables.h"

#include <algorithm>
#include <array>
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
  u32 word;         // where it starts in State<xlen>
  u32 element = 0;  // where it starts among the fields of its type
};

template <class U>
std::vector<StateField> state_fields() {
  using S = State<U>;
  const S state{};
  const auto* begin = reinterpret_cast<const u8*>(&state);
  std::vector<StateField> fields;
  const auto add = [&](std::string_view section, std::string_view type, std::string_view name,
                       u32 count, const void* field) {
    fields.push_back({section, type, name, count,
                      static_cast<u32>((static_cast<const u8*>(field) - begin) / 4), 0});
  };
#define SECTION(instance, Type)           \
  {                                       \
    const auto& section = state.instance; \
    const std::string_view name_of_section = #instance;
#define FIELD(type, name, count) add(name_of_section, #type, #name, count, &section.name);
#define SECTION_END(instance, Type) }
#include "isa/state.def"
  return fields;
}

std::vector<StateField> state_fields(Xlen xlen) {
  std::vector<StateField> fields = xlen == Xlen::rv32 ? state_fields<u32>() : state_fields<u64>();
  // Fields of a type share an array: each gets the next free elements of it.
  std::map<std::string_view, u32> used;
  for (StateField& field : fields) {
    field.element = used[field.type];
    used[field.type] += field.count;
  }
  return fields;
}

u32 words_of_type(std::string_view type, Xlen xlen) {
  return type == "dword" || (type == "xlen" && xlen == Xlen::rv64) ? 2 : 1;
}

// The private array that holds the fields of a type.
std::string array_of_type(std::string_view type) { return fmt::format("state_of_{}", type); }

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::string_view name_at(std::string_view text, size_t at) {
  size_t end = at;
  while (end < text.size() && is_name(text[end])) ++end;
  return text.substr(at, end - at);
}

class Writer {
 public:
  explicit Writer(Xlen xlen) : xlen_(xlen) {}

  std::string write() {
    out_ =
        "// Generated from isa/*.def by src/isa/wgsl_tables.cpp.\n\n#import "
        "\"isa/constants.wgsl\"\n#import \"memory/bindings.wgsl\"\n\n";
    state();
    csrs();
    instructions();
    return std::move(out_);
  }

  std::string write_constants() {
    out_ = "// Generated from isa/*.def by src/isa/wgsl_tables.cpp.\n\n";
#define CONSTANT(name, value) line("const " #name ": u32 = {}u;", name);
#include "isa/constants.def"
#define REGION(name, base, size, irq)                        \
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
    return std::move(out_);
  }

 private:
  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
    out_ += '\n';
  }

  // Fields that follow each other in both the array of their type and the state buffer.
  struct Run {
    std::string_view type;
    u32 element;
    u32 count;
    u32 word;
  };

  void state() {
    const std::vector<StateField> fields = state_fields(xlen_);
    std::map<std::string_view, u32> sizes;
    std::vector<Run> runs;
    for (const StateField& field : fields) {
      sizes[field.type] += field.count;
      const u32 words = words_of_type(field.type, xlen_);
      if (!runs.empty() && runs.back().type == field.type &&
          runs.back().word + runs.back().count * words == field.word) {
        runs.back().count += field.count;
      } else {
        runs.push_back({field.type, field.element, field.count, field.word});
      }
    }
    line(
        "\n// The state of the machine that runs, by type. hart.x[i] and so on are rewritten to "
        "elements of these.");
    for (const auto& [type, size] : sizes)
      line("var<private> {}: array<{}, {}>;", array_of_type(type), type, size);
    const size_t bytes = xlen_ == Xlen::rv32 ? sizeof(State<u32>) : sizeof(State<u64>);
    line("\nconst STATE_WORDS: u32 = {}u;", bytes / 4);
    for (const StateField& field : fields) {
      if (field.section == "machine" && field.name == "run_state") {
        line("const STATE_RUN_STATE: u32 = {}u;", field.word);
      }
    }
    line("\nfn state_word(word: u32) -> u32 {{\n  return (word * params.vm_count) + vm;\n}}");
    line("\nfn state_load() {{");
    for (const Run& run : runs) transfer(run, true);
    line("}}\n\nfn state_store() {{");
    for (const Run& run : runs) transfer(run, false);
    line("}}");
    line(
        "\n// Changes a word of the state, by its number: the bits of `keep` are kept, then those "
        "of "
        "`flip` flipped. False: it was that before.\nfn state_change(word: u32, keep: u32, flip: "
        "u32) "
        "-> bool {{");
    for (const Run& run : runs) change(run);
    line("  return false;\n}}");
  }

  void transfer(const Run& run, bool load) {
    line("  let words_{} = opaque_count({}u);", run.word, run.count);
    line("  for (var i = 0u; i < words_{}; i++) {{", run.word);
    const std::string element = fmt::format("{}[{}u + i]", array_of_type(run.type), run.element);
    if (words_of_type(run.type, xlen_) == 1) {
      const std::string word = fmt::format("state[state_word({}u + i)]", run.word);
      line("    {} = {};", load ? element : word, load ? word : element);
    } else {
      const std::string low = fmt::format("state[state_word({}u + (i * 2u))]", run.word);
      const std::string high = fmt::format("state[state_word({}u + (i * 2u))]", run.word + 1);
      if (load) {
        line("    {} = vec2<u32>({}, {});", element, low, high);
      } else {
        line("    {} = {}.x;\n    {} = {}.y;", low, element, high, element);
      }
    }
    line("  }}");
  }

  void change(const Run& run) {
    const u32 words = words_of_type(run.type, xlen_);
    const std::string array = array_of_type(run.type);
    line("  if ((word - {}u) < {}u) {{", run.word, run.count * words);
    if (words == 1) {
      line("    let i = {}u + (word - {}u);", run.element, run.word);
      line("    let before = {}[i];\n    {}[i] = (before & keep) ^ flip;", array, array);
      line("    return {}[i] != before;\n  }}", array);
      return;
    }
    line("    let i = {}u + ((word - {}u) >> 1u);", run.element, run.word);
    line("    let before = {}[i];", array);
    line("    let after = (before & vec2<u32>(keep)) ^ vec2<u32>(flip);");
    line(
        "    {}[i] = select(vec2<u32>(after.x, before.y), vec2<u32>(before.x, after.y), "
        "((word - {}u) & 1u) != 0u);",
        array, run.word);
    line("    return any({}[i] != before);\n  }}", array);
  }

  // --- csr.def ---

  void csrs() {
    line("\nfn csr_read(number: u32) -> xlen {{\n  var r = zext(0u);\n  switch (number) {{");
#define CSR_FIELD(name, mask)
#define CSR(name, number, read, ...) \
  line("    case {:#x}u: {{ r = {}; }}  // {}", number, #read, #name);
#define CSR32(name, number, read, ...) \
  if (xlen_ == Xlen::rv32) line("    case {:#x}u: {{ r = {}; }}  // {}", number, #read, #name);
#include "isa/csr.def"
    line("    default: {{ csr_missing = !csr_is_zero(number); }}\n  }}\n  return r;\n}}");
    line("\nfn csr_write(number: u32, value: xlen) {{\n  switch (number) {{");
#define CSR_FIELD(name, mask)
#define CSR(name, number, read, ...) \
  line("    case {:#x}u: {{ {}; }}  // {}", number, #__VA_ARGS__, #name);
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
    has_rs2();
    alu("isa_alu", 4, 12);
    alu("isa_alu_word", 6, 14);
    by_funct3("isa_branch", "a: xlen, b: xlen", "bool", Kind::BRANCH);
    by_funct3("isa_load", "m: xlen", "xlen", Kind::LOAD);
    upper();
    line("\nfn isa_jal(pc: xlen, b: xlen) -> xlen {{\n  return {};\n}}",
         select(Kind::JAL).front()->semantics);
    line("\nfn isa_jalr(a: xlen, b: xlen) -> xlen {{\n  return {};\n}}",
         select(Kind::JALR).front()->semantics);
    line(
        "\nfn isa_amo(ins: u32, m: xlen, b: xlen) -> xlen {{\n  var r = b;\n  switch (ins >> 27u) "
        "{{");
    std::vector<u32> seen;
    for (const Row* row : select(Kind::AMO)) {
      const u32 funct5 = row->match >> 27;
      if (std::find(seen.begin(), seen.end(), funct5) != seen.end())
        continue;  // words and doublewords alike
      seen.push_back(funct5);
      line("    case {}u: {{ r = {}; }}  // {}", funct5, row->semantics, row->name);
    }
    line("    default: {{}}\n  }}\n  return r;\n}}");
    line("\nfn isa_is_amo(ins: u32) -> bool {{");
    line("  return {};\n}}", any_of(select(Kind::AMO)));
    slow();
  }

  void upper() {
    line("\nfn isa_upper(opcode: u32, pc: xlen, b: xlen) -> xlen {{\n  var r = b;");
    for (const Row* row : select(Kind::ALU)) {
      if (row->format == Format::U) {
        line("  r = select(r, {}, opcode == {}u);  // {}", row->semantics, opcode(*row), row->name);
      }
    }
    line("  return r;\n}}");
  }

  // Which major opcodes have a second source register.
  void has_rs2() {
    u32 opcodes = 0;
    for (const Row& row : rows(xlen_)) {
      if (row.format == Format::R || row.format == Format::S || row.format == Format::B)
        opcodes |= 1u << opcode(row);
    }
    line("\nfn isa_has_rs2(opcode: u32) -> bool {{\n  return (({:#x}u >> opcode) & 1u) != 0u;\n}}",
         opcodes);
  }

  u32 funct3_mask(Kind kind) const {
    u32 mask = 0;
    for (const Row* row : select(kind)) mask |= 1u << funct3(*row);
    return mask;
  }

  // --- selection by funct3 ---
  //
  // Cheap operations are all computed and the wanted one selected: lanes that execute different
  // ones stay together, and a select costs less than a branch even for a lane alone. The selects
  // make a tree over funct3's bits: few of them, and only three conditions.

  using ByFunct3 = std::array<std::string, 8>;  // an expression each; empty where there is no row

  void funct3_bits() {
    for (u32 bit = 0; bit < 3; ++bit)
      line("  let funct3_{} = (funct3 & {}u) != 0u;", bit, 1u << bit);
  }

  // The expression that selects among choices[first .. first + 2^bits - 1].
  static std::string tree(const ByFunct3& choices, u32 bits = 3, u32 first = 0) {
    if (bits == 0) return choices[first];
    const u32 half = 1u << (bits - 1);
    std::string clear = tree(choices, bits - 1, first);
    std::string set = tree(choices, bits - 1, first + half);
    if (set.empty() || set == clear) return clear;
    if (clear.empty()) return set;
    return fmt::format("select({}, {}, funct3_{})", clear, set, bits - 1);
  }

  void by_funct3(std::string_view name, std::string_view parameters, std::string_view type,
                 Kind kind) {
    line("\nfn {}(funct3: u32, {}) -> {} {{", name, parameters, type);
    funct3_bits();
    ByFunct3 choices;
    for (const Row* row : select(kind)) {
      line("  let f{} = {};  // {}", funct3(*row), row->semantics, row->name);
      choices[funct3(*row)] = fmt::format("f{}", funct3(*row));
    }
    line("  isa_illegal = isa_illegal | ((({:#x}u >> funct3) & 1u) == 0u);\n  return {};\n}}",
         funct3_mask(kind), tree(choices));
  }

  // --- register and immediate operations ---
  //
  // The two forms of an operation share their code; `key` is funct3, and 8 more for an immediate.
  // Rows with funct7 = 1, the M extension, are too long to be computed for nothing. All others of a
  // key are one row, or two that bit 30 tells apart; the remaining bits of funct7 that a key's rows
  // look at must be 0 (`fixed`). So one test finds what is either of M or illegal.

  struct Operation {
    std::string_view semantics;
    std::string names;
  };
  struct Key {
    u32 fixed = 0xffffffffu;  // of a key without rows: no instruction word has all of these clear
    bool alternate = false;   // bit 30 chooses
  };

  static std::string masked(u32 members, std::string_view index) {
    return fmt::format("(({:#x}u >> {}) & 1u) != 0u", members, index);
  }

  void alu(std::string_view name, u32 immediate_opcode, u32 register_opcode) {
    constexpr u32 kFunct7OfM = 1;
    constexpr u32 kAlternateBit = 30;
    std::array<Key, 16> keys;
    std::array<std::array<Operation, 2>, 8> cheap;  // by funct3 and bit 30
    std::vector<const Row*> long_ones;
    for (const Row* row : select(Kind::ALU)) {
      const bool immediate = opcode(*row) == immediate_opcode;
      if (!immediate && opcode(*row) != register_opcode) continue;
      if (funct7(*row) == kFunct7OfM) {
        long_ones.push_back(row);
        continue;
      }
      const bool alternate = ((row->match >> kAlternateBit) & 1u) != 0;
      Key& key = keys[funct3(*row) + (immediate ? 8 : 0)];
      key.fixed &= row->mask & ~0x7fffu & ~row->match;
      key.alternate |= alternate;
      Operation& operation = cheap[funct3(*row)][alternate ? 1 : 0];
      operation.semantics = row->semantics;
      operation.names += fmt::format("{}{}", operation.names.empty() ? "" : ", ", row->name);
    }
    line("\nfn {}(ins: u32, immediate: bool, a: xlen, b: xlen) -> xlen {{", name);
    line("  let funct3 = (ins >> 12u) & 7u;\n  let key = funct3 | select(0u, 8u, immediate);");
    funct3_bits();
    u32 alternates = 0;
    std::map<u32, u32> fixed;  // what is fixed -> the keys it is fixed for
    for (u32 key = 0; key < keys.size(); ++key) {
      fixed[keys[key].fixed] |= 1u << key;
      if (keys[key].alternate) alternates |= 1u << key;
    }
    line("  let alternate = ((ins & {:#x}u) != 0u) & ({});", 1u << kAlternateBit,
         masked(alternates, "key"));
    ByFunct3 choices;
    for (u32 i = 0; i < cheap.size(); ++i) {
      const auto& [plain, other] = cheap[i];
      if (plain.semantics.empty()) continue;
      choices[i] = fmt::format("f{}", i);
      if (other.semantics.empty()) {
        line("  let f{} = {};  // {}", i, plain.semantics, plain.names);
      } else {
        line("  let f{} = select({}, {}, alternate);  // {}, {}", i, plain.semantics,
             other.semantics, plain.names, other.names);
      }
    }
    line("  var r = {};", choices == ByFunct3{} ? "a" : tree(choices));
    std::string checked;
    for (const auto& [bits, members] : fixed) {
      checked = checked.empty()
                    ? fmt::format("{:#x}u", bits)
                    : fmt::format("select({}, {:#x}u, {})", checked, bits, masked(members, "key"));
    }
    line("  if ((ins & {}) != 0u) {{", checked);
    if (long_ones.empty()) {
      line("    isa_illegal = true;");
    } else {
      line("    if (((ins >> 25u) == {}u) & !immediate) {{\n      switch (funct3) {{", kFunct7OfM);
      for (const Row* row : long_ones)
        line("        case {}u: {{ r = {}; }}  // {}", funct3(*row), row->semantics, row->name);
      line("        default: {{ isa_illegal = true; }}\n      }}\n    }} else {{");
      line("      isa_illegal = true;\n    }}");
    }
    line("  }}\n  return r;\n}}");
  }

  // Whether `ins` is one of the rows. No short circuits: they would only make basic blocks.
  static std::string any_of(const std::vector<const Row*>& members) {
    std::string condition;
    for (const Row* row : members) {
      condition += fmt::format("{}((ins & {:#x}u) == {:#x}u)", condition.empty() ? "" : " | ",
                               row->mask, row->match);
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

std::string wgsl_constants() { return Writer(Xlen::rv32).write_constants(); }

std::string wgsl_tables(Xlen xlen) { return Writer(xlen).write(); }

std::string wgsl_lower_state(Xlen xlen, std::string_view line) {
  static const std::vector<StateField> fields32 = state_fields(Xlen::rv32);
  static const std::vector<StateField> fields64 = state_fields(Xlen::rv64);
  const std::vector<StateField>& fields = xlen == Xlen::rv32 ? fields32 : fields64;
  std::string out;
  size_t at = 0;
  while (at < line.size()) {
    const std::string_view section = name_at(line, at);
    if (section.empty()) {
      out += line[at++];
      continue;
    }
    const size_t dot = at + section.size();
    const std::string_view name =
        dot < line.size() && line[dot] == '.' ? name_at(line, dot + 1) : std::string_view{};
    const auto field = std::find_if(fields.begin(), fields.end(), [&](const StateField& candidate) {
      return candidate.section == section && candidate.name == name;
    });
    at = dot;
    if (name.empty() || field == fields.end()) {
      out += section;
      continue;
    }
    at += 1 + name.size();
    out += fmt::format("{}[{}u", array_of_type(field->type), field->element);
    if (field->count == 1) {
      out += ']';
      continue;
    }
    // hart.x[INDEX]: INDEX, which may itself name fields, up to its own bracket.
    const size_t begin = at + 1;
    size_t end = begin;
    for (int depth = 1; end < line.size(); ++end) {
      if (line[end] == '[') ++depth;
      if (line[end] == ']' && --depth == 0) break;
    }
    out += fmt::format(" + ({})]", wgsl_lower_state(xlen, line.substr(begin, end - begin)));
    at = end + 1;
  }
  return out;
}

}  // namespace rookery::isa
