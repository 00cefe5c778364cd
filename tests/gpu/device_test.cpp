// SPDX-License-Identifier: Apache-2.0
// The WebGPU wrappers on a real device: the software adapter, or the one that $ROOKERY_TEST_ADAPTER
// selects. Without one, every test is skipped and says so.
#include "gpu/dawn/device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <numeric>

namespace rookery::gpu {
namespace {

using testing::HasSubstr;

std::string tested_adapter() {
  const char* chosen = std::getenv("ROOKERY_TEST_ADAPTER");
  return chosen != nullptr ? chosen : "software";
}

AssembledShader shader_of(std::string text) {
  ShaderSource source;
  source.modules["lib/twice.wgsl"] = "fn twice(x: u32) -> u32 {\n  return x * 2u;\n}\n";
  source.modules["main.wgsl"] = std::move(text);
  auto shader = assemble("main.wgsl", source);
  EXPECT_TRUE(shader.has_value()) << shader.error().text();
  return std::move(*shader);
}

// output[i] = 2 * input[i] + parameters.offset
AssembledShader doubling_shader() {
  return shader_of(R"(#import "lib/twice.wgsl"
@group(0) @binding(0) var<storage, read_write> output: array<u32>;
@group(0) @binding(1) var<storage, read> input: array<u32>;
@group(0) @binding(2) var<uniform> offset: vec4<u32>;
override workgroup: u32 = 32u;
@compute @workgroup_size(workgroup)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  output[id.x] = twice(input[id.x]) + offset.x;
}
)");
}

const std::vector<BindingSlot> kDoublingBindings = {{0, BindingType::storage, 4},
                                                    {1, BindingType::read_only_storage, 4},
                                                    {2, BindingType::uniform, 16}};

template <class T>
T checked(Result<T> result) {
  if (!result) {
    ADD_FAILURE() << result.error().text();
    std::abort();
  }
  return std::move(*result);
}

std::vector<u32> words_of(std::span<const u8> bytes) {
  std::vector<u32> words(bytes.size() / sizeof(u32));
  std::memcpy(words.data(), bytes.data(), words.size() * sizeof(u32));
  return words;
}

class DeviceTest : public testing::Test {
 protected:
  void SetUp() override {
    DeviceOptions options;
    options.selector = tested_adapter();
    options.use_cache = false;
    auto opened = open_device(options);
    if (!opened)
      GTEST_SKIP() << "No \"" << options.selector << "\" adapter: " << opened.error().text();
    device_.emplace(std::move(*opened));
  }

  GpuDevice& device() { return *device_; }

