// SPDX-License-Identifier: Apache-2.0
// A description's tree as a SweepSpec. The first thing that is wrong is what the reader is told.
#include <algorithm>
#include <array>

#include <re2/re2.h>

#include "base/file.h"
#include "sweep/axis_reader.h"
#include "sweep/fields.h"
#include "sweep/machine_names.h"
#include "sweep/names.h"
#include "sweep/patch_parts.h"
#include "sweep/spec.h"

namespace rookery::sweep {
namespace {

using Kind = Node::Kind;

constexpr u64 kMaxSpecBytes = u64{4} << 20;
constexpr std::size_t kMaxPatternBytes = 4096;
constexpr u64 kMaxRangeBytes = u64{1} << 40;

bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

class SpecReader {
 public:
  SpecReader(SweepSpec& spec, Problems& problems) : spec_(spec), problems_(problems) {}

  void read(const Node& root) {
    Fields top(root, "the description", problems_,
               {"sweep", "axes", "input", "patch", "end", "keep", "symbols", "fault"});
    if (const Node* node = top.need("sweep")) read_sweep(*node);
    if (const Node* node = top.get("axes")) spec_.axes = read_axes(*node, spec_.folder, problems_);
    if (problems_.first()) return;  // templates need the axes
    if (const Node* node = top.get("input")) read_input(*node);
    for_each_table(top, "patch",
                   [this](const Node& node, const std::string& where) { read_patch(node, where); });
    if (top.need("end") != nullptr)
      for_each_table(top, "end",
                     [this](const Node& node, const std::string& where) { read_end(node, where); });
    if (const Node* node = top.get("keep")) read_keep(*node);
    if (const Node* node = top.get("symbols")) read_symbols(*node);
    if (const Node* node = top.get("fault")) read_fault(*node);
    if (problems_.first()) return;
    check_ends(*top.get("end"));
    check_size(top);
  }

 private:
  template <class Read>
  void for_each_table(Fields& top, std::string_view key, Read read) {
    const Node* list = top.get(key);
    if (list == nullptr) return;
    if (list->kind != Kind::array || list->items.empty()) {
      problems_.add(
          list->line,
          fmt::format(
              "\"{}\" must be a list of tables, each written as [[{}]], but it is {}.", key, key,
              list->items.empty() && list->kind == Kind::array ? "empty" : list->kind_text()));
      return;
    }
    for (std::size_t i = 0; i < list->items.size(); ++i)
      read(list->items[i], fmt::format("[[{}]] {}", key, i + 1));
  }

  Template template_of(const Node& node, const std::string& text) {
    auto made = Template::parse(text, spec_.axes);
    if (made) return *std::move(made);
    problems_.add(node.line, made.error());
    return {};
  }
  Template text_template(const Node& node, Fields& fields) {
    if (node.kind != Kind::text) fields.refuse_type(node, "a text");
    return template_of(node, node.text);
  }

  void read_sweep(const Node& node) {
    Fields fields(node, "[sweep]", problems_, {"snapshot", "name", "seed", "combine", "machines"});
    if (const Node* snapshot = fields.need("snapshot")) spec_.snapshot = fields.path(*snapshot);
    spec_.name = fields.text("name", spec_.name);
    constexpr std::size_t kMaxNameBytes = 200;
    if (const Node* name = fields.get("name");
        name != nullptr && (spec_.name.empty() || spec_.name.size() > kMaxNameBytes))
      fields.refuse(*name, fmt::format("has {} characters: there must be from 1 to {}",
                                       spec_.name.size(), kMaxNameBytes));
    spec_.seed = fields.integer_in("seed", 0, 0, ~u64{0} >> 1);
    const std::string combine = fields.text("combine", "product");
    if (combine == "zip") {
      spec_.combine = Combine::zip;
    } else if (combine != "product") {
      fields.refuse_type(*fields.get("combine"), "\"product\" or \"zip\"");
    }
    constexpr u64 kMaxMachines = u64{1} << 24;
    if (fields.has("machines"))
      spec_.machines = static_cast<u32>(fields.integer_in("machines", 1, 1, kMaxMachines));
  }

