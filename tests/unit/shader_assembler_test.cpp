// SPDX-License-Identifier: Apache-2.0
// The shader assembler by itself: imports, substitutions, the line map, and what it refuses.
#include "gpu/shader_assembler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gpu/embedded_shaders.h"

namespace rookery::gpu {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ShaderSource source_of(std::initializer_list<std::pair<const std::string, std::string>> modules) {
  ShaderSource source;
  source.modules = modules;
  source.use_embedded = false;
  return source;
}

AssembledShader assembled(std::string_view entry, const ShaderSource& source,
                          const AssembleOptions& options = {}) {
  auto shader = assemble(entry, source, options);
  EXPECT_TRUE(shader.has_value()) << shader.error().text();
  return shader ? std::move(*shader) : AssembledShader{};
}

std::string refused(std::string_view entry, const ShaderSource& source,
                    const AssembleOptions& options = {}) {
  auto shader = assemble(entry, source, options);
  EXPECT_FALSE(shader.has_value());
  return shader ? std::string() : shader.error().text();
}

std::string position_text(const SourcePosition& position) {
  return fmt::format("{}:{}", position.file, position.line);
}

TEST(ShaderAssembler, PutsEachImportOnceBeforeItsUser) {
  const auto source = source_of(
      {{"main.wgsl", "#import \"a.wgsl\"\n#import \"b.wgsl\" // both need c\nfn main() {}\n"},
       {"a.wgsl", "  #import \"c.wgsl\"\nfn a() {}\n"},
       {"b.wgsl", "#import \"c.wgsl\"\nfn b() {}\n"},
       {"c.wgsl", "fn c() {}\n"}});
  const AssembledShader shader = assembled("main.wgsl", source);
  EXPECT_EQ(shader.text(), "fn c() {}\n\nfn a() {}\n\nfn b() {}\n\n\nfn main() {}\n");
  EXPECT_THAT(shader.modules(), ElementsAre("c.wgsl", "a.wgsl", "b.wgsl", "main.wgsl"));
  EXPECT_EQ(shader.entry_path(), "main.wgsl");
}

TEST(ShaderAssembler, TakesAModuleWithoutALastNewline) {
  const auto source =
      source_of({{"main.wgsl", "#import \"a.wgsl\"\nfn main() {}"}, {"a.wgsl", "fn a() {}"}});
  EXPECT_EQ(assembled("main.wgsl", source).text(), "fn a() {}\n\nfn main() {}\n");
}

TEST(ShaderAssembler, KnowsWhereEachLineWasWritten) {
  const auto source = source_of({{"main.wgsl", "#import \"mmu/tlb.wgsl\"\n\nfn main() {}\n"},
                                 {"mmu/tlb.wgsl", "// one\n// two\nfn t() {}\n"}});
  const AssembledShader shader = assembled("main.wgsl", source);
  EXPECT_EQ(position_text(shader.locate(1)), "generated/mmu/tlb.wgsl:1");
  EXPECT_EQ(position_text(shader.locate(3)), "generated/mmu/tlb.wgsl:3");
  EXPECT_EQ(position_text(shader.locate(4)), "generated/main.wgsl:1");
  EXPECT_EQ(position_text(shader.locate(6)), "generated/main.wgsl:3");
  EXPECT_TRUE(shader.locate(0).file.empty());
}

TEST(ShaderAssembler, AnnotatesPositionsInMessages) {
  const auto source =
      source_of({{"main.wgsl", "#import \"a.wgsl\"\nfn main() {}\n"}, {"a.wgsl", "fn a() {}\n"}});
  const AssembledShader shader = assembled("main.wgsl", source);
  EXPECT_EQ(shader.annotate("Error while parsing WGSL: :3:7 error: unresolved value"),
            "Error while parsing WGSL: generated/main.wgsl:2:7 error: unresolved value");
  EXPECT_EQ(shader.annotate("note: see\n:1:1 and (:3:1)"),
            "note: see\ngenerated/a.wgsl:1:1 and (generated/main.wgsl:2:1)");
  EXPECT_EQ(shader.annotate("at 12:30, a::b, : 4"), "at 12:30, a::b, : 4");
}

TEST(ShaderAssembler, MovesDirectivesToTheTop) {
  const auto source =
      source_of({{"main.wgsl", "enable f16;\n#import \"a.wgsl\"\nfn main() {}\n"},
                 {"a.wgsl", "diagnostic(off, derivative_uniformity);\nenable f16;\nfn a() {}\n"}});
  const AssembledShader shader = assembled("main.wgsl", source);
  EXPECT_EQ(
      shader.text(),
      "enable f16;\ndiagnostic(off, derivative_uniformity);\n\n\nfn a() {}\n\n\nfn main() {}\n");
  EXPECT_EQ(position_text(shader.locate(2)), "generated/a.wgsl:1");
  EXPECT_EQ(position_text(shader.locate(5)), "generated/a.wgsl:3");
  EXPECT_EQ(position_text(shader.locate(8)), "generated/main.wgsl:3");
}

TEST(ShaderAssembler, ReplacesAnImport) {
  const auto source = source_of({{"main.wgsl", "#import \"xlen/xlen.wgsl\"\n"},
                                 {"xlen/32.wgsl", "alias xlen = u32;\n"},
                                 {"xlen/64.wgsl", "alias xlen = vec2<u32>;\n"}});
  AssembleOptions options;
  options.substitutions["xlen/xlen.wgsl"] = "xlen/64.wgsl";
  EXPECT_THAT(std::string(assembled("main.wgsl", source, options).text()), HasSubstr("vec2<u32>"));
  options.substitutions["xlen/xlen.wgsl"] = "xlen/128.wgsl";
  EXPECT_THAT(refused("main.wgsl", source, options),
              HasSubstr("generated/main.wgsl:1 imports \"xlen/xlen.wgsl\" (replaced by "
                        "\"xlen/128.wgsl\"), which does not exist."));
}

TEST(ShaderAssembler, NamesAnUnknownModule) {
  const auto source = source_of({{"main.wgsl", "\n#import \"nowhere.wgsl\"\n"}});
  EXPECT_EQ(refused("main.wgsl", source),
            "generated/main.wgsl:2 imports \"nowhere.wgsl\", which does not exist.\n - while "
            "assembling shaders/main.wgsl");
  EXPECT_THAT(refused("absent.wgsl", source),
              HasSubstr("There is no shader module \"absent.wgsl\"."));
}

TEST(ShaderAssembler, ShowsTheChainOfACircle) {
  const auto source = source_of({{"main.wgsl", "#import \"a.wgsl\"\n"},
                                 {"a.wgsl", "#import \"b.wgsl\"\n"},
                                 {"b.wgsl", "\n#import \"a.wgsl\"\n"}});
  EXPECT_THAT(refused("main.wgsl", source),
              HasSubstr("generated/b.wgsl:2: shader modules import each other in a circle: a.wgsl "
                        "-> b.wgsl -> a.wgsl."));
}

TEST(ShaderAssembler, RefusesOtherPreprocessing) {
  EXPECT_THAT(refused("main.wgsl", source_of({{"main.wgsl", "#ifdef X\n"}})),
              HasSubstr("generated/main.wgsl:1: expected #import \"path.wgsl\", found: #ifdef X"));
  EXPECT_THAT(refused("main.wgsl", source_of({{"main.wgsl", "#import a.wgsl\n"}})),
              HasSubstr("expected #import"));
}

TEST(ShaderAssembler, PrefersVirtualModulesToEmbeddedOnes) {
  if (shaders::paths().empty()) GTEST_SKIP() << "No shader is embedded in this program.";
  const std::string path(shaders::paths().front());
  ShaderSource source;
  EXPECT_EQ(source.find(path), shaders::find(path));
  source.modules[path] = "// ours\n";
  EXPECT_EQ(source.find(path), "// ours\n");
}

TEST(ShaderAssembler, CallsEmbeddedModulesByTheirFile) {
  if (shaders::paths().empty()) GTEST_SKIP() << "No shader is embedded in this program.";
  for (std::string_view path : shaders::paths()) {
    auto shader = assemble(path, {});
    if (!shader) continue;  // it needs generated modules
    EXPECT_EQ(position_text(shader->locate(1)).substr(0, 8), "shaders/") << path;
  }
}

}  // namespace
}  // namespace rookery::gpu