 private:
  std::optional<GpuDevice> device_;
};

TEST_F(DeviceTest, RunsAShaderAndReadsSeveralBuffersWithOneWait) {
  constexpr u32 kCount = 256;
  std::vector<u32> input(kCount);
  std::iota(input.begin(), input.end(), 100u);
  const std::vector<u32> offset = {7, 0, 0, 0};
  const auto output_buffer =
      checked(device().create_buffer("output", kCount * sizeof(u32), BufferUse::storage));
  const auto input_buffer =
      checked(device().create_buffer("input", kCount * sizeof(u32), BufferUse::storage));
  const auto offset_buffer = checked(device().create_buffer("offset", 16, BufferUse::uniform));
  ASSERT_TRUE(device().write(input_buffer, 0, bytes_of<u32>(input)));
  ASSERT_TRUE(device().write(offset_buffer, 0, bytes_of<u32>(offset)));

  const AssembledShader shader = doubling_shader();
  const auto pipeline = checked(device().create_pipeline({.label = "doubling",
                                                          .shader = &shader,
                                                          .bindings = kDoublingBindings,
                                                          .constants = {{"workgroup", 64}}}));
  EXPECT_GT(pipeline.compile_seconds(), 0.0);
  const auto group = checked(device().create_bind_group(
      pipeline, {{0, &output_buffer}, {1, &input_buffer}, {2, &offset_buffer}}));
  auto readback = checked(device().create_readback("results", 16));  // grows when it must

  for (int round = 0; round < 3; ++round) {
    CommandBatch batch = device().begin();
    batch.dispatch(pipeline, group, kCount / 64);
    ASSERT_TRUE(readback.record(
        batch, {{&output_buffer, 0, 8}, {&input_buffer, 4, 8}, {&output_buffer, 1020, 4}}));
    ASSERT_TRUE(device().submit(std::move(batch)));
    EXPECT_EQ(words_of(checked(readback.wait())),
              (std::vector<u32>{207, 209, 101, 102, 2 * 355 + 7}));
  }
}

TEST_F(DeviceTest, KeepsTheOrderOfABatch) {
  const auto first = checked(device().create_buffer("first", 16, BufferUse::storage));
  const auto second = checked(device().create_buffer("second", 16, BufferUse::copy));
  const std::vector<u32> values = {1, 2, 3, 4};
  ASSERT_TRUE(device().write(first, 0, bytes_of<u32>(values)));
  CommandBatch batch = device().begin();
  batch.copy(first, 4, second, 0, 12);
  batch.clear(first, 0, 8);
  const std::vector<u32> nine = {9};
  batch.write(first, 4, bytes_of<u32>(nine));
  batch.copy(first, 0, second, 12, 4);
  ASSERT_TRUE(device().submit_and_wait(std::move(batch)));
  std::vector<u32> read(4);
  ASSERT_TRUE(device().read(second, 0, {reinterpret_cast<u8*>(read.data()), 16}));
  EXPECT_EQ(read, (std::vector<u32>{2, 3, 4, 0}));
  ASSERT_TRUE(device().read(first, 0, {reinterpret_cast<u8*>(read.data()), 16}));
  EXPECT_EQ(read, (std::vector<u32>{0, 9, 3, 4}));
}

TEST_F(DeviceTest, MapsACompileErrorToItsFile) {
  const AssembledShader shader = shader_of(R"(#import "lib/twice.wgsl"
@group(0) @binding(0) var<storage, read_write> output: array<u32>;
@compute @workgroup_size(1)
fn main() {
  output[0] = thrice(1u);
}
)");
  auto pipeline = device().create_pipeline(
      {.label = "broken", .shader = &shader, .bindings = {{0, BindingType::storage}}});
  ASSERT_FALSE(pipeline);
  EXPECT_EQ(pipeline.error().kind, ErrorKind::internal);
  EXPECT_THAT(pipeline.error().text(),
              HasSubstr("generated/main.wgsl:5:15: unresolved call target 'thrice'"));
  EXPECT_THAT(pipeline.error().text(), HasSubstr("\n - while compiling pipeline \"broken\""));
  EXPECT_TRUE(device().check());
}

TEST_F(DeviceTest, RefusesBindingsThatTheShaderDoesNotHave) {
  const AssembledShader shader = doubling_shader();
  auto pipeline = device().create_pipeline(
      {.label = "half bound", .shader = &shader, .bindings = {{0, BindingType::storage}}});
  ASSERT_FALSE(pipeline);
  EXPECT_EQ(pipeline.error().kind, ErrorKind::internal);
  EXPECT_THAT(pipeline.error().text(), HasSubstr("while compiling pipeline \"half bound\""));
}

TEST_F(DeviceTest, SaysThatABufferIsTooLarge) {
  auto buffer =
      device().create_buffer("pool", device().limits().max_buffer_bytes + 4, BufferUse::storage);
  ASSERT_FALSE(buffer);
  EXPECT_EQ(buffer.error().kind, ErrorKind::out_of_memory);
  EXPECT_THAT(buffer.error().message, HasSubstr("GPU buffer \"pool\" ("));
  EXPECT_THAT(buffer.error().message, HasSubstr("is larger than the adapter"));
  EXPECT_TRUE(device().check());
}

TEST_F(DeviceTest, SaysThatMemoryDoesNotSuffice) {
  // Buffers of the largest allowed size until memory is gone; a software adapter may have more than
  // the host.
  std::vector<GpuBuffer> buffers;
  if (device().adapter().software)
    GTEST_SKIP() << "The software adapter's memory is the host's; it is not filled.";
  for (int count = 0; count < 64; ++count) {
    auto buffer = device().create_buffer(
        "filler", std::min<u64>(device().limits().max_buffer_bytes, 64ull << 30),
        BufferUse::storage);
    if (!buffer) {
      EXPECT_EQ(buffer.error().kind, ErrorKind::out_of_memory);
      EXPECT_THAT(buffer.error().message, HasSubstr("GPU buffer \"filler\" (64"));
      buffers.clear();
      EXPECT_TRUE(device().create_buffer("small", 1024, BufferUse::storage));
      return;
    }
    buffers.push_back(std::move(*buffer));
  }
  FAIL() << "64 buffers of 64 GiB fitted.";
}

TEST_F(DeviceTest, RefusesATransferBeyondTheEnd) {
  const auto buffer = checked(device().create_buffer("small", 16, BufferUse::storage));
  std::vector<u8> bytes(8);
  auto written = device().write(buffer, 12, bytes);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().message,
            "8 bytes at 12 go beyond the end of GPU buffer \"small\" (16 bytes).");
  auto read = device().read(buffer, 2, bytes);
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr("not a multiple of 4"));
}

