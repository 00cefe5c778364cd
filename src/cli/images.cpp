// SPDX-License-Identifier: Apache-2.0
#include "cli/images.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include <fmt/ranges.h>

#include "base/file.h"
#include "cli/commands.h"

namespace rookery::cli {
namespace {

constexpr const char* kDescriptionName = "/image.json";

std::string images_folder() { return data_folder() + "/images"; }

std::vector<std::string> image_names() {
  std::vector<std::string> names;
  std::error_code error;  // a folder that cannot be read has no images
  for (std::filesystem::directory_iterator at(images_folder(), error), end; !error && at != end;
       at.increment(error)) {
    if (file_exists(at->path().string() + kDescriptionName))
      names.push_back(at->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

Result<ImageDescription> find_image(const std::string& name) {
  if (name.find('/') != std::string::npos || name.ends_with(".json"))
    return read_image_description(name);
  const std::string folder = images_folder() + "/" + name;
  if (file_exists(folder + kDescriptionName))
    return read_image_description(folder + kDescriptionName);
  if (name == kDefaultImage) {
    return fail(ErrorKind::usage,
                "There is no default image in \"{}\": give --kernel FILE, or set ROOKERY_DATA_DIR "
                "to the folder that holds images/default.",
                folder);
  }
  const std::vector<std::string> names = image_names();
  if (names.empty()) {
    return fail(ErrorKind::usage, "There is no image \"{}\", and no other, in \"{}\".", name,
                images_folder());
  }
  return fail(ErrorKind::usage, "There is no image \"{}\" in \"{}\"; these are there: {}.", name,
              images_folder(), fmt::join(names, ", "));
}

}  // namespace rookery::cli
