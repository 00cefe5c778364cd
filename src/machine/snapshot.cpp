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

#include "base/file.h"
#include "machine/snapshot_description.h"
#include "machine/snapshot_sections.h"

namespace rookery {
namespace {

using namespace snapshot_sections;

constexpr u64 kPagesPerPiece = 256;
constexpr u64 kMaxMachineBytes = 64 * kKiB;
constexpr u64 kMaxTypedBytes = 16 * kMiB;
constexpr u32 kZeroContent = ~u32{0};

// Pages that are not zero, by their numbers.
using Pages = std::map<u32, std::span<const u8>>;

bool is_zero(std::span<const u8> page) {
  return std::ranges::all_of(page, [](u8 byte) { return byte == 0; });
}

template <class T>
std::unexpected<Error> pass_on(Result<T>& failed) {
  return std::unexpected(std::move(failed.error()));
}

}  // namespace

std::string SnapshotId::text() const { return fmt::format("{:016x}{:016x}", high, low); }

SnapshotId snapshot_id(std::span<const u8> bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.high64, hash.low64};
}

bool is_snapshot(std::span<const u8> bytes) {
  return bytes.size() >= kMagic.size() &&
         std::equal(kMagic.begin(), kMagic.end(), bytes.begin(),
                    [](char want, u8 have) { return static_cast<u8>(want) == have; });
}

// --- Writing ---

namespace {

// The image's RAM as pages. `store` keeps the bytes.
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

Pages pages_of(const Checkpoint& machine) {
  Pages pages;
  for (const u32 number : machine.numbers) {
    const std::span<const u8> page = machine.page(number);
    if (!is_zero(page)) pages.emplace(number, page);
  }
  return pages;
}

// Both lists of a snapshot. Those of `snapshot` are pointed into.
struct PageLists {
  explicit PageLists(const Snapshot& snapshot) : image(pages_of(snapshot.image, store)) {
    if (snapshot.now) now = pages_of(*snapshot.now);
  }
  PageLists(const PageLists&) = delete;
  PageLists& operator=(const PageLists&) = delete;

