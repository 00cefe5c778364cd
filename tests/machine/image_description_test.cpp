// SPDX-License-Identifier: Apache-2.0
// Descriptions of images, good and hostile ones.
#include "machine/image_description.h"

#include <cstdio>
#include <span>

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"

namespace rookery::test {
namespace {

using testing::HasSubstr;

Result<ImageDescription> read(const std::string& text) {
  // Tests run side by side.
  const std::string path =
      fmt::format("{}image_description_test.{}.json", testing::TempDir(), getpid());
  const std::span<const u8> bytes(reinterpret_cast<const u8*>(text.data()), text.size());
  if (auto written = write_file(path, "test", bytes); !written)
    return std::unexpected(std::move(written.error()));
  auto image = read_image_description(path);
  std::remove(path.c_str());
  return image;
}

TEST(ImageDescription, TellsWhatBoots) {
  const auto image = read(R"({"kernel": {"name": "Image.zst"}, "initramfs": {"name": "root.cpio"},
      "xlen": 64, "memory_bytes": 33554432, "command_line": "console=ttyS0", "more": [1]})");
  ASSERT_TRUE(image) << image.error().text();
  EXPECT_EQ(image->kernel_path, testing::TempDir() + "Image.zst");
  EXPECT_EQ(image->initrd_path, testing::TempDir() + "root.cpio");
  EXPECT_EQ(image->xlen, Xlen::rv64);
  EXPECT_EQ(image->ram_bytes, 33554432u);
  EXPECT_EQ(image->command_line, "console=ttyS0");
}

TEST(ImageDescription, NeedsOnlyAKernel) {
  const auto image = read(R"({"kernel": {"name": "Image"}})");
  ASSERT_TRUE(image) << image.error().text();
  EXPECT_EQ(image->initrd_path, "");
  EXPECT_EQ(image->command_line, "");
  EXPECT_EQ(image->ram_bytes, 0u);
  EXPECT_EQ(image->xlen, Xlen::rv32);
}

TEST(ImageDescription, RefusesInWords) {
  const std::string deep(100'000, '[');
  for (const auto& [text, words] : std::vector<std::pair<std::string, std::string>>{
           {"", "is not a JSON object"},
           {"[]", "is not a JSON object"},
           {"{\"kernel\": ", "is not a JSON object"},
           {deep, "is not a JSON object"},
           {"{}", "names no \"kernel\""},
           {R"({"kernel": "Image"})", "gives no name to its \"kernel\""},
           {R"({"kernel": {}})", "gives no name to its \"kernel\""},
           {R"({"kernel": {"name": ""}})", "gives no name to its \"kernel\""},
           {R"({"kernel": {"name": "../Image"}})", "must lie in the same folder"},
           {R"({"kernel": {"name": "I"}, "initramfs": 7})", "gives no name to its \"initramfs\""},
           {R"({"kernel": {"name": "I"}, "xlen": 128})", "neither 32 nor 64"},
           {R"({"kernel": {"name": "I"}, "command_line": 1})", "that is no text"},
           {R"({"kernel": {"name": "I"}, "memory_bytes": -1})", "no number above 0"},
           {R"({"kernel": {"name": "I"}, "memory_bytes": 0})", "no number above 0"}}) {
    const auto image = read(text);
    ASSERT_FALSE(image) << text;
    EXPECT_EQ(image.error().kind, ErrorKind::image);
    EXPECT_THAT(image.error().text(), HasSubstr(words));
  }
  const auto missing = read_image_description("/nonexistent/image.json");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::io);
}

}  // namespace
}  // namespace rookery::test
