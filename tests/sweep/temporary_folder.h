// SPDX-License-Identifier: Apache-2.0
// A folder of a test's own, which goes when the test ends.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "base/file.h"

namespace rookery::test {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = testing::TempDir() + "rookery-sweep-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
    path_ += '/';
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  // With a slash at its end.
  const std::string& path() const { return path_; }
  std::string path(std::string_view name) const { return path_ + std::string(name); }

  void write(std::string_view name, std::string_view text) const {
    const std::filesystem::path file = path(name);
    std::filesystem::create_directories(file.parent_path());
    const auto written =
        write_file(file, "test", {reinterpret_cast<const u8*>(text.data()), text.size()});
    ASSERT_TRUE(written) << written.error().text();
  }

 private:
  std::string path_;
};

}  // namespace rookery::test