TEST_F(DeviceTest, ReportsAMistakeInABatch) {
  const auto buffer = checked(device().create_buffer("small", 16, BufferUse::storage));
  CommandBatch batch = device().begin();
  batch.copy(buffer, 0, buffer, 0, 64);
  auto submitted = device().submit_and_wait(std::move(batch));
  ASSERT_FALSE(submitted);
  EXPECT_EQ(submitted.error().kind, ErrorKind::internal);
  EXPECT_THAT(submitted.error().message, HasSubstr("WebGPU refused a call"));
  EXPECT_TRUE(device().check()) << "an error is reported once";
}

TEST_F(DeviceTest, SaysThatTheDeviceWasLost) {
  const auto buffer = checked(device().create_buffer("state", 16, BufferUse::storage));
  auto readback = checked(device().create_readback("state", 16));
  CommandBatch batch = device().begin();
  ASSERT_TRUE(readback.record(batch, {{&buffer, 0, 16}}));
  ASSERT_TRUE(device().submit(std::move(batch)));
  device().force_loss("the bus fell off");
  auto bytes = readback.wait();
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().kind, ErrorKind::device_lost);
  EXPECT_EQ(bytes.error().message,
            "The GPU \"" + device().adapter().name + "\" was lost: the bus fell off");
  auto later = device().create_buffer("later", 16, BufferUse::storage);
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().kind, ErrorKind::device_lost) << "a lost device stays lost";
  EXPECT_FALSE(device().submit_and_wait(device().begin()));
}

TEST_F(DeviceTest, LetsThingsOutliveTheDevice) {
  std::optional<GpuBuffer> buffer;
  std::optional<Readback> readback;
  {
    DeviceOptions options;
    options.selector = tested_adapter();
    options.use_cache = false;
    GpuDevice second = checked(open_device(options));
    buffer = checked(second.create_buffer("orphan", 16, BufferUse::storage));
    readback = checked(second.create_readback("orphan", 16));
  }
  readback.reset();
  buffer.reset();
}

