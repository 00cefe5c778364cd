// SPDX-License-Identifier: Apache-2.0
#include "machine/snapshot.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <xxhash.h>
#include <zstd.h>
#include <nlohmann/json.hpp>

#include "base/file.h"

namespace rookery {
namespace {

// As PNG's: the first byte is no text's, and a line end that somebody converted shows.
constexpr std::string_view kMagic("\x8bROOK\r\n\x1a", 8);
constexpr u64 kHeadBytes = 16;
constexpr u64 kSectionHeadBytes = 32;
constexpr u64 kCheckedHeadBytes = 24;  // of those: all but the hash itself
constexpr u64 kPagesPerPiece = 256;
constexpr u64 kMaxMachineBytes = 64 * kKiB;
constexpr int kLevel = 3;

enum Section : u32 { kMachine = 1, kState = 2, kIndex = 3, kContents = 4, kEnd = 5 };

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

// Pages by their numbers.
using Pages = std::map<u32, std::span<const u8>>;

bool is_zero(std::span<const u8> page) {
  return std::ranges::all_of(page, [](u8 byte) { return byte == 0; });
}

// --- Writing ---

template <class T>
void put(std::vector<u8>& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out.push_back(static_cast<u8>(value >> (8 * i)));
}

Result<void> put_section(std::vector<u8>& out, Section kind, std::span<const u8> payload) {
  const u64 at = out.size();
  put<u32>(out, kind);
  put<u32>(out, 0);
  const std::size_t bound = ZSTD_compressBound(payload.size());
  out.resize(at + kSectionHeadBytes + bound);
  const std::size_t stored = ZSTD_compress(out.data() + at + kSectionHeadBytes, bound,
                                           payload.data(), payload.size(), kLevel);
  if (ZSTD_isError(stored) != 0u)
    return fail(ErrorKind::out_of_memory, "No memory to compress a snapshot: {}.",
                ZSTD_getErrorName(stored));
  std::vector<u8> sizes;
  put<u64>(sizes, stored);
  put<u64>(sizes, payload.size());
  std::ranges::copy(sizes, out.begin() + static_cast<i64>(at + 8));
  out.resize(at + kSectionHeadBytes + stored);
  // The hash's own place is left out.
  std::vector<u8> checked(out.begin() + static_cast<i64>(at),
                          out.begin() + static_cast<i64>(at + kCheckedHeadBytes));
  checked.insert(checked.end(), out.begin() + static_cast<i64>(at + kSectionHeadBytes), out.end());
  std::vector<u8> check;
  put<u64>(check, XXH3_64bits_withSeed(checked.data(), checked.size(), at));
  std::ranges::copy(check, out.begin() + static_cast<i64>(at + kCheckedHeadBytes));
  return {};
}

std::string machine_text(const Snapshot& snapshot) {
  const BootImage& image = snapshot.image;
  nlohmann::json layout = {{"mode", kModes[static_cast<u32>(image.layout.mode)]}};
  for (const LayoutField& field : kLayoutFields) layout[field.name] = image.layout.*field.field;
  return nlohmann::json{{"xlen", static_cast<u32>(image.xlen)},
                        {"ram_bytes", image.ram_bytes},
                        {"layout", layout},
                        {"state_layout", fmt::format("{:016x}", state_layout_hash())},
                        {"has_run", snapshot.now.has_value()},
                        {"instructions", snapshot.instructions},
                        {"program", snapshot.program},
                        {"engine", snapshot.engine},
                        {"command_line", snapshot.command_line}}
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// The image's RAM as pages, those that are not zero. `store` keeps the bytes.
Pages pages_of(const BootImage& image, std::map<u32, std::array<u8, isa::PAGE_BYTES>>& store) {
  for (const BootPiece& piece : image.pieces) {
    for (u64 done = 0; done < piece.bytes.size();) {
      const u64 at = piece.pa - isa::RAM_BASE + done;
      const u64 within = at % isa::PAGE_BYTES;
      const u64 count = std::min<u64>(isa::PAGE_BYTES - within, piece.bytes.size() - done);
      auto& page = store.try_emplace(static_cast<u32>(at / isa::PAGE_BYTES)).first->second;
      std::memcpy(page.data() + within, piece.bytes.data() + done, count);
      done += count;
    }
  }
  Pages pages;
  for (const auto& [number, page] : store) {
    if (!is_zero(page)) pages.emplace(number, page);
  }
  return pages;
}

// Gives each content a number.
class Contents {
 public:
  u32 number_of(std::span<const u8> page) {
    auto& candidates = numbers_[XXH3_64bits(page.data(), page.size())];
    for (const u32 number : candidates) {
      if (std::ranges::equal(all_[number], page)) return number;
    }
    candidates.push_back(static_cast<u32>(all_.size()));
    all_.push_back(page);
    return candidates.back();
  }
  std::span<const std::span<const u8>> all() const { return all_; }

 private:
  std::vector<std::span<const u8>> all_;
  std::unordered_map<u64, std::vector<u32>> numbers_;
};

}  // namespace

Result<std::vector<u8>> encode_snapshot(const Snapshot& snapshot) {
  std::map<u32, std::array<u8, isa::PAGE_BYTES>> store;
  const Pages image = pages_of(snapshot.image, store);
  Pages now;
  if (snapshot.now) {
    for (const u32 number : snapshot.now->numbers) {
      const std::span<const u8> page = snapshot.now->page(number);
      if (!is_zero(page)) now.emplace(number, page);
    }
  }
  Contents contents;
  std::vector<u8> index;
  put<u32>(index, static_cast<u32>(image.size()));
  put<u32>(index, static_cast<u32>(now.size()));
  for (const Pages* pages : {&image, &std::as_const(now)}) {
    for (const auto& [number, page] : *pages) {
      put<u32>(index, number);
      put<u32>(index, contents.number_of(page));
    }
  }

  std::vector<u8> out(kMagic.begin(), kMagic.end());
  put<u32>(out, kSnapshotVersion);
  put<u32>(out, 0);
  const std::string machine = machine_text(snapshot);
  Result<void> ok =
      put_section(out, kMachine, {reinterpret_cast<const u8*>(machine.data()), machine.size()});
  if (ok && snapshot.now) {
    ok = std::visit(
        [&](const auto& state) {
          const std::span<const u32> words = state.words();
          return put_section(out, kState,
                             {reinterpret_cast<const u8*>(words.data()), words.size_bytes()});
        },
        snapshot.now->state);
  }
  if (ok) ok = put_section(out, kIndex, index);
  std::vector<u8> piece;
  for (u64 first = 0; ok && first < contents.all().size(); first += kPagesPerPiece) {
    piece.clear();
    const u64 count = std::min<u64>(kPagesPerPiece, contents.all().size() - first);
    for (const auto& page : contents.all().subspan(first, count))
      piece.insert(piece.end(), page.begin(), page.end());
    ok = put_section(out, kContents, piece);
  }
  if (ok) ok = put_section(out, kEnd, {});
  if (!ok) return std::unexpected(std::move(ok.error()));
  return out;
}

bool is_snapshot(std::span<const u8> bytes) {
  return bytes.size() >= kMagic.size() &&
         std::equal(kMagic.begin(), kMagic.end(), bytes.begin(),
                    [](char want, u8 have) { return static_cast<u8>(want) == have; });
}

// --- Reading ---

namespace {

template <class T>
T get(std::span<const u8> bytes, u64 at) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value |= static_cast<T>(T{bytes[at + i]} << (8 * i));
  return value;
}

// The sections of a snapshot, one after the other.
class SectionReader {
 public:
  SectionReader(std::span<const u8> bytes, const std::string& what) : bytes_(bytes), what_(what) {}