  void read_input(const Node& node) {
    Fields fields(node, "[input]", problems_, {"type", "mailbox", "append"});
    if (const Node* typed = fields.get("type")) spec_.typed = text_template(*typed, fields);
    if (const Node* append = fields.get("append")) spec_.append = text_template(*append, fields);
    const Node* mailbox = fields.get("mailbox");
    if (mailbox == nullptr) return;
    Fields parts(*mailbox, "\"mailbox\" in [input]", problems_, {"file", "text"});
    if (mailbox->kind != Kind::table) return;
    const std::string_view key = parts.one_of({"file", "text"}, "content");
    if (key.empty()) return;
    spec_.mailbox = Mailbox{key == "file", text_template(*parts.get(key), parts)};
  }

  void read_patch(const Node& node, const std::string& where) {
    Fields fields(node, where, problems_,
                  {"at", "register", "csr", "field", "memory", "value", "flip", "set", "clear",
                   "hex", "file", "bytes"});
    if (node.kind != Kind::table) return;
    PatchSpec patch;
    patch.line = node.line;
    const Node* at = fields.get("at");
    patch.at =
        at == nullptr ? *Template::parse("0", {}) : template_of(*at, fields.number_or_text(*at));
    const std::string_view target = fields.one_of({"register", "csr", "field", "memory"}, "target");
    const std::string_view action =
        fields.one_of({"value", "flip", "set", "clear", "hex", "file"}, "content");
    if (problems_.first()) return;
    patch.kind = target == "register" ? PatchTarget::Kind::register_
                 : target == "csr"    ? PatchTarget::Kind::csr
                 : target == "field"  ? PatchTarget::Kind::field
                                      : PatchTarget::Kind::memory;
    patch.action = action == "value"   ? PatchAction::value
                   : action == "flip"  ? PatchAction::flip
                   : action == "set"   ? PatchAction::set
                   : action == "clear" ? PatchAction::clear
                                       : PatchAction::bytes;
    patch.is_file = action == "file";
    const bool is_memory = patch.kind == PatchTarget::Kind::memory;
    if (patch.action == PatchAction::bytes && !is_memory)
      fields.refuse(*fields.get(action), fmt::format("is for \"memory\", not for \"{}\"", target));
    read_width(fields, patch, is_memory);

    const Node& target_node = *fields.get(target);
    const Node& action_node = *fields.get(action);
    patch.target = template_of(
        target_node, is_memory ? fields.number_or_text(target_node) : fields.text(target));
    patch.operand = patch.action == PatchAction::bytes
                        ? text_template(action_node, fields)
                        : template_of(action_node, fields.number_or_text(action_node));
    if (problems_.first()) return;
    check_constants(fields, patch, target_node, action_node);
    spec_.patches.push_back(std::move(patch));
  }

  void read_width(Fields& fields, PatchSpec& patch, bool is_memory) {
    constexpr u32 kDefaultWidthBytes = 4;
    const Node* bytes = fields.get("bytes");
    if (is_memory && patch.action != PatchAction::bytes) {
      patch.width_bytes = static_cast<u32>(fields.integer_in("bytes", kDefaultWidthBytes, 1, 8));
      if (patch.width_bytes != 1 && patch.width_bytes != 2 && patch.width_bytes != 4 &&
          patch.width_bytes != 8)
        fields.refuse(*bytes, fmt::format("is {}: there are 1, 2, 4 and 8", patch.width_bytes));
    } else if (bytes != nullptr) {
      fields.refuse(*bytes, "is for \"memory\" with \"value\", \"flip\", \"set\" or \"clear\"");
    }
  }

  // What is the same in every case is checked once, now.
  void check_constants(Fields& fields, const PatchSpec& patch, const Node& target,
                       const Node& action) {
    const auto check = [this](u32 line, const auto& parsed) {
      if (!parsed) problems_.add(line, parsed.error());
    };
    if (patch.at.is_constant()) {
      const Node* at = fields.get("at");
      check(at == nullptr ? patch.line : at->line, parse_at(patch.at.render(0, {})));
    }
    if (patch.target.is_constant())
      check(target.line, parse_target(patch.kind, patch.target.render(0, {})));
    if (!patch.operand.is_constant() || patch.is_file) return;
    const std::string operand = patch.operand.render(0, {});
    if (patch.action == PatchAction::bytes) {
      check(action.line, parse_hex_bytes(operand));
    } else {
      check(action.line, parse_operand(patch.action, patch.width_bytes, operand));
    }
  }