TEST(PipelineCacheTest, SparesTheSecondStartTheCompiler) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / "rookery-pipeline-cache-test";
  std::filesystem::remove_all(folder);
  const AssembledShader shader = doubling_shader();
  DeviceOptions options;
  options.selector = tested_adapter();
  options.cache_folder = folder.string();
  for (bool second_start : {false, true}) {
    auto device = open_device(options);
    if (!device)
      GTEST_SKIP() << "No \"" << options.selector << "\" adapter: " << device.error().text();
    auto pipeline = checked(device->create_pipeline(
        {.label = "doubling", .shader = &shader, .bindings = kDoublingBindings}));
    EXPECT_EQ(pipeline.from_cache(), second_start);
  }
  // A damaged file is a miss, not a fault.
  for (const auto& file : std::filesystem::directory_iterator(folder))
    std::filesystem::resize_file(file, 100);
  auto device = checked(open_device(options));
  auto pipeline = checked(device.create_pipeline(
      {.label = "doubling", .shader = &shader, .bindings = kDoublingBindings}));
  EXPECT_FALSE(pipeline.from_cache());
  std::filesystem::remove_all(folder);
}

TEST(AdaptersTest, ListsTheSoftwareAdapter) {
  auto adapters = list_adapters();
  if (!adapters) GTEST_SKIP() << adapters.error().text();
  const auto software = std::ranges::find_if(*adapters, &GpuAdapterInfo::software);
  if (software == adapters->end()) GTEST_SKIP() << "SwiftShader is not installed.";
  EXPECT_EQ(software->type, AdapterType::cpu);
  EXPECT_TRUE(software->usable) << software->refusal;
  EXPECT_THAT(software->name, HasSubstr("SwiftShader"));
  EXPECT_EQ(software->backend, "Vulkan");
  EXPECT_GE(software->limits.max_storage_buffers_per_stage, 8u);
  EXPECT_GE(software->limits.max_storage_binding_bytes, 128ull << 20);
}

TEST(AdaptersTest, NamesWhatExistsWhenANameDoesNot) {
  DeviceOptions options;
  options.selector = "Voodoo 2";
  auto device = open_device(options);
  ASSERT_FALSE(device);
  EXPECT_EQ(device.error().kind, ErrorKind::usage);
  if (device.error().message.find("no Vulkan loader") != std::string::npos)
    GTEST_SKIP() << device.error().text();
  EXPECT_THAT(device.error().message,
              HasSubstr("No adapter's name contains \"Voodoo 2\"; the adapters that exist: "));
}

TEST(AdaptersTest, NeverPicksASoftwareAdapterByItself) {
  auto device = open_device({});
  if (device) {
    EXPECT_FALSE(device->adapter().software);
  } else {
    EXPECT_EQ(device.error().kind, ErrorKind::usage);
  }
}

TEST(AdaptersTest, SaysThatADriverManifestDoesNotExist) {
  const char* old = std::getenv("ROOKERY_SWIFTSHADER");
  const std::string kept = old != nullptr ? old : "";
  setenv("ROOKERY_SWIFTSHADER", "/nonexistent/icd.json", 1);
  auto device = open_device({.selector = "software"});
  if (old != nullptr) {
    setenv("ROOKERY_SWIFTSHADER", kept.c_str(), 1);
  } else {
    unsetenv("ROOKERY_SWIFTSHADER");
  }
  ASSERT_FALSE(device);
  EXPECT_EQ(device.error().kind, ErrorKind::usage);
  EXPECT_THAT(device.error().message, HasSubstr("\"/nonexistent/icd.json\", which does not exist"));
}

TEST(AdaptersTest, RefusesAnAdapterBelowTheNeeds) {
  AdapterLimits limits;
  EXPECT_EQ(refusal_of(limits), "");
  limits.max_storage_buffers_per_stage = 4;
  EXPECT_EQ(refusal_of(limits), "It allows 4 storage buffers in a shader; 8 are needed.");
  limits = {};
  limits.max_storage_binding_bytes = 16u << 20;
  EXPECT_EQ(refusal_of(limits), "It binds at most 16 MiB of a buffer; 64 MiB are needed.");
}

}  // namespace
}  // namespace rookery::gpu
