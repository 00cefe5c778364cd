// SPDX-License-Identifier: Apache-2.0
#include "machine/snapshot_description.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include <xxhash.h>
#include <nlohmann/json.hpp>

namespace rookery {
namespace {

using nlohmann::json;
using snapshot_sections::SectionReader;

constexpr u64 kMaxPathBytes = 4 * kKiB;

// What a state's words mean: changes with isa/state.def.
u64 state_layout_hash() {
  std::string layout;
#define SECTION(instance, Type) layout += "[" #instance "]";
#define FIELD(type, name, count) layout += fmt::format(#type " " #name " {};", u64{count});
#define SECTION_END(instance, Type)
  using namespace isa;
#include "isa/state.def"
  return XXH3_64bits(layout.data(), layout.size());
}

struct LayoutField {
  const char* name;
  u32 BootLayout::*field;
};
constexpr LayoutField kLayoutFields[] = {
    {"entry_pa", &BootLayout::entry_pa},
    {"kernel_pa", &BootLayout::kernel_pa},
    {"kernel_bytes", &BootLayout::kernel_bytes},
    {"firmware_pa", &BootLayout::firmware_pa},
    {"firmware_bytes", &BootLayout::firmware_bytes},
    {"initrd_pa", &BootLayout::initrd_pa},
    {"initrd_bytes", &BootLayout::initrd_bytes},
    {"dtb_pa", &BootLayout::dtb_pa},
    {"dtb_bytes", &BootLayout::dtb_bytes},
    {"dynamic_info_pa", &BootLayout::dynamic_info_pa},
    {"tohost_pa", &BootLayout::tohost_pa},
    {"fromhost_pa", &BootLayout::fromhost_pa},
};
constexpr const char* kModes[] = {"sbi", "firmware", "m_mode", "bare"};

// A number of the JSON, at most `max`.
std::optional<u64> number_in(const json& object, const char* name, u64 max) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number_unsigned()) return std::nullopt;
  const u64 value = found->get<u64>();
  return value <= max ? std::optional(value) : std::nullopt;
}

std::string text_in(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<bool> truth_in(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_boolean()) return std::nullopt;
  return found->get<bool>();
}

std::optional<SnapshotId> parse_id(const std::string& text) {
  constexpr std::size_t kDigits = 16;
  if (text.size() != 2 * kDigits) return std::nullopt;
  SnapshotId id;
  const char* at = text.data();
  for (u64* half : {&id.high, &id.low}) {
    const auto [rest, error] = std::from_chars(at, at + kDigits, *half, 16);
    if (error != std::errc{} || rest != at + kDigits) return std::nullopt;
    at += kDigits;
  }
  return id.text() == text ? std::optional(id) : std::nullopt;
}

Result<SnapshotParent> parse_parent(const SectionReader& reader, const json& object) {
  const auto id = object.is_object() ? parse_id(text_in(object, "id")) : std::nullopt;
  if (!id) return reader.damaged("its parent has no identity");
  std::string path = text_in(object, "path");
  const bool is_plain = path.size() <= kMaxPathBytes && std::ranges::none_of(path, [](char byte) {
                          return static_cast<u8>(byte) < 0x20 || byte == 0x7f;
                        });
  if (!is_plain) return reader.damaged("its parent's path is none");
  return SnapshotParent{*id, std::move(path)};
}

}  // namespace

std::string describe_snapshot(const Snapshot& snapshot, const SnapshotParent* parent) {
  const BootImage& image = snapshot.image;
  json layout = {{"mode", kModes[static_cast<u32>(image.layout.mode)]}};
  for (const LayoutField& field : kLayoutFields) layout[field.name] = image.layout.*field.field;
  json description = {{"xlen", static_cast<u32>(image.xlen)},
                      {"ram_bytes", image.ram_bytes},
                      {"layout", layout},
                      {"state_layout", fmt::format("{:016x}", state_layout_hash())},
                      {"has_run", snapshot.now.has_value()},
                      {"instructions", snapshot.instructions},
                      {"line_is_open", snapshot.pending.line_is_open},
                      {"program", snapshot.program},
                      {"engine", snapshot.engine},
                      {"command_line", snapshot.command_line}};
  if (parent != nullptr)
    description["parent"] = {{"id", parent->id.text()}, {"path", parent->path}};
  return description.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<SnapshotDescription> parse_snapshot_description(const SectionReader& reader,
                                                       std::span<const u8> text, u32 version) {
  SnapshotDescription description;
  Snapshot& snapshot = description.snapshot;
  // As char: a standard library need not know traits of other bytes.
  const auto* const begin = reinterpret_cast<const char*>(text.data());
  const json object = json::parse(begin, begin + text.size(), nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return reader.damaged("its machine is no JSON object");
  const auto xlen = number_in(object, "xlen", 64);
  if (!xlen || (*xlen != 32 && *xlen != 64)) return reader.damaged("its xlen is neither 32 nor 64");
  snapshot.image.xlen = *xlen == 32 ? Xlen::rv32 : Xlen::rv64;
  const auto ram_bytes = number_in(object, "ram_bytes", kMaxRamBytes);
  if (!ram_bytes || *ram_bytes == 0 || *ram_bytes % isa::PAGE_BYTES != 0)
    return reader.damaged("its ram_bytes is no size that RAM can have");
  snapshot.image.ram_bytes = *ram_bytes;
  const auto layout = object.find("layout");
  if (layout == object.end() || !layout->is_object()) return reader.damaged("it has no layout");
  const auto mode = std::ranges::find(kModes, text_in(*layout, "mode"));
  if (mode == std::end(kModes)) return reader.damaged("its layout has no mode that there is");
  snapshot.image.layout.mode = static_cast<BootMode>(mode - std::begin(kModes));
  for (const LayoutField& field : kLayoutFields) {
    const auto value = number_in(*layout, field.name, ~u32{0});
    if (!value) return reader.damaged("its layout has no {}", field.name);
    snapshot.image.layout.*field.field = static_cast<u32>(*value);
  }
  const auto instructions = number_in(object, "instructions", u64{1} << 62);
  if (!instructions) return reader.damaged("it has no count of instructions");
  snapshot.instructions = *instructions;
  snapshot.program = text_in(object, "program");
  snapshot.engine = text_in(object, "engine");
  snapshot.command_line = text_in(object, "command_line");
  const auto has_run = truth_in(object, "has_run");
  if (!has_run) return reader.damaged("it does not say whether it has run");
  description.has_run = *has_run;
  if (*has_run && text_in(object, "state_layout") != fmt::format("{:016x}", state_layout_hash())) {
    return reader.damaged(
        "the machine's state is that of another version of Rookery ({}), with other fields",
        snapshot.program);
  }
  if (version == 1) return description;
  const auto line_is_open = truth_in(object, "line_is_open");
  if (!line_is_open) return reader.damaged("it does not say whether a line is open");
  snapshot.pending.line_is_open = *line_is_open;
  if (const auto parent = object.find("parent"); parent != object.end()) {
    auto parsed = parse_parent(reader, *parent);
    if (!parsed) return std::unexpected(std::move(parsed.error()));
    description.parent = *std::move(parsed);
  }
  return description;
}

}  // namespace rookery