  void check_pattern(const Node& node, Fields& fields) {
    if (node.kind != Kind::text) {
      fields.refuse_type(node, "a regular expression");
      return;
    }
    if (node.text.empty() || node.text.size() > kMaxPatternBytes) {
      fields.refuse(node, fmt::format("has {} bytes: there must be from 1 to {}", node.text.size(),
                                      kMaxPatternBytes));
      return;
    }
    const auto compiled = compile_pattern(node.text);
    if (!compiled)
      fields.refuse(node,
                    fmt::format("is \"{}\", which RE2 refuses: {}", node.text, compiled.error()));
  }

  void read_end(const Node& node, const std::string& where) {
    Fields fields(node, where, problems_,
                  {"text", "regex", "exit_status", "instructions", "idle", "verdict"});
    if (node.kind != Kind::table) return;
    const std::string_view key =
        fields.one_of({"text", "regex", "exit_status", "instructions", "idle"}, "condition");
    if (key.empty()) return;
    const Node& value = *fields.get(key);
    EndRule rule;
    if (key == "text") {
      rule.kind = EndRule::Kind::text;
      rule.text = fields.text(key);
      if (rule.text.empty()) fields.refuse(value, "is empty: any output would end the case");
    } else if (key == "regex") {
      rule.kind = EndRule::Kind::regex;
      check_pattern(value, fields);
      rule.text = value.text;
    } else if (key == "exit_status") {
      rule.kind = EndRule::Kind::exit_status;
      if (value.kind == Kind::integer) {
        rule.status = static_cast<u32>(fields.integer_in(key, 0, 0, ~u32{0}));
      } else if (value.kind != Kind::text || value.text != "any") {
        fields.refuse_type(value, "a status or \"any\"");
      }
    } else if (key == "instructions") {
      rule.kind = EndRule::Kind::instructions;
      rule.instructions = fields.count(value, 1);
    } else {
      rule.kind = EndRule::Kind::idle;
      rule.idle_us = fields.time_us(value);
      if (rule.idle_us > kMaxIdleUs) {
        fields.refuse(value, fmt::format("is longer than {} s, the longest wait that is noticed",
                                         kMaxIdleUs / 1'000'000));
      }
    }
    rule.verdict = fields.text(
        "verdict", rule.kind == EndRule::Kind::instructions ? "limit" : rule_name(rule.kind));
    if (!is_word(rule.verdict))
      fields.refuse_type(*fields.get("verdict"), "a word of a-z, 0-9, \"_\" and \"-\", 64 at most");
    spec_.ends.push_back(std::move(rule));
  }

  void check_ends(const Node& ends) {
    const auto idles = std::ranges::count(spec_.ends, EndRule::Kind::idle, &EndRule::kind);
    if (idles > 1) {
      problems_.add(
          ends.items.front().line,
          fmt::format("There may be one [[end]] with \"idle\", but there are {}.", idles));
    }
    const auto limits = std::ranges::count(spec_.ends, EndRule::Kind::instructions, &EndRule::kind);
    if (limits == 1) return;
    problems_.add(ends.items.front().line,
                  fmt::format("There must be one [[end]] with \"instructions\", so that every case "
                              "ends, but there are {}.",
                              limits));
  }

  MemoryRange read_range(Fields& fields) {
    MemoryRange range;
    if (const Node* at = fields.need("at")) {
      const auto address = AddressExpression::parse(fields.number_or_text(*at));
      if (address) {
        range.at = *address;
      } else {
        fields.refuse_type(*at, "an address (\"0x80400000\", \"symbol\", \"symbol+0x10\")");
      }
    }
    if (const Node* bytes = fields.need("bytes"))
      range.bytes = fields.bytes(*bytes, 1, kMaxRangeBytes);
    return range;
  }

  template <class Read>
  void for_each_range(Fields& fields, const std::string& where, Read read) {
    const Node* list = fields.get("memory");
    if (list == nullptr) return;
    if (list->kind != Kind::array) {
      fields.refuse_type(*list, "a list of tables with \"at\" and \"bytes\"");
      return;
    }
    for (std::size_t i = 0; i < list->items.size(); ++i)
      read(list->items[i], fmt::format("\"memory\" {} in {}", i + 1, where));
  }