  // The next section, which has to be of this kind, unpacked: at most so many bytes.
  Result<std::vector<u8>> next(Section kind, u64 max_bytes) {
    begin_ = at_;
    if (bytes_.size() - at_ < kSectionHeadBytes)
      return damaged("it breaks off in front of a section of kind {}", static_cast<u32>(kind));
    const u32 found = get<u32>(bytes_, at_);
    const u64 stored = get<u64>(bytes_, at_ + 8);
    const u64 unpacked = get<u64>(bytes_, at_ + 16);
    const u64 check = get<u64>(bytes_, at_ + kCheckedHeadBytes);
    if (stored > bytes_.size() - at_ - kSectionHeadBytes)
      return damaged("a section of {} bytes begins there, and {} are left", stored,
                     bytes_.size() - at_ - kSectionHeadBytes);
    const std::span<const u8> payload = bytes_.subspan(at_ + kSectionHeadBytes, stored);
    const u64 present = hash_of(bytes_.subspan(at_, kCheckedHeadBytes), payload, at_);
    if (present != check)
      return damaged("the section there has checksum {:016x} and should have {:016x}", present,
                     check);
    if (found != kind)
      return damaged("a section of kind {} stands there instead of {}", found,
                     static_cast<u32>(kind));
    if (unpacked > max_bytes)
      return damaged("a section of {} bytes stands there, where {} are the limit", unpacked,
                     max_bytes);
    std::vector<u8> out(unpacked);
    const std::size_t made =
        ZSTD_decompress(out.data(), out.size(), payload.data(), payload.size());
    if (ZSTD_isError(made) != 0u || made != unpacked)
      return damaged("the section there does not unpack to its {} bytes", unpacked);
    at_ += kSectionHeadBytes + stored;
    return out;
  }
  bool at_end() const { return at_ == bytes_.size(); }

