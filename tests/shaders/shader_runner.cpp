// SPDX-License-Identifier: Apache-2.0
#include "shaders/shader_runner.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <random>

#include "engine/gpu/shader.h"
#include "gpu/dawn/device.h"
#include "gpu/shader_assembler.h"

namespace rookery::test {
namespace {

constexpr u32 kWorkgroup = 64;

// Stands for memory/paged.wgsl: flat RAM, a piece for each case.
constexpr const char* kFlatRam = R"(
#import "mmu/tlb.wgsl"
var<private> ram_first_word: u32;
fn ram_contains(pa: u32) -> bool { return (pa - RAM_BASE) < machine.ram_bytes; }
fn ram_load(pa: u32) -> u32 { return test_ram[ram_first_word + ((pa - RAM_BASE) >> 2u)]; }
fn ram_store(pa: u32, value: u32, mask: u32) {
  let index = ram_first_word + ((pa - RAM_BASE) >> 2u);
  test_ram[index] = (test_ram[index] & ~mask) | (value & mask);
}
fn tlb_filled(index: u32) {}
fn tlb_flushed() {}
)";

std::string selected_adapter() {
  const char* chosen = std::getenv("ROOKERY_TEST_ADAPTER");
  return chosen != nullptr ? chosen : "software";
}

std::string entry_text(const ShaderTest& test) {
  std::string text = "#import \"xlen/xlen.wgsl\"\n";
  for (const std::string& import : test.imports) text += "#import \"" + import + "\"\n";
  // The engine's own bindings are 0 to 7; nothing here uses them.
  text += R"(
@group(0) @binding(8) var<storage, read> test_in: array<u32>;
@group(0) @binding(9) var<storage, read_write> test_out: array<u32>;
)";
  if (test.ram_words != 0)
    text += "@group(0) @binding(10) var<storage, read_write> test_ram: array<u32>;\n";
  text +=
      fmt::format("fn word_in(i: u32, n: u32) -> u32 {{ return test_in[1u + (i * {}u) + n]; }}\n",
                  test.words_in);
  text +=
      fmt::format("fn word_out(i: u32, n: u32, word: u32) {{ test_out[(i * {}u) + n] = word; }}\n",
                  test.words_out);
  text += test.text;
  const std::string place =
      test.ram_words != 0 ? fmt::format("  ram_first_word = id.x * {}u;\n", test.ram_words) : "";
  text += fmt::format(
      "\n@compute @workgroup_size({})\nfn main(@builtin(global_invocation_id) id: vec3<u32>) {{\n"
      "  if (id.x >= test_in[0]) {{\n    return;\n  }}\n{}  test_case(id.x);\n}}\n",
      kWorkgroup, place);
  return text;
}

Result<std::vector<u32>> read_words(gpu::GpuDevice& device, const gpu::GpuBuffer& buffer,
                                    u64 words) {
  std::vector<u32> out(words);
  if (auto ok = device.read(buffer, 0, {reinterpret_cast<u8*>(out.data()), words * 4}); !ok) {
    return std::unexpected(std::move(ok.error()));
  }
  return out;
}

}  // namespace

Result<ShaderTestResult> run_shader_test(const ShaderTest& test, std::span<const u32> in,
                                         std::span<const u32> ram) {
  auto opened = gpu::open_device({.selector = selected_adapter()});
  if (!opened) return std::unexpected(std::move(opened.error()));
  gpu::GpuDevice device = std::move(*opened);

  gpu::ShaderSource source = shader_source(test.xlen);
  source.modules["memory/paged.wgsl"] = kFlatRam;
  source.modules["test.wgsl"] = entry_text(test);
  auto shader = gpu::assemble("test.wgsl", source, shader_options(test.xlen));
  if (!shader) return std::unexpected(std::move(shader.error()));
  using gpu::BindingType;
  gpu::PipelineDescription description;
  description.label = "shader test";
  description.shader = &*shader;
  description.bindings = {{8, BindingType::read_only_storage}, {9, BindingType::storage}};
  if (test.ram_words != 0) description.bindings.push_back({10, BindingType::storage});
  auto pipeline = device.create_pipeline(description);
  if (!pipeline) return std::unexpected(std::move(pipeline.error()));

  const u32 cases = static_cast<u32>(in.size() / test.words_in);
  std::vector<u32> words = {cases};
  words.insert(words.end(), in.begin(), in.end());
  const u64 ram_words = std::max<u64>(1, u64{test.ram_words} * cases);
  auto in_buffer = device.create_buffer("in", words.size() * 4, gpu::BufferUse::storage);
  auto out_buffer =
      device.create_buffer("out", u64{cases} * test.words_out * 4, gpu::BufferUse::storage);
  auto ram_buffer = device.create_buffer("ram", ram_words * 4, gpu::BufferUse::storage);
  for (auto* buffer : {&in_buffer, &out_buffer, &ram_buffer}) {
    if (!*buffer) return std::unexpected(std::move(buffer->error()));
  }
  if (auto ok = device.write(*in_buffer, 0, gpu::bytes_of<u32>(words)); !ok)
    return std::unexpected(std::move(ok.error()));
  if (!ram.empty()) {
    if (auto ok = device.write(*ram_buffer, 0, gpu::bytes_of(ram)); !ok)
      return std::unexpected(std::move(ok.error()));
  }
  std::vector<gpu::BufferBinding> bindings = {{8, &*in_buffer}, {9, &*out_buffer}};
  if (test.ram_words != 0) bindings.push_back({10, &*ram_buffer});
  auto group = device.create_bind_group(*pipeline, bindings);
  if (!group) return std::unexpected(std::move(group.error()));
  gpu::CommandBatch batch = device.begin();
  batch.dispatch(*pipeline, *group, (cases + kWorkgroup - 1) / kWorkgroup);
  if (auto ok = device.submit_and_wait(std::move(batch)); !ok)
    return std::unexpected(std::move(ok.error()));

  ShaderTestResult result;
  auto out = read_words(device, *out_buffer, u64{cases} * test.words_out);
  if (!out) return std::unexpected(std::move(out.error()));
  result.out = std::move(*out);
  if (test.ram_words != 0) {
    auto left = read_words(device, *ram_buffer, ram_words);
    if (!left) return std::unexpected(std::move(left.error()));
    result.ram = std::move(*left);
  }
  return result;
}

std::vector<std::string> machine_modules() {
  return {"isa/tables.wgsl", "isa/fields.wgsl",   "isa/csr.wgsl",         "isa/system.wgsl",
          "isa/atomic.wgsl", "machine/poll.wgsl", "machine/console.wgsl", "memory/paged.wgsl",
          "mmu/access.wgsl", "hooks/hooks.wgsl"};
}

std::vector<u64> interesting_operands(u32 bits, u32 random_count) {
  const u64 mask = bits == 64 ? ~u64{0} : (u64{1} << bits) - 1;
  std::vector<u64> values = {
      0, 1, 2, 0x5555555555555555u & mask, 0xaaaaaaaaaaaaaaaau & mask, mask, mask - 1};
  for (u32 bit : {7u, 8u, 15u, 16u, 30u, 31u, 32u, 33u, 47u, 62u, 63u}) {
    if (bit >= bits) continue;
    for (u64 around : {u64{0}, u64{1}, ~u64{0}})
      values.push_back(((u64{1} << bit) + around) & mask);
    values.push_back(~(u64{1} << bit) & mask);
  }
  std::mt19937_64 random{11};
  for (u32 i = 0; i < random_count; ++i) values.push_back((random() & mask) >> (random() % bits));
  return values;
}

}  // namespace rookery::test
