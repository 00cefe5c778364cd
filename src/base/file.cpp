// SPDX-License-Identifier: Apache-2.0
// Files through the C library, which wasi-libc has too.
#include "base/file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace rookery {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

}  // namespace

Result<std::vector<u8>> read_file(const std::string& path, const std::string& what, u64 max_bytes) {
  File file(std::fopen(path.c_str(), "rb"));
  if (!file) {
    return fail(ErrorKind::io, "Cannot open the {} \"{}\": {}.", what, path, std::strerror(errno));
  }
  // Read in pieces: the size of a pipe is not known, and a file's stated size is not to be trusted.
  std::vector<u8> bytes;
  constexpr std::size_t kPieceBytes = 1u << 18;
  for (;;) {
    const std::size_t old_size = bytes.size();
    bytes.resize(old_size + kPieceBytes);
    const std::size_t got = std::fread(bytes.data() + old_size, 1, kPieceBytes, file.get());
    bytes.resize(old_size + got);
    if (bytes.size() > max_bytes) {
      return fail(ErrorKind::image, "The {} \"{}\" is larger than the limit of {}.", what, path,
                  size_text(max_bytes));
    }
    if (got < kPieceBytes) break;
  }
  if (std::ferror(file.get()) != 0) {
    return fail(ErrorKind::io, "Cannot read the {} \"{}\": {}.", what, path, std::strerror(errno));
  }
  return bytes;
}

Result<void> write_file(const std::string& path, const std::string& what,
                        std::span<const u8> bytes) {
  File file(std::fopen(path.c_str(), "wb"));
  if (!file) {
    return fail(ErrorKind::io, "Cannot create the {} \"{}\": {}.", what, path,
                std::strerror(errno));
  }
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), file.get()) == bytes.size();
  if (std::fclose(file.release()) != 0 || !written) {
    return fail(ErrorKind::io, "Cannot write the {} \"{}\": {}.", what, path, std::strerror(errno));
  }
  return {};
}

bool file_exists(const std::string& path) {
  return File(std::fopen(path.c_str(), "rb")) != nullptr;
}

std::string size_text(u64 bytes) {
  constexpr u64 kKiB = 1024;
  if (bytes < kKiB) return fmt::format("{} byte{}", bytes, bytes == 1 ? "" : "s");
  const char* const units[] = {"KiB", "MiB", "GiB", "TiB"};
  u64 unit_bytes = kKiB;
  std::size_t unit = 0;
  while (unit < 3 && bytes / unit_bytes >= kKiB) {
    unit_bytes *= kKiB;
    unit += 1;
  }
  if (bytes % unit_bytes == 0) return fmt::format("{} {}", bytes / unit_bytes, units[unit]);
  return fmt::format("{:.1f} {}", static_cast<double>(bytes) / static_cast<double>(unit_bytes),
                     units[unit]);
}

}  // namespace rookery
