// SPDX-License-Identifier: Apache-2.0
#include "sweep/export.h"

#include "sweep/console_tail.h"
#include "sweep/escape.h"

namespace rookery::sweep {
namespace {

std::string json_value(const AxisValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return json_text(*text);
  return value_text(value);
}

std::string optional_number(const std::optional<u64>& number) {
  return number ? fmt::format("{}", *number) : "";
}

std::string hash_text(const std::optional<u64>& hash) {
  return hash ? fmt::format("{:016x}", *hash) : "";
}

std::string json_list(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& text : texts) out += (out.size() == 1 ? "" : ",") + json_text(text);
  return out + "]";
}

std::string json_line(const CaseResult& result) {
  std::string out = fmt::format("{{\"case\":{},\"axes\":{{", result.number);
  for (std::size_t i = 0; i < result.axes.size(); ++i)
    out += fmt::format("{}{}:{}", i == 0 ? "" : ",", json_text(result.axes[i].axis),
                       json_value(result.axes[i].value));
  out +=
      fmt::format("}},\"verdict\":{},\"end\":{}", json_text(result.verdict), json_text(result.end));
  if (result.rule) out += fmt::format(",\"rule\":{}", *result.rule);
  if (!result.groups.empty()) out += ",\"groups\":" + json_list(result.groups);
  if (result.status) out += fmt::format(",\"status\":{}", *result.status);
  out += fmt::format(",\"instructions\":{}", result.instructions);
  if (result.state_hash) out += fmt::format(",\"state_hash\":\"{}\"", hash_text(result.state_hash));
  if (result.dirty_pages) out += fmt::format(",\"dirty_pages\":{}", *result.dirty_pages);
  if (result.fault) {
    const InjectedFault& fault = *result.fault;
    out += fmt::format(
        ",\"fault\":{{\"target\":\"{}\",\"kind\":\"{}\",\"at\":{},\"bit\":{},\"place\":{},\"place_"
        "bit\":{}}}",
        target_name(fault.fault.target), kind_name(fault.fault.kind), fault.fault.at,
        fault.fault.bit, json_text(fault.place), fault.place_bit);
  }
  if (result.parting) {
    out += fmt::format(",\"parted\":{{\"at\":{},\"pc\":\"{:#010x}\"", result.parting->at,
                       result.parting->pc);
    if (!result.parting->symbol.empty()) out += ",\"symbol\":" + json_text(result.parting->symbol);
    out += "}";
  }
  if (!result.memory.empty()) {
    out += ",\"memory\":{";
    for (std::size_t i = 0; i < result.memory.size(); ++i) {
      const KeptBytes& kept = result.memory[i];
      out += fmt::format("{}{}:{{\"pa\":{},\"hex\":\"{}\"}}", i == 0 ? "" : ",",
                         json_text(kept.name), kept.pa, hex_text(kept.bytes));
    }
    out += "}";
  }
  if (result.console_cut != 0) out += fmt::format(",\"console_cut\":{}", result.console_cut);
  if (result.console) {
    out += ",\"console\":" + json_text(*result.console);
    if (!is_utf8(*result.console))
      out += fmt::format(",\"console_base64\":\"{}\"", base64(*result.console));
  }
  return out + "}\n";
}

std::string csv_line(const CaseResult& result) {
  std::string out = fmt::format("{}", result.number);
  const auto add = [&out](std::string_view field) { out += "," + csv_field(field); };
  for (const NamedValue& axis : result.axes) add(value_text(axis.value));
  add(result.verdict);
  add(result.end);
  add(optional_number(result.rule));
  add(result.groups.empty() ? "" : json_list(result.groups));
  add(optional_number(result.status));
  add(fmt::format("{}", result.instructions));
  add(hash_text(result.state_hash));
  add(optional_number(result.dirty_pages));
  if (result.fault) {
    add(target_name(result.fault->fault.target));
    add(kind_name(result.fault->fault.kind));
    add(fmt::format("{}", result.fault->fault.at));
    add(fmt::format("{}", result.fault->fault.bit));
    add(result.fault->place);
    add(fmt::format("{}", result.fault->place_bit));
  } else {
    out += ",,,,,,";
  }
  if (result.parting) {
    add(fmt::format("{}", result.parting->at));
    add(fmt::format("{:#010x}", result.parting->pc));
    add(result.parting->symbol);
  } else {
    out += ",,,";
  }
  add(result.console.value_or(""));
  return out + "\r\n";
}

std::string junit_case(const CaseResult& result, std::string_view sweep) {
  std::string name = fmt::format("case {}", result.number);
  for (const NamedValue& axis : result.axes)
    name += fmt::format(" {}={}", axis.axis, value_text(axis.value));
  if (result.fault)
    name += fmt::format(" {} {} bit {} at {}", kind_name(result.fault->fault.kind),
                        result.fault->place, result.fault->place_bit, result.fault->fault.at);
  std::string out =
      fmt::format("<testcase classname=\"{}\" name=\"{}\"", markup_text(sweep), markup_text(name));
  if (is_good(result.verdict)) return out + "/>\n";
  constexpr std::size_t kTailLines = 50;
  constexpr std::size_t kTailBytes = 8192;
  const std::string message = fmt::format("{} after {} instructions (end: {})", result.verdict,
                                          result.instructions, result.end);
  out += fmt::format(">\n<failure type=\"{}\" message=\"{}\">", markup_text(result.verdict),
                     markup_text(message));
  out += markup_text(console_tail(result.console.value_or(""), kTailLines, kTailBytes));
  return out + "</failure>\n</testcase>\n";
}

// Pieces of a useful size, whatever the size of lines.
class Writer {
 public:
  explicit Writer(const ByteSink& sink) : sink_(sink) {}

