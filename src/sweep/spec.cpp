// SPDX-License-Identifier: Apache-2.0
#include "sweep/spec.h"

#include <algorithm>

#include <re2/re2.h>
#include <xxhash.h>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "sweep/patch_parts.h"

namespace rookery::sweep {
namespace {

using nlohmann::json;

json json_of(const AxisValue& value) {
  return std::visit([](const auto& v) { return json(v); }, value);
}

json json_of(const Axis& axis) {
  if (const auto* range = std::get_if<AxisRange>(&axis.values))
    return {{"name", axis.name}, {"range", {range->first, range->step, range->count}}};
  if (const auto* random = std::get_if<AxisRandom>(&axis.values))
    return {{"name", axis.name}, {"random", {random->low, random->high, random->count}}};
  json values = json::array();
  for (const AxisValue& value : std::get<AxisList>(axis.values)) values.push_back(json_of(value));
  return {{"name", axis.name}, {"list", values}};
}

json json_of(const std::optional<Template>& text) { return text ? json(text->source()) : json(); }

json json_of(const PatchSpec& patch) {
  return {patch.at.source(),      static_cast<u32>(patch.kind),
          patch.target.source(),  static_cast<u32>(patch.action),
          patch.operand.source(), patch.is_file,
          patch.width_bytes};
}

json json_of(const EndRule& rule) {
  return {rule_name(rule.kind), rule.text,    rule.status ? json(*rule.status) : json(),
          rule.instructions,    rule.idle_us, rule.verdict};
}

json json_of(const MemoryRange& range) { return {range.at.text(), range.bytes}; }

json json_of(const FaultSpec& fault) {
  json memory = json::array();
  for (const MemoryRange& range : fault.memory) memory.push_back(json_of(range));
  json targets = json::array();
  for (const FaultTarget target : fault.targets) targets.push_back(target_name(target));
  json kinds = json::array();
  for (const FaultKind kind : fault.kinds) kinds.push_back(kind_name(kind));
  return {{"cases", fault.cases}, {"targets", targets},
          {"kinds", kinds},       {"between", fault.between ? json(*fault.between) : json()},
          {"memory", memory},     {"registers", fault.registers},
          {"csrs", fault.csrs},   {"detected", fault.detected}};
}

json json_of(const Keep& keep) {
  json memory = json::array();
  for (const KeptMemory& kept : keep.memory) memory.push_back({kept.name, json_of(kept.range)});
  return {{"console", keep.console},
          {"hash", keep.hash},
          {"dirty_pages", keep.dirty_pages},
          {"divergence", keep.divergence},
          {"memory", memory}};
}

}  // namespace

std::string_view rule_name(EndRule::Kind kind) {
  constexpr std::string_view kNames[] = {"text", "regex", "exit_status", "instructions", "idle"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string SweepSpec::in_folder(const std::string& written) const {
  return written.starts_with('/') ? written : folder + written;
}

u64 SweepSpec::combination_count() const {
  if (combine == Combine::zip) return axes.empty() ? 1 : axes.front().size();
  u64 count = 1;
  for (const Axis& axis : axes) count *= axis.size();
  return count;
}

u64 SweepSpec::case_count() const { return combination_count() * (fault ? fault->cases : 1); }

u64 SweepSpec::combination_of(u64 case_number) const {
  return case_number / (fault ? fault->cases : 1);
}

u64 SweepSpec::fault_of(u64 case_number) const { return fault ? case_number % fault->cases : 0; }

std::vector<NamedValue> SweepSpec::axis_values(u64 case_number) const {
  std::vector<NamedValue> values(axes.size());
  u64 rest = combination_of(case_number);
  for (std::size_t i = axes.size(); i-- > 0;) {
    const Axis& axis = axes[i];
    const u64 index = combine == Combine::zip ? rest : rest % axis.size();
    if (combine == Combine::product) rest /= axis.size();
    values[i] = {axis.name, axis.value(index, seed)};
  }
  return values;
}

Result<CaseInput> SweepSpec::case_input(u64 case_number) const {
  const std::vector<NamedValue> values = axis_values(case_number);
  const auto filled = [&](const Template& text) { return text.render(case_number, values); };
  const auto while_making = [case_number](Error error) {
    return std::unexpected(std::move(error).during(fmt::format("making case {}", case_number)));
  };
  const auto read = [&](const std::string& file, const char* what) -> Result<std::vector<u8>> {
    if (file.empty() || file.find('\0') != std::string::npos)
      return fail(ErrorKind::usage, "The {}'s path is \"{}\", which names no file.", what, file);
    return read_file(in_folder(file), what, kMaxInputBytes);
  };

  CaseInput input;
  if (typed) input.typed = filled(*typed);
  if (append) input.append = filled(*append);
  if (mailbox) {
    const std::string content = filled(mailbox->content);
    if (mailbox->is_file) {
      auto bytes = read(content, "mailbox's file");
      if (!bytes) return while_making(std::move(bytes.error()));
      input.mailbox = *std::move(bytes);
    } else {
      input.mailbox = std::vector<u8>(content.begin(), content.end());
    }
  }
  for (const PatchSpec& spec : patches) {
    const auto refused = [&](const std::string& sentence) {
      return while_making(
          Error{ErrorKind::usage, fmt::format("{}:{}: {}", path, spec.line, sentence), {}});
    };
    Patch patch;
    patch.action = spec.action;
    patch.width_bytes = spec.width_bytes;
    const auto at = parse_at(filled(spec.at));
    if (!at) return refused(at.error());
    patch.at = *at;
    auto target = parse_target(spec.kind, filled(spec.target));
    if (!target) return refused(target.error());
    patch.target = *std::move(target);
    const std::string operand = filled(spec.operand);
    if (spec.is_file) {
      auto bytes = read(operand, "patch's file");
      if (!bytes) return while_making(std::move(bytes.error()));
      patch.data = *std::move(bytes);
    } else if (spec.action == PatchAction::bytes) {
      auto bytes = parse_hex_bytes(operand);
      if (!bytes) return refused(bytes.error());
      patch.data = *std::move(bytes);
    } else {
      const auto value = parse_operand(spec.action, spec.width_bytes, operand);
      if (!value) return refused(value.error());
      patch.value = *value;
    }
    input.patches.push_back(std::move(patch));
  }
  return input;
}

std::string SweepSpec::identity() const {
  json all_axes = json::array();
  for (const Axis& axis : axes) all_axes.push_back(json_of(axis));
  json all_patches = json::array();
  for (const PatchSpec& patch : patches) all_patches.push_back(json_of(patch));
  json all_ends = json::array();
  for (const EndRule& rule : ends) all_ends.push_back(json_of(rule));
  const json all = {
      {"snapshot", snapshot},
      {"seed", seed},
      {"combine", static_cast<u32>(combine)},
      {"axes", all_axes},
      {"typed", json_of(typed)},
      {"mailbox", mailbox ? json({mailbox->is_file, mailbox->content.source()}) : json()},
      {"append", json_of(append)},
      {"patches", all_patches},
      {"ends", all_ends},
      {"keep", json_of(keep)},
      {"symbols", symbols},
      {"fault", fault ? json_of(*fault) : json()}};
  // CBOR, for paths may be any bytes and JSON's texts may not.
  const std::vector<u8> bytes = json::to_cbor(all);
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

std::expected<std::unique_ptr<re2::RE2>, std::string> compile_pattern(const std::string& pattern) {
  re2::RE2::Options options;
  options.set_encoding(re2::RE2::Options::EncodingLatin1);
  options.set_log_errors(false);
  auto compiled = std::make_unique<re2::RE2>(pattern, options);
  if (!compiled->ok()) return std::unexpected(compiled->error());
  return compiled;
}

}  // namespace rookery::sweep