  std::map<u32, std::array<u8, isa::PAGE_BYTES>> store;
  Pages image;
  Pages now;
};

// What makes `pages` of `base`: an empty page is zeros.
Pages difference(const Pages& pages, const Pages& base) {
  Pages different;
  for (const auto& [number, page] : pages) {
    const auto before = base.find(number);
    if (before == base.end() || !std::ranges::equal(before->second, page))
      different.emplace(number, page);
  }
  for (const auto& [number, page] : base) {
    if (!pages.contains(number)) different.emplace(number, std::span<const u8>());
  }
  return different;
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

Result<void> put_pages(std::vector<u8>& out, const Pages& image, const Pages& now) {
  Contents contents;
  std::vector<u8> index;
  put<u32>(index, static_cast<u32>(image.size()));
  put<u32>(index, static_cast<u32>(now.size()));
  for (const Pages* pages : {&image, &now}) {
    for (const auto& [number, page] : *pages) {
      put<u32>(index, number);
      put<u32>(index, page.empty() ? kZeroContent : contents.number_of(page));
    }
  }
  Result<void> ok = put_section(out, kIndex, index);
  std::vector<u8> piece;
  for (u64 first = 0; ok && first < contents.all().size(); first += kPagesPerPiece) {
    piece.clear();
    const u64 count = std::min<u64>(kPagesPerPiece, contents.all().size() - first);
    for (const auto& page : contents.all().subspan(first, count))
      piece.insert(piece.end(), page.begin(), page.end());
    ok = put_section(out, kContents, piece);
  }
  return ok;
}

std::span<const u8> bytes_of(std::string_view text) {
  return {reinterpret_cast<const u8*>(text.data()), text.size()};
}

std::string machine_name(const BootImage& image) {
  return fmt::format("RV{} with {} of RAM", static_cast<u32>(image.xlen),
                     size_text(image.ram_bytes));
}

bool is_same_machine(const BootImage& a, const BootImage& b) {
  return a.xlen == b.xlen && a.ram_bytes == b.ram_bytes;
}

Result<void> check_base(const Snapshot& snapshot, const Snapshot& base) {
  if (!is_same_machine(snapshot.image, base.image)) {
    return fail(ErrorKind::usage, "The parent is {}, but the machine is {}.",
                machine_name(base.image), machine_name(snapshot.image));
  }
  if (base.source.parents.size() >= kMaxSnapshotParents) {
    return fail(ErrorKind::usage,
                "The parent has {} snapshots above it already, and that is the limit: 'rookery "
                "pack --flatten' makes a whole one of it.",
                base.source.parents.size());
  }
  return {};
}

}  // namespace

Result<std::vector<u8>> encode_snapshot(const Snapshot& snapshot, const SnapshotBase* base) {
  std::optional<SnapshotParent> parent;
  if (base != nullptr) {
    if (auto ok = check_base(snapshot, base->snapshot); !ok) return pass_on(ok);
    parent = {base->snapshot.source.id, base->path};
  }
  if (snapshot.pending.typed.size() > kMaxTypedBytes) {
    return fail(ErrorKind::usage,
                "{} were typed that the guest has not read; a snapshot holds {} at most.",
                size_text(snapshot.pending.typed.size()), size_text(kMaxTypedBytes));
  }

  std::vector<u8> out = begin_file(kSnapshotVersion);
  Result<void> ok = put_section(out, kMachine,
                                bytes_of(describe_snapshot(snapshot, parent ? &*parent : nullptr)));
  if (ok && snapshot.now) {
    ok = std::visit(
        [&](const auto& state) {
          const std::span<const u32> words = state.words();
          return put_section(out, kState,
                             {reinterpret_cast<const u8*>(words.data()), words.size_bytes()});
        },
        snapshot.now->state);
    if (ok) ok = put_section(out, kTyped, bytes_of(snapshot.pending.typed));
  }
  if (!ok) return pass_on(ok);

  const PageLists pages(snapshot);
  if (base == nullptr) {
    ok = put_pages(out, pages.image, pages.now);
  } else {
    const PageLists before(base->snapshot);
    const Pages& now_before = base->snapshot.now ? before.now : before.image;
    ok = put_pages(out, difference(pages.image, before.image),
                   snapshot.now ? difference(pages.now, now_before) : Pages());
  }
  if (ok) ok = put_section(out, kEnd, {});
  if (!ok) return pass_on(ok);
  return out;
}

// --- Reading ---

namespace {

struct IndexedPage {
  u32 number;
  u32 content;
};

// One file of a chain: its pages, or what they differ in.
struct Layer {
  Snapshot snapshot;  // without its pages
  std::optional<SnapshotParent> parent;
  std::vector<IndexedPage> image;
  std::vector<IndexedPage> now;
  std::vector<u8> contents;