  void read_keep(const Node& node) {
    Fields fields(node, "[keep]", problems_,
                  {"console", "hash", "dirty_pages", "divergence", "memory"});
    spec_.keep.console = fields.boolean("console", true);
    spec_.keep.hash = fields.boolean("hash", false);
    spec_.keep.dirty_pages = fields.boolean("dirty_pages", false);
    spec_.keep.divergence = fields.boolean("divergence", false);
    for_each_range(fields, "[keep]", [this](const Node& item, const std::string& where) {
      Fields parts(item, where, problems_, {"at", "bytes", "name"});
      KeptMemory kept;
      kept.range = read_range(parts);
      kept.name = parts.text("name", kept.range.at.text());
      if (kept.range.bytes > kMaxInputBytes)
        parts.refuse(*parts.get("bytes"),
                     fmt::format("is {}, which is more than the {} that can be kept",
                                 kept.range.bytes, size_text(kMaxInputBytes)));
      if (kept.name.empty()) parts.refuse(*parts.get("name"), "is empty");
      if (std::ranges::find(spec_.keep.memory, kept.name, &KeptMemory::name) !=
          spec_.keep.memory.end())
        problems_.add(
            item.line,
            fmt::format("Two ranges of \"memory\" in [keep] are called \"{}\".", kept.name));
      spec_.keep.memory.push_back(std::move(kept));
    });
  }

  void read_symbols(const Node& node) {
    Fields fields(node, "[symbols]", problems_, {"file"});
    if (const Node* file = fields.need("file")) spec_.symbols = fields.path(*file);
  }

  // The names of a list, each by `from`.
  template <class Name>
  std::vector<Name> read_names(Fields& fields, std::string_view key,
                               std::optional<Name> (*from)(std::string_view),
                               std::initializer_list<std::string_view> known) {
    std::vector<Name> names;
    for (const std::string& text : fields.texts(key)) {
      const auto name = from(text);
      if (!name) {
        problems_.add(fields.get(key)->line,
                      fmt::format("\"{}\" in {} cannot have \"{}\"{}", key, fields.where(), text,
                                  but_known(text, std::span(known.begin(), known.size()))));
      } else if (std::ranges::find(names, *name) != names.end()) {
        fields.refuse(*fields.get(key), fmt::format("has \"{}\" twice", text));
      } else {
        names.push_back(*name);
      }
    }
    return names;
  }

  void read_fault(const Node& node) {
    Fields fields(
        node, "[fault]", problems_,
        {"cases", "targets", "kinds", "between", "memory", "registers", "csrs", "detected"});
    FaultSpec fault;
    if (fields.need("cases") != nullptr) fault.cases = fields.integer_in("cases", 1, 1, kMaxCases);
    if (fields.need("targets") != nullptr)
      fault.targets =
          read_names(fields, "targets", &target_from, {"pc", "register", "csr", "memory", "tlb"});
    fault.kinds =
        read_names(fields, "kinds", &kind_from, {"flip", "set", "clear", "stuck0", "stuck1"});
    if (!fields.has("kinds")) fault.kinds = {FaultKind::flip};
    if (const Node* between = fields.get("between")) {
      if (between->kind != Kind::array || between->items.size() != 2) {
        fields.refuse_type(*between, "a list of two counts");
      } else {
        const u64 from = fields.count(between->items[0], 0);
        const u64 to = fields.count(between->items[1], 1);
        if (from >= to)
          fields.refuse(*between,
                        fmt::format("is from {} to {}, which is no instruction", from, to));
        fault.between = std::pair(from, to);
      }
    }
    for_each_range(fields, "[fault]", [&](const Node& item, const std::string& where) {
      Fields parts(item, where, problems_, {"at", "bytes"});
      fault.memory.push_back(read_range(parts));
    });
    read_restriction(fields, fault, "registers", "register", FaultTarget::register_,
                     fault.registers, [](const std::string& name) -> OrSentence<u32> {
                       const auto target = parse_target(PatchTarget::Kind::register_, name);
                       if (!target) return std::unexpected(target.error());
                       if (name == "pc")
                         return std::unexpected(std::string(
                             "\"registers\" has \"pc\", which is a target of its own."));
                       return register_number(name);
                     });
    read_restriction(fields, fault, "csrs", "csr", FaultTarget::csr, fault.csrs,
                     [](const std::string& name) -> OrSentence<u32> { return csr_number(name); });
    if (!fault.memory.empty()) check_target(fields, fault, "memory", "memory", FaultTarget::memory);
    if (const Node* detected = fields.get("detected")) {
      check_pattern(*detected, fields);
      fault.detected = detected->text;
    }
    spec_.fault = std::move(fault);
  }

