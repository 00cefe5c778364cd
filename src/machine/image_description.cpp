// SPDX-License-Identifier: Apache-2.0
#include "machine/image_description.h"

#include <string_view>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "machine/config.h"

namespace rookery {
namespace {

using nlohmann::json;

constexpr u64 kMaxDescriptionBytes = 1 * kMiB;
constexpr const char* kWhat = "image description";

// The path of the file that `key` describes, in the folder of `path`. Empty: it is not described.
Result<std::string> file_path(const json& image, const char* key, const std::string& path) {
  const auto file = image.find(key);
  if (file == image.end()) return std::string();
  const auto name = file->is_object() ? file->find("name") : file->end();
  if (!file->is_object() || name == file->end() || !name->is_string() ||
      name->get_ref<const std::string&>().empty()) {
    return fail(ErrorKind::image, "The {} \"{}\" gives no name to its \"{}\".", kWhat, path, key);
  }
  const std::string& text = name->get_ref<const std::string&>();
  if (text.find('/') != std::string::npos) {
    return fail(
        ErrorKind::image,
        "The {} \"{}\" names the file \"{}\" as its \"{}\": it must lie in the same folder.", kWhat,
        path, text, key);
  }
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? text : path.substr(0, slash + 1) + text;
}

}  // namespace

Result<ImageDescription> read_image_description(const std::string& path) {
  const auto bytes = read_file(path, kWhat, kMaxDescriptionBytes);
  if (!bytes) return std::unexpected(bytes.error());
  const std::string_view text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  const json image = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!image.is_object())
    return fail(ErrorKind::image, "The {} \"{}\" is not a JSON object.", kWhat, path);

  ImageDescription description;
  auto kernel_path = file_path(image, "kernel", path);
  if (!kernel_path) return std::unexpected(std::move(kernel_path.error()));
  if (kernel_path->empty())
    return fail(ErrorKind::image, "The {} \"{}\" names no \"kernel\".", kWhat, path);
  description.kernel_path = *std::move(kernel_path);
  auto initrd_path = file_path(image, "initramfs", path);
  if (!initrd_path) return std::unexpected(std::move(initrd_path.error()));
  description.initrd_path = *std::move(initrd_path);

  if (const auto xlen = image.find("xlen"); xlen != image.end()) {
    if (*xlen != 32 && *xlen != 64) {
      return fail(ErrorKind::image, "The {} \"{}\" states an \"xlen\" that is neither 32 nor 64.",
                  kWhat, path);
    }
    description.xlen = *xlen == 32 ? Xlen::rv32 : Xlen::rv64;
  }
  if (const auto line = image.find("command_line"); line != image.end()) {
    if (!line->is_string()) {
      return fail(ErrorKind::image, "The {} \"{}\" has a \"command_line\" that is no text.", kWhat,
                  path);
    }
    description.command_line = line->get<std::string>();
  }
  if (const auto memory = image.find("memory_bytes"); memory != image.end()) {
    if (!memory->is_number_unsigned() || *memory == 0) {
      return fail(ErrorKind::image,
                  "The {} \"{}\" states \"memory_bytes\" that are no number above 0.", kWhat, path);
    }
    description.ram_bytes = memory->get<u64>();
  }
  return description;
}

}  // namespace rookery
