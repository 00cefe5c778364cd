// SPDX-License-Identifier: Apache-2.0
// Verification of the GPU engine against the CPU engine (src/debug/verify.h): it finds nothing
// where nothing is wrong, and a fault planted in a shader at the instruction that it concerns.
#include <chrono>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "boot/test_engines.h"
#include "debug/verify.h"

namespace rookery::test {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class Host final : public VerifyHost {
 public:
  u64 now_us() override {
    using namespace std::chrono;
    return static_cast<u64>(
        duration_cast<microseconds>(steady_clock::now().time_since_epoch()).count());
  }
  bool stop_requested() override { return false; }
  void compared(const VerifyProgress&) override {}
  void narrowing(const std::string&) override {}
};

Result<BootImage> image_of(const MachineConfig& config) {
  Result<BootFiles> files = read_boot_files(config);
  if (!files) return std::unexpected(std::move(files.error()));
  return plan_boot(config, std::move(*files));
}

MachineConfig default_config() {
  MachineConfig config;
  config.kernel_path = ROOKERY_SOURCE_DIR "/images/default/Image.zst";
  config.initrd_path = ROOKERY_SOURCE_DIR "/images/default/initramfs.cpio.zst";
  config.append = "earlycon=sbi console=ttyS0";
  return config;
}

// The bare program of that name, or an empty path.
std::string bare_program(const std::string& name, Xlen xlen) {
  std::ifstream file(ROOKERY_BARE_MANIFEST);
  for (const nlohmann::json& row : nlohmann::json::parse(file)) {
    if (row["name"] == name && row["xlen"] == static_cast<u32>(xlen)) return row["elf"];
  }
  return {};
}

struct Fault {
  std::string path;
  std::string from;
  std::string to;
};

Result<VerifyReport> verify(const MachineConfig& config, const std::optional<Fault>& fault,
                            const VerifyOptions& options) {
  const Result<BootImage> image = image_of(config);
  if (!image) return std::unexpected(image.error());
  const EngineConfig engine = {.xlen = image->xlen, .ram_bytes = image->ram_bytes};
  Host host;
  return verify_engines(
      *image, [&] { return make_cpu_engine(engine); },
      [&] {
        return fault ? make_faulty_gpu_engine(engine, fault->path, fault->from, fault->to)
                     : make_gpu_engine(engine);
      },
      options, host);
}

#define VERIFY(name, ...)                                               \
  const Result<VerifyReport> name##_result = verify(__VA_ARGS__);       \
  if (!name##_result && name##_result.error().kind == ErrorKind::usage) \
    GTEST_SKIP() << name##_result.error().text();                       \
  ASSERT_TRUE(name##_result) << name##_result.error().text();           \
  const VerifyReport& name = *name##_result

TEST(VerifyGpu, FindsNothingWrongWithABareProgram) {
  MachineConfig config;
  config.bare_path = bare_program("mini_kernel", Xlen::rv32);
  config.ram_bytes = 16 * kMiB;
  if (config.bare_path.empty()) GTEST_SKIP() << "No bare programs were built.";
  VERIFY(report, config, std::nullopt, {.stride = 10'000});
  EXPECT_EQ(report.difference, "");
  EXPECT_EQ(report.end.reason, EndReason::shutdown);
  EXPECT_EQ(report.end.status, 0u);
  EXPECT_GE(report.comparisons, report.instructions / 10'000 + 2) << "and the start and the end";
}

TEST(VerifyGpu, FindsAWrongSltuInABareProgram) {
  MachineConfig config;
  config.bare_path = bare_program("i_alu_32", Xlen::rv32);
  config.ram_bytes = 16 * kMiB;
  if (config.bare_path.empty()) GTEST_SKIP() << "No bare programs were built.";
  const Result<std::vector<u8>> elf = read_file(config.bare_path, "program", kMiB);
  ASSERT_TRUE(elf);
  const Result<SymbolTable> symbols = SymbolTable::parse(*elf, "program");
  ASSERT_TRUE(symbols) << symbols.error().text();
  const Fault fault = {"xlen/32.wgsl", "return u32(a < b);", "return u32(a <= b);"};
  VERIFY(report, config, fault, {.stride = 1'000'000, .symbols = &*symbols});
  EXPECT_THAT(report.summary, ContainsRegex("^step [0-9]+ differs, the instruction at pc 0x80"));
  EXPECT_THAT(report.difference, ContainsRegex("the instruction at pc 0x8[0-9a-f]+ <[^>]+>: "
                                               "0x[0-9a-f]+  slt(iu|u) "));
  EXPECT_THAT(report.difference, ContainsRegex("What differs:\n[^\n]*\n  != hart.x\\["));
}

TEST(VerifyGpu, FindsAWrongSraInRv64) {
  MachineConfig config;
  config.bare_path = bare_program("i_alu_64", Xlen::rv64);
  config.xlen = Xlen::rv64;
  config.ram_bytes = 16 * kMiB;
  if (config.bare_path.empty()) GTEST_SKIP() << "No bare programs were built.";
  const Fault fault = {"xlen/64.wgsl", "return dword_sra(", "return dword_srl("};
  VERIFY(report, config, fault, {.stride = 100});
  EXPECT_THAT(report.difference, ContainsRegex("0x[0-9a-f]+  sra[i]? "));
}

TEST(VerifyGpu, FindsAWrongSraInLinux) {
  const Fault fault = {"xlen/32.wgsl", "return word_sra(a, n);", "return a >> (n & 31u);"};
  VERIFY(report, default_config(), fault, {});
  EXPECT_THAT(report.difference, ContainsRegex("in S-mode, the instruction at pc 0xc[0-9a-f]+: "
                                               "0x[0-9a-f]+  sra[i]? "));
  EXPECT_THAT(report.difference, ContainsRegex("What differs:\n[^\n]*\n  != hart.x\\["));
  EXPECT_THAT(report.difference, ContainsRegex("page table entry at 0x8"));
}

// A store that changes one value of a byte or halfword.
TEST(VerifyGpu, FindsAWrongStoreInLinux) {
  const Fault fault = {
      "interpreter.wgsl", "insertBits(pool_load(index), low(value), (va & 3u) << 3u, 8u << size)",
      "insertBits(pool_load(index), low(value) ^ select(0u, 1u, low(value) == 0x4cu), "
      "(va & 3u) << 3u, 8u << size)"};
  VERIFY(report, default_config(), fault, {});
  EXPECT_THAT(report.difference, ContainsRegex("0x[0-9a-f]+  s[bh] "));
  EXPECT_THAT(report.difference, ContainsRegex("store to 0x[0-9a-f]+:\n"));
  EXPECT_THAT(report.difference, ContainsRegex("What differs:\n  != RAM 0x8"));
  EXPECT_THAT(report.difference, Not(HasSubstr("!= hart")));
}

}  // namespace
}  // namespace rookery::test