  // Empty: zeros.
  std::span<const u8> page(const IndexedPage& page) const {
    if (page.content == kZeroContent) return {};
    return std::span(contents).subspan(u64{page.content} * isa::PAGE_BYTES, isa::PAGE_BYTES);
  }
};

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

Result<MachineState> parse_state(SectionReader& reader, const BootImage& image) {
  MachineState state = isa::make_state(image.xlen);
  const std::span<u32> words = std::visit([](auto& s) { return std::span<u32>(s.words()); }, state);
  auto stored = reader.next(kState, words.size_bytes());
  if (!stored) return pass_on(stored);
  if (stored->size() != words.size_bytes())
    return reader.damaged("its state has {} bytes instead of {}", stored->size(),
                          words.size_bytes());
  std::memcpy(words.data(), stored->data(), stored->size());
  if (auto ok = check_state(reader, state, image); !ok) return pass_on(ok);
  return state;
}

// The pages that one list of the index names.
Result<std::vector<IndexedPage>> parse_list(const SectionReader& reader, std::span<const u8> list,
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

// Fills the pages of a layer whose snapshot is there.
Result<void> parse_pages(SectionReader& reader, Layer& layer) {
  const u64 ram_pages = layer.snapshot.image.ram_bytes / isa::PAGE_BYTES;
  const bool has_run = layer.snapshot.now.has_value();
  auto index = reader.next(kIndex, 8 + 2 * 8 * ram_pages);
  if (!index) return pass_on(index);
  if (index->size() < 8) return reader.damaged("its index has {} bytes", index->size());
  const u64 image_count = get<u32>(*index, 0);
  const u64 now_count = get<u32>(*index, 4);
  if (index->size() != 8 + 8 * (image_count + now_count) || (now_count != 0 && !has_run))
    return reader.damaged("its index of {} bytes has {} and {} pages", index->size(), image_count,
                          now_count);
  const std::span<const u8> lists = std::span<const u8>(*index).subspan(8);
  auto image = parse_list(reader, lists.first(8 * image_count), ram_pages);
  if (!image) return pass_on(image);
  layer.image = *std::move(image);
  auto now = parse_list(reader, lists.subspan(8 * image_count), ram_pages);
  if (!now) return pass_on(now);
  layer.now = *std::move(now);

  // Contents are numbered in the order in which the index names them first.
  u64 content_count = 0;
  for (const std::vector<IndexedPage>* pages : {&layer.image, &layer.now}) {
    for (const IndexedPage& page : *pages) {
      if (page.content == kZeroContent && layer.parent) continue;
      if (page.content > content_count)
        return reader.damaged("page {} has content {}, and there are {} so far", page.number,
                              page.content, content_count);
      content_count = std::max<u64>(content_count, u64{page.content} + 1);
    }
  }
  for (u64 first = 0; first < content_count; first += kPagesPerPiece) {
    const u64 expected = std::min(kPagesPerPiece, content_count - first) * isa::PAGE_BYTES;
    auto piece = reader.next(kContents, expected);
    if (!piece) return pass_on(piece);
    if (piece->size() != expected)
      return reader.damaged("a piece of {} bytes stands there instead of {}", piece->size(),
                            expected);
    layer.contents.insert(layer.contents.end(), piece->begin(), piece->end());
  }
  layer.snapshot.source.own_pages = content_count;
  return {};
}

Result<Layer> parse_layer(std::span<const u8> bytes, const std::string& what) {
  if (!is_snapshot(bytes) || bytes.size() < kHeadBytes)
    return fail(ErrorKind::image, "The {} is no snapshot of Rookery's.", what);
  const u32 version = get<u32>(bytes, kMagic.size());
  if (version < kOldestSnapshotVersion || version > kSnapshotVersion) {
    return fail(ErrorKind::image,
                "The {} has format version {}; this program reads versions {} to {}.", what,
                version, kOldestSnapshotVersion, kSnapshotVersion);
  }
  SectionReader reader(bytes, what);
  if (get<u32>(bytes, kMagic.size() + 4) != 0)
    return reader.damaged("its head has something behind the version");
  auto text = reader.next(kMachine, kMaxMachineBytes);
  if (!text) return pass_on(text);
  auto described = parse_snapshot_description(reader, *text, version);
  if (!described) return pass_on(described);
  Layer layer{std::move(described->snapshot), std::move(described->parent), {}, {}, {}};
  layer.snapshot.source.version = version;
  layer.snapshot.source.id = snapshot_id(bytes);
  if (described->has_run) {
    auto state = parse_state(reader, layer.snapshot.image);
    if (!state) return pass_on(state);
    layer.snapshot.now.emplace().state = *state;
    if (version >= 2) {
      auto typed = reader.next(kTyped, kMaxTypedBytes);
      if (!typed) return pass_on(typed);
      layer.snapshot.pending.typed.assign(typed->begin(), typed->end());
    }
  }
  if (auto ok = parse_pages(reader, layer); !ok) return pass_on(ok);
  auto end = reader.next(kEnd, 0);
  if (!end) return pass_on(end);
  if (!reader.at_end()) return reader.damaged("something comes behind its end");
  return layer;
}

// The layer that `child` differs from. `name` is the child's, and becomes the parent's.
Result<Layer> find_layer(const Layer& child, const FindParent& find_parent, std::string& name) {
  const SnapshotParent& wanted = *child.parent;
  if (!find_parent) {
    return fail(ErrorKind::image,
                "The {} holds only what differs from its parent, snapshot {}, and there is none.",
                name, wanted.id.text());
  }
  auto found = find_parent(wanted, name);
  if (!found) return pass_on(found);
  if (const SnapshotId id = snapshot_id(found->bytes); id != wanted.id) {
    return fail(ErrorKind::image, "The {} is not the parent of the {}: it is {}, wanted is {}.",
                found->what, name, id.text(), wanted.id.text());
  }
  auto layer = parse_layer(found->bytes, found->what);
  if (!layer)
    return std::unexpected(
        std::move(layer.error()).during(fmt::format("reading the parent of the {}", name)));
  if (!is_same_machine(layer->snapshot.image, child.snapshot.image)) {
    return fail(ErrorKind::image, "The {} is damaged: it is {}, but its parent is {}.", name,
                machine_name(child.snapshot.image), machine_name(layer->snapshot.image));
  }
  name = found->what;
  return layer;
}

void apply(const Layer& layer, const std::vector<IndexedPage>& list, Pages& pages) {
  for (const IndexedPage& page : list) {
    if (const std::span<const u8> bytes = layer.page(page); bytes.empty()) {
      pages.erase(page.number);
    } else {
      pages.insert_or_assign(page.number, bytes);
    }
  }
}

std::vector<BootPiece> pieces_of(const Pages& pages) {
  std::vector<BootPiece> pieces;
  u32 next = 0;
  for (const auto& [number, page] : pages) {
    if (pieces.empty() || number != next)
      pieces.push_back({isa::RAM_BASE + number * isa::PAGE_BYTES, {}});
    next = number + 1;
    pieces.back().bytes.insert(pieces.back().bytes.end(), page.begin(), page.end());
  }
  return pieces;
}

}  // namespace

Result<Snapshot> parse_snapshot(std::span<const u8> bytes, const std::string& what,
                                const FindParent& find_parent) {
  std::vector<Layer> layers;  // the asked one, its parent, ...
  auto asked = parse_layer(bytes, what);
  if (!asked) return pass_on(asked);
  layers.push_back(*std::move(asked));
  std::vector<SnapshotParent> parents;
  for (std::string name = what; layers.back().parent;) {
    if (parents.size() == kMaxSnapshotParents) {
      return fail(ErrorKind::image, "The {} has more than {} snapshots above it.", what,
                  kMaxSnapshotParents);
    }
    parents.push_back(*layers.back().parent);
    auto parent = find_layer(layers.back(), find_parent, name);
    if (!parent) return pass_on(parent);
    layers.push_back(*std::move(parent));
  }

  Pages image;
  Pages now;
  bool parent_has_run = false;
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
    if (!parent_has_run) now = image;
    apply(*layer, layer->image, image);
    apply(*layer, layer->now, now);
    parent_has_run = layer->snapshot.now.has_value();
  }
  Snapshot snapshot = std::move(layers.front().snapshot);
  snapshot.source.parents = std::move(parents);
  snapshot.image.pieces = pieces_of(image);
  if (snapshot.now) {
    snapshot.now->bytes.reserve(now.size() * isa::PAGE_BYTES);
    for (const auto& [number, page] : now) {
      snapshot.now->numbers.push_back(number);
      snapshot.now->bytes.insert(snapshot.now->bytes.end(), page.begin(), page.end());
    }
  }
  return snapshot;
}

}  // namespace rookery
