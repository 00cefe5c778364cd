// SPDX-License-Identifier: Apache-2.0
#include "machine/decompress.h"

#include <algorithm>
#include <memory>

#include <zstd.h>

#include "base/file.h"

namespace rookery {
namespace {

constexpr u8 kMagic[] = {0x28, 0xb5, 0x2f, 0xfd};  // RFC 8878, 3.1.1
constexpr int kMaxWindowLog = 27;                  // 128 MiB: what zstd itself takes without --long

struct FreeStream {
  void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
};

}  // namespace

Result<std::vector<u8>> decompress_if_zstd(std::vector<u8> bytes, const std::string& what,
                                           u64 max_bytes) {
  if (bytes.size() < sizeof(kMagic) ||
      !std::equal(kMagic, kMagic + sizeof(kMagic), bytes.begin())) {
    return bytes;
  }
  const std::unique_ptr<ZSTD_DStream, FreeStream> stream(ZSTD_createDStream());
  if (!stream) return fail(ErrorKind::out_of_memory, "No memory to decompress the {}.", what);
  ZSTD_DCtx_setParameter(stream.get(), ZSTD_d_windowLogMax, kMaxWindowLog);

  // The size a frame states is not trusted: the output grows as it comes, up to the limit.
  std::vector<u8> out;
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  std::size_t hint = 1;  // 0 once a frame is complete
  const std::size_t piece_bytes = ZSTD_DStreamOutSize();
  for (;;) {
    const std::size_t old_size = out.size();
    out.resize(old_size + piece_bytes);
    ZSTD_outBuffer piece{out.data() + old_size, piece_bytes, 0};
    hint = ZSTD_decompressStream(stream.get(), &piece, &in);
    out.resize(old_size + piece.pos);
    if (ZSTD_isError(hint) != 0u) {
      return fail(ErrorKind::image, "The {} is not valid zstd data: {} (after {} of {} bytes).",
                  what, ZSTD_getErrorName(hint), in.pos, in.size);
    }
    if (out.size() > max_bytes) {
      return fail(ErrorKind::image, "The {} decompresses to more than the limit of {}.", what,
                  size_text(max_bytes));
    }
    const bool all_consumed = in.pos == in.size;
    if (hint == 0 && all_consumed) return out;
    if (all_consumed && piece.pos < piece_bytes) {
      return fail(ErrorKind::image,
                  "The {} is truncated: its zstd data ends in the middle of a frame ({} bytes).",
                  what, in.size);
    }
  }
}

}  // namespace rookery