  void check_target(Fields& fields, const FaultSpec& fault, std::string_view key,
                    std::string_view target_text, FaultTarget target) {
    if (std::ranges::find(fault.targets, target) == fault.targets.end())
      fields.refuse(*fields.get(key),
                    fmt::format("says which, but \"targets\" does not have \"{}\"", target_text));
  }

  template <class Parse>
  void read_restriction(Fields& fields, const FaultSpec& fault, std::string_view key,
                        std::string_view target_text, FaultTarget target,
                        std::vector<std::string>& names, Parse parse) {
    if (!fields.has(key)) return;
    names = fields.texts(key);
    std::vector<u32> numbers;
    for (const std::string& name : names) {
      const OrSentence<u32> number = parse(name);
      if (!number) {
        problems_.add(fields.get(key)->line, number.error());
      } else if (std::ranges::find(numbers, *number) != numbers.end()) {
        fields.refuse(*fields.get(key), fmt::format("has \"{}\" twice", name));
      } else {
        numbers.push_back(*number);
      }
    }
    check_target(fields, fault, key, target_text, target);
  }

  void check_size(Fields& top) {
    const std::vector<Axis>& axes = spec_.axes;
    const Node* node = top.get("axes");
    if (axes.empty() && !spec_.fault) {
      problems_.add(node == nullptr ? top.line() : node->line,
                    "There is nothing to sweep: [axes] names no axis, and there is no [fault].");
      return;
    }
    unsigned __int128 count = spec_.fault ? spec_.fault->cases : 1;
    if (spec_.combine == Combine::zip) {
      for (const Axis& axis : axes) {
        if (axis.size() != axes.front().size()) {
          problems_.add(
              node->find(axis.name)->line,
              fmt::format("\"combine\" is \"zip\", but the axis \"{}\" has {} values and the axis "
                          "\"{}\" has {}.",
                          axes.front().name, axes.front().size(), axis.name, axis.size()));
          return;
        }
      }
      if (!axes.empty()) count *= axes.front().size();
    } else {
      for (const Axis& axis : axes) {
        count *= axis.size();
        if (count > kMaxCases) break;
      }
    }
    if (count > kMaxCases)
      problems_.add(
          node == nullptr ? top.get("fault")->line : node->line,
          fmt::format("That makes more than the {} cases that a sweep may have.", kMaxCases));
  }

  SweepSpec& spec_;
  Problems& problems_;
};

}  // namespace

Result<SweepSpec> parse_spec(std::string_view text, const std::string& path) {
  const bool is_json = path.ends_with(".json");
  if (!is_json && !path.ends_with(".toml"))
    return fail(ErrorKind::usage, "The description \"{}\" must be called NAME.toml or NAME.json.",
                path);
  const auto root = is_json ? parse_json(text, path) : parse_toml(text, path);
  if (!root) return std::unexpected(root.error());

  SweepSpec spec;
  spec.path = path;
  spec.source = text;
  const std::size_t name_at = path.rfind('/') + 1;  // 0 if there is no slash
  spec.folder = path.substr(0, name_at);
  spec.name = path.substr(name_at, path.size() - name_at - std::string_view(".toml").size());
  if (spec.name.empty()) spec.name = "sweep";
  Problems problems(path);
  SpecReader(spec, problems).read(*root);
  if (problems.first()) return std::unexpected(*problems.first());
  return spec;
}

Result<SweepSpec> read_spec(const std::string& path) {
  const auto bytes = read_file(path, "description", kMaxSpecBytes);
  if (!bytes) return std::unexpected(bytes.error());
  return parse_spec({reinterpret_cast<const char*>(bytes->data()), bytes->size()}, path);
}

}  // namespace rookery::sweep