  // About the section that was read last.
  template <class... Args>
  std::unexpected<Error> damaged(fmt::format_string<Args...> format, Args&&... args) const {
    return fail(ErrorKind::image, "The {} is damaged at byte {}: {}.", what_, begin_,
                fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  static u64 hash_of(std::span<const u8> head, std::span<const u8> payload, u64 seed) {
    std::vector<u8> checked(head.begin(), head.end());
    checked.insert(checked.end(), payload.begin(), payload.end());
    return XXH3_64bits_withSeed(checked.data(), checked.size(), seed);
  }

  std::span<const u8> bytes_;
  const std::string& what_;
  u64 at_ = kHeadBytes;
  u64 begin_ = kHeadBytes;
};

// A number of the JSON, at most `max`.
std::optional<u64> number_in(const nlohmann::json& json, const char* name, u64 max) {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_number_unsigned()) return std::nullopt;
  const u64 value = found->get<u64>();
  return value <= max ? std::optional(value) : std::nullopt;
}

std::string text_in(const nlohmann::json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// Fills all of `snapshot` but its pages and state. Gives whether there is a state.
Result<bool> parse_machine(const SectionReader& reader, std::span<const u8> text,
                           Snapshot& snapshot) {
  // As char: a standard library need not know traits of other bytes.
  const auto* const begin = reinterpret_cast<const char*>(text.data());
  const nlohmann::json json =
      nlohmann::json::parse(begin, begin + text.size(), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return reader.damaged("its machine is no JSON object");
  const auto xlen = number_in(json, "xlen", 64);
  if (!xlen || (*xlen != 32 && *xlen != 64)) return reader.damaged("its xlen is neither 32 nor 64");
  snapshot.image.xlen = *xlen == 32 ? Xlen::rv32 : Xlen::rv64;
  const auto ram_bytes = number_in(json, "ram_bytes", kMaxRamBytes);
  if (!ram_bytes || *ram_bytes == 0 || *ram_bytes % isa::PAGE_BYTES != 0)
    return reader.damaged("its ram_bytes is no size that RAM can have");
  snapshot.image.ram_bytes = *ram_bytes;
  const auto layout = json.find("layout");
  if (layout == json.end() || !layout->is_object()) return reader.damaged("it has no layout");
  const auto mode = std::ranges::find(kModes, text_in(*layout, "mode"));
  if (mode == std::end(kModes)) return reader.damaged("its layout has no mode that there is");
  snapshot.image.layout.mode = static_cast<BootMode>(mode - std::begin(kModes));
  for (const LayoutField& field : kLayoutFields) {
    const auto value = number_in(*layout, field.name, ~u32{0});
    if (!value) return reader.damaged("its layout has no {}", field.name);
    snapshot.image.layout.*field.field = static_cast<u32>(*value);
  }
  const auto instructions = number_in(json, "instructions", u64{1} << 62);
  if (!instructions) return reader.damaged("it has no count of instructions");
  snapshot.instructions = *instructions;
  snapshot.program = text_in(json, "program");
  snapshot.engine = text_in(json, "engine");
  snapshot.command_line = text_in(json, "command_line");
  const std::string layout_hash = fmt::format("{:016x}", state_layout_hash());
  const auto has_run = json.find("has_run");
  if (has_run == json.end() || !has_run->is_boolean())
    return reader.damaged("it does not say whether it has run");
  if (has_run->get<bool>() && text_in(json, "state_layout") != layout_hash) {
    return reader.damaged(
        "the machine's state is that of another version of Rookery ({}), with other fields",
        snapshot.program);
  }
  return has_run->get<bool>();
}

// What an engine relies on.
Result<void> check_state(const SectionReader& reader, const MachineState& state,
                         const BootImage& image) {
  return std::visit(
      [&](const auto& s) -> Result<void> {
        if (s.machine.ram_bytes != image.ram_bytes)
          return reader.damaged("its state has RAM of {} bytes, the machine {}",
                                s.machine.ram_bytes, image.ram_bytes);
        const u32 run_state = s.machine.run_state;
        if (run_state != isa::EXIT_NONE && run_state != isa::EXIT_WFI)
          return reader.damaged("its machine stands at exit {}", run_state);
        if (s.hart.privilege > 3 || s.hart.privilege == 2)
          return reader.damaged("its hart has privilege level {}", s.hart.privilege);
        for (const u32 page : s.hart.tlb_page) {
          if (page % isa::PAGE_BYTES != 0)
            return reader.damaged("its TLB has a page at 0x{:08x}", page);
        }
        return {};
      },
      state);
}

struct IndexedPage {
  u32 number;
  u32 content;
};

// The pages that one list of the index names.
Result<std::vector<IndexedPage>> parse_pages(const SectionReader& reader, std::span<const u8> list,
                                             u64 ram_pages) {
  std::vector<IndexedPage> pages;
  for (u64 at = 0; at < list.size(); at += 8) {
    const IndexedPage page{get<u32>(list, at), get<u32>(list, at + 4)};
    if (page.number >= ram_pages || (!pages.empty() && page.number <= pages.back().number))
      return reader.damaged("page {} of {} is out of its place", page.number, ram_pages);
    pages.push_back(page);
  }
  return pages;
}

std::vector<BootPiece> pieces_of(std::span<const IndexedPage> pages, std::span<const u8> contents) {
  std::vector<BootPiece> pieces;
  u32 next = 0;
  for (const IndexedPage& page : pages) {
    if (pieces.empty() || page.number != next)
      pieces.push_back({isa::RAM_BASE + page.number * isa::PAGE_BYTES, {}});
    next = page.number + 1;
    const auto bytes = contents.subspan(u64{page.content} * isa::PAGE_BYTES, isa::PAGE_BYTES);
    pieces.back().bytes.insert(pieces.back().bytes.end(), bytes.begin(), bytes.end());
  }
  return pieces;
}

}  // namespace

Result<Snapshot> parse_snapshot(std::span<const u8> bytes, const std::string& what) {
  const auto pass_on = [](auto& failed) { return std::unexpected(std::move(failed.error())); };
  if (!is_snapshot(bytes) || bytes.size() < kHeadBytes)
    return fail(ErrorKind::image, "The {} is no snapshot of Rookery's.", what);
  if (const u32 version = get<u32>(bytes, kMagic.size()); version != kSnapshotVersion) {
    return fail(ErrorKind::image, "The {} has format version {}; this program reads version {}.",
                what, version, kSnapshotVersion);
  }
  SectionReader reader(bytes, what);
  if (get<u32>(bytes, kMagic.size() + 4) != 0)
    return reader.damaged("its head has something behind the version");
  Snapshot snapshot;
  auto machine = reader.next(kMachine, kMaxMachineBytes);
  if (!machine) return pass_on(machine);
  auto has_run = parse_machine(reader, *machine, snapshot);
  if (!has_run) return pass_on(has_run);
  const u64 ram_pages = snapshot.image.ram_bytes / isa::PAGE_BYTES;

  if (*has_run) {
    MachineState state = isa::make_state(snapshot.image.xlen);
    auto ok = std::visit(
        [&](auto& s) -> Result<void> {
          const std::span<u32> words = s.words();
          auto stored = reader.next(kState, words.size_bytes());
          if (!stored) return pass_on(stored);
          if (stored->size() != words.size_bytes())
            return reader.damaged("its state has {} bytes instead of {}", stored->size(),
                                  words.size_bytes());
          std::memcpy(words.data(), stored->data(), stored->size());
          return {};
        },
        state);
    if (!ok) return pass_on(ok);
    if (ok = check_state(reader, state, snapshot.image); !ok) return pass_on(ok);
    snapshot.now.emplace().state = state;
  }

  auto index = reader.next(kIndex, 8 + 2 * 8 * ram_pages);
  if (!index) return pass_on(index);
  if (index->size() < 8) return reader.damaged("its index has {} bytes", index->size());
  const u64 image_count = get<u32>(*index, 0);
  const u64 now_count = get<u32>(*index, 4);
  if (index->size() != 8 + 8 * (image_count + now_count) || (now_count != 0 && !*has_run))
    return reader.damaged("its index of {} bytes has {} and {} pages", index->size(), image_count,
                          now_count);
  const std::span<const u8> lists = std::span<const u8>(*index).subspan(8);
  auto image = parse_pages(reader, lists.first(8 * image_count), ram_pages);
  if (!image) return pass_on(image);
  auto now = parse_pages(reader, lists.subspan(8 * image_count), ram_pages);
  if (!now) return pass_on(now);
  // Contents are numbered in the order in which the index names them first.
  u64 content_count = 0;
  for (const std::vector<IndexedPage>* pages : {&*image, &*now}) {
    for (const IndexedPage& page : *pages) {
      if (page.content > content_count)
        return reader.damaged("page {} has content {}, and there are {} so far", page.number,
                              page.content, content_count);
      content_count = std::max<u64>(content_count, u64{page.content} + 1);
    }
  }

  std::vector<u8> contents;
  for (u64 first = 0; first < content_count; first += kPagesPerPiece) {
    const u64 expected = std::min(kPagesPerPiece, content_count - first) * isa::PAGE_BYTES;
    auto piece = reader.next(kContents, expected);
    if (!piece) return pass_on(piece);
    if (piece->size() != expected)
      return reader.damaged("a piece of {} bytes stands there instead of {}", piece->size(),
                            expected);
    contents.insert(contents.end(), piece->begin(), piece->end());
  }
  auto end = reader.next(kEnd, 0);
  if (!end) return pass_on(end);
  if (!reader.at_end()) return reader.damaged("something comes behind its end");

  snapshot.image.pieces = pieces_of(*image, contents);
  if (snapshot.now) {
    for (const IndexedPage& page : *now) {
      const auto from = contents.begin() + static_cast<i64>(u64{page.content} * isa::PAGE_BYTES);
      snapshot.now->numbers.push_back(page.number);
      snapshot.now->bytes.insert(snapshot.now->bytes.end(), from, from + isa::PAGE_BYTES);
    }
  }
  return snapshot;
}

}  // namespace rookery