  Result<void> add(std::string_view text) {
    constexpr std::size_t kPieceBytes = std::size_t{1} << 18;
    piece_ += text;
    return piece_.size() < kPieceBytes ? Result<void>{} : flush();
  }
  Result<void> flush() {
    if (piece_.empty()) return {};
    auto taken = sink_(piece_);
    piece_.clear();
    return taken;
  }

 private:
  const ByteSink& sink_;
  std::string piece_;
};

template <class Line>
Result<void> export_lines(ResultsReader& results, const ByteSink& sink, std::string_view head,
                          Line line, std::string_view foot) {
  Writer writer(sink);
  if (auto added = writer.add(head); !added) return added;
  auto done =
      results.for_each({}, [&](const CaseResult& result) { return writer.add(line(result)); });
  if (!done) return done;
  if (auto added = writer.add(foot); !added) return added;
  return writer.flush();
}

}  // namespace

Result<void> export_jsonl(ResultsReader& results, const ByteSink& sink) {
  return export_lines(results, sink, "", json_line, "");
}

Result<void> export_csv(ResultsReader& results, const ByteSink& sink) {
  std::string head = "case";
  for (const std::string& axis : results.info().axes) head += "," + csv_field(axis);
  head +=
      ",verdict,end,rule,groups,status,instructions,state_hash,dirty_pages,fault_target,fault_kind,"
      "fault_at,fault_bit,fault_place,fault_place_bit,parted_at,parted_pc,parted_symbol,"
      "console\r\n";
  return export_lines(results, sink, head, csv_line, "");
}

Result<void> export_junit(ResultsReader& results, const ByteSink& sink) {
  const auto verdicts = results.verdicts();
  if (!verdicts) return std::unexpected(verdicts.error());
  u64 cases = 0;
  u64 failures = 0;
  for (const VerdictCount& count : *verdicts) {
    cases += count.cases;
    if (!is_good(count.verdict)) failures += count.cases;
  }
  const std::string counts =
      fmt::format("tests=\"{}\" failures=\"{}\" errors=\"0\"", cases, failures);
  const std::string& name = results.info().name;
  const std::string head = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {0}>\n<testsuite name=\"{1}\" "
      "{0}>\n",
      counts, markup_text(name));
  return export_lines(
      results, sink, head, [&name](const CaseResult& result) { return junit_case(result, name); },
      "</testsuite>\n</testsuites>\n");
}

}  // namespace rookery::sweep
