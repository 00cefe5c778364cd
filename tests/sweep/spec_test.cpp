// SPDX-License-Identifier: Apache-2.0
// Descriptions of sweeps: what they mean, and what is said of wrong ones.
#include "sweep/spec.h"

#include <span>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <re2/re2.h>

#include "sweep/temporary_folder.h"

namespace rookery::sweep {
namespace {

using test::TemporaryFolder;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kEverything = R"toml(
[sweep]
snapshot = "booted.rook"
seed = 1
machines = 4096
[axes]
n = { range = [1, 100], step = 3 }
word = ["a", 3, true, 0.5]
[input]
type = "seq {n} | md5sum; echo {word} {case} {n:x} {{x}}\n"
mailbox = { text = "{word}" }
append = "foo={n}"
[[patch]]
at = "1.5M"
register = "a0"
value = "{n}"
[[patch]]
csr = "mepc"
flip = 31
[[patch]]
field = "hart.x[10]"
set = "0"
[[patch]]
memory = "0x80400000"
value = -1
bytes = 8
[[patch]]
at = "{n}k"
memory = "buffer+0x10"
hex = "deadBEEF"
[[end]]
text = "DONE=0"
verdict = "pass"
[[end]]
regex = "^DONE=([0-9]+)"
verdict = "fail"
[[end]]
exit_status = 0
[[end]]
exit_status = "any"
verdict = "died"
[[end]]
instructions = "50M"
[[end]]
idle = "100ms"
[keep]
console = false
hash = true
memory = [ { at = "0x80400000", bytes = 64, name = "result" }, { at = "buffer", bytes = "4K" } ]
[symbols]
file = "vmlinux"
[fault]
cases = 10
targets = ["register", "memory"]
kinds = ["flip", "stuck1"]
between = [0, "1M"]
memory = [ { at = 0x80400000, bytes = "64K" } ]
registers = ["a0", "x2"]
detected = "oops"
)toml";

std::string minimal(std::string_view axes, std::string_view rest = "") {
  return fmt::format("[sweep]\nsnapshot = \"s.rook\"\n[axes]\n{}\n[[end]]\ninstructions = 100\n{}",
                     axes, rest);
}

SweepSpec parsed(std::string_view text, const std::string& path = "folder/sort.toml") {
  auto spec = parse_spec(text, path);
  EXPECT_TRUE(spec) << spec.error().text();
  return spec ? *std::move(spec) : SweepSpec();
}

std::vector<std::string> values(const SweepSpec& spec, u64 case_number) {
  std::vector<std::string> texts;
  for (const NamedValue& value : spec.axis_values(case_number))
    texts.push_back(value_text(value.value));
  return texts;
}

TEST(Spec, ReadsEverything) {
  const SweepSpec spec = parsed(kEverything);
  EXPECT_EQ(spec.name, "sort");
  EXPECT_EQ(spec.in_folder(spec.snapshot), "folder/booted.rook");
  EXPECT_EQ(spec.seed, 1u);
  EXPECT_EQ(spec.machines, 4096u);
  EXPECT_EQ(spec.combination_count(), 34u * 4);
  EXPECT_EQ(spec.case_count(), 34u * 4 * 10);
  EXPECT_EQ(spec.combination_of(57), 5u);
  EXPECT_EQ(spec.fault_of(57), 7u);
  EXPECT_THAT(values(spec, 57), ElementsAre("4", "3"));
  EXPECT_EQ(spec.symbols, "vmlinux");

  ASSERT_EQ(spec.ends.size(), 6u);
  EXPECT_EQ(spec.ends[0].kind, EndRule::Kind::text);
  EXPECT_EQ(spec.ends[0].verdict, "pass");
  EXPECT_EQ(spec.ends[1].text, "^DONE=([0-9]+)");
  EXPECT_EQ(spec.ends[2].status, 0u);
  EXPECT_EQ(spec.ends[2].verdict, "exit_status");
  EXPECT_EQ(spec.ends[3].status, std::nullopt);
  EXPECT_EQ(spec.ends[4].instructions, 50'000'000u);
  EXPECT_EQ(spec.ends[4].verdict, "limit");
  EXPECT_EQ(spec.ends[5].idle_us, 100'000u);
  EXPECT_EQ(spec.ends[5].verdict, "idle");

  EXPECT_FALSE(spec.keep.console);
  EXPECT_TRUE(spec.keep.hash);
  EXPECT_FALSE(spec.keep.dirty_pages);
  ASSERT_EQ(spec.keep.memory.size(), 2u);
  EXPECT_EQ(spec.keep.memory[1].name, "buffer");
  EXPECT_EQ(spec.keep.memory[1].range.bytes, 4096u);

  ASSERT_TRUE(spec.fault);
  EXPECT_THAT(spec.fault->targets, ElementsAre(FaultTarget::register_, FaultTarget::memory));
  EXPECT_THAT(spec.fault->kinds, ElementsAre(FaultKind::flip, FaultKind::stuck1));
  EXPECT_EQ(spec.fault->between, std::pair(u64{0}, u64{1'000'000}));
  EXPECT_EQ(spec.fault->memory[0].bytes, 65536u);
  EXPECT_THAT(spec.fault->registers, ElementsAre("a0", "x2"));
}

TEST(Spec, MakesACasesInput) {
  const SweepSpec spec = parsed(kEverything);
  const auto input = spec.case_input(57);
  ASSERT_TRUE(input) << input.error().text();
  EXPECT_EQ(input->typed, "seq 4 | md5sum; echo 3 57 4 {x}\n");
  EXPECT_EQ(input->mailbox, std::vector<u8>{'3'});
  EXPECT_EQ(input->append, "foo=4");
  ASSERT_EQ(input->patches.size(), 5u);
  const Patch& first = input->patches[0];
  EXPECT_EQ(first.at, 1'500'000u);
  EXPECT_EQ(first.target.kind, PatchTarget::Kind::register_);
  EXPECT_EQ(first.target.name, "a0");
  EXPECT_EQ(first.action, PatchAction::value);
  EXPECT_EQ(first.value, 4u);
  EXPECT_EQ(input->patches[1].action, PatchAction::flip);
  EXPECT_EQ(input->patches[1].value, 31u);
  EXPECT_EQ(input->patches[2].target.name, "hart.x[10]");
  EXPECT_EQ(input->patches[3].target.address.offset, 0x80400000u);
  EXPECT_EQ(input->patches[3].value, ~u64{0});
  EXPECT_EQ(input->patches[3].width_bytes, 8u);
  EXPECT_EQ(input->patches[4].at, 4000u);
  EXPECT_EQ(input->patches[4].target.address.symbol, "buffer");
  EXPECT_EQ(input->patches[4].target.address.offset, 0x10u);
  EXPECT_THAT(input->patches[4].data, ElementsAre(0xde, 0xad, 0xbe, 0xef));
}

TEST(Spec, JsonSaysTheSame) {
  const SweepSpec toml = parsed(
      "[sweep]\nsnapshot = \"s.rook\"\nseed = 3\n[axes]\nzeta = { range = [0x10, 0x20] }\nalpha = "
      "[\"a\", 1, 0.5, true]\n[[end]]\ninstructions = \"1k\"\n");
  const SweepSpec json = parsed(R"({
    "sweep": {"snapshot": "s.rook", "seed": 3, "machines": 7, "name": "other"},
    "axes": {"zeta": {"range": ["0x10", 32]}, "alpha": ["a", 1, 0.5, true]},
    "end": [{"instructions": 1000, "verdict": "limit"}]
  })",
                                "elsewhere/x.json");
  EXPECT_EQ(toml.identity(), json.identity());
  EXPECT_EQ(json.axes[0].name, "zeta");  // as written, not by name
  EXPECT_THAT(values(json, 6), ElementsAre("17", "0.5"));
  EXPECT_EQ(json.name, "other");
}

TEST(Spec, IdentityIsOfWhatResultsDependOn) {
  const std::string text = minimal("n = [1, 2]");
  const std::string identity = parsed(text).identity();
  EXPECT_EQ(identity.size(), 32u);
  EXPECT_EQ(identity, parsed("# Another spelling.\n" + text, "/abs/other.toml").identity());
  EXPECT_NE(identity, parsed(minimal("n = [1, 3]")).identity());
  EXPECT_NE(identity, parsed(minimal("n = [1, \"2\"]")).identity());
  EXPECT_NE(identity, parsed(minimal("n = [2, 1]")).identity());
  EXPECT_NE(identity, parsed(minimal("m = [1, 2]")).identity());
  EXPECT_NE(identity, parsed(text + "[keep]\nhash = true\n").identity());
  EXPECT_NE(identity, parsed(text + "[input]\ntype = \"\"\n").identity());
}

TEST(Spec, ProductVariesTheLastAxisFastest) {
  const SweepSpec spec = parsed(minimal("b = [1, 2]\na = [\"x\", \"y\", \"z\"]"));
  ASSERT_EQ(spec.case_count(), 6u);
  EXPECT_THAT(values(spec, 0), ElementsAre("1", "x"));
  EXPECT_THAT(values(spec, 2), ElementsAre("1", "z"));
  EXPECT_THAT(values(spec, 3), ElementsAre("2", "x"));
}

TEST(Spec, AxesInTheOrderWrittenHoweverTheyAreWritten) {
  const SweepSpec spec =
      parsed("axes.zz = [1]\n[sweep]\nsnapshot = \"s\"\n[[end]]\ninstructions = 1\n");
  EXPECT_EQ(spec.axes[0].name, "zz");
  const SweepSpec tables = parsed(
      "[sweep]\nsnapshot = \"s\"\n[axes.z]\nrange = [1, 2]\n[axes.a]\nrange = [3, 4]\n[[end]]\n"
      "instructions = 1\n");
  EXPECT_THAT(values(tables, 1), ElementsAre("1", "4"));
}

TEST(Spec, ZipTakesValuesSideBySide) {
  const SweepSpec spec = parsed(
      "[sweep]\nsnapshot = \"s\"\ncombine = \"zip\"\n[axes]\na = [1, 2]\nb = [\"x\", \"y\"]\n"
      "[[end]]\ninstructions = 1\n");
  ASSERT_EQ(spec.case_count(), 2u);
  EXPECT_THAT(values(spec, 1), ElementsAre("2", "y"));
}

TEST(Spec, RangesGoBothWays) {
  const auto all = [](std::string_view range) {
    const SweepSpec spec = parsed(minimal(fmt::format("n = {{ {} }}", range)));
    std::string text;
    for (u64 i = 0; i < spec.case_count() && i < 20; ++i) text += values(spec, i)[0] + " ";
    return text;
  };
  EXPECT_EQ(all("range = [1, 10], step = 3"), "1 4 7 10 ");
  EXPECT_EQ(all("range = [1, 9], step = 3"), "1 4 7 ");
  EXPECT_EQ(all("range = [2, -2]"), "2 1 0 -1 -2 ");
  EXPECT_EQ(all("range = [10, 1], step = -4"), "10 6 2 ");
  EXPECT_EQ(all("range = [5, 5]"), "5 ");
  EXPECT_EQ(all("range = [0x7ffffffffffffffe, 0x7fffffffffffffff]"),
            "9223372036854775806 9223372036854775807 ");
  EXPECT_EQ(all("range = [\"-0x8000000000000000\", 0x7fffffffffffffff], step = 0x7fffffffffffffff"),
            "-9223372036854775808 -1 9223372036854775806 ");
}

TEST(Spec, RandomValuesAreFunctionsOfSeedNameAndIndex) {
  const SweepSpec spec = parsed(minimal("key = { random = [0, 4294967295], count = 100 }"));
  // The same on every platform, for ever: results files depend on it.
  EXPECT_THAT(values(spec, 0), ElementsAre("1673026704"));
  EXPECT_THAT(values(spec, 99), ElementsAre("4131943562"));
  const SweepSpec longer =
      parsed(minimal("other = [1]\nkey = { random = [0, 4294967295], count = 1000 }"));
  EXPECT_EQ(values(longer, 99)[1], values(spec, 99)[0]);
  const SweepSpec renamed = parsed(minimal("yek = { random = [0, 4294967295], count = 100 }"));
  EXPECT_NE(values(renamed, 99), values(spec, 99));

  const SweepSpec dice = parsed(minimal("n = { random = [-3, 2], count = 6000 }"));
  std::map<std::string, int> counts;
  for (u64 i = 0; i < 6000; ++i) counts[values(dice, i)[0]] += 1;
  ASSERT_EQ(counts.size(), 6u);
  for (const auto& [value, count] : counts) EXPECT_NEAR(count, 1000, 150) << value;
  parsed(minimal("n = { random = [\"-0x8000000000000000\", 0x7fffffffffffffff], count = 3 }"));
}

TEST(Spec, FilesAreFoundBesideTheDescription) {
  const TemporaryFolder folder;
  folder.write("[odd]/corpus/b.bin", "bb");
  folder.write("[odd]/corpus/a.bin", "aa");
  folder.write("[odd]/corpus/c.txt", "cc");
  folder.write("[odd]/corpus/folder.bin/x", "");
  const std::string text = minimal("input = { files = \"corpus/*.bin\" }",
                                   "[input]\nmailbox = { file = \"{input}\" }\n"
                                   "[[patch]]\nmemory = \"0x80000000\"\nfile = \"{input}\"\n");
  folder.write("[odd]/f.toml", text);
  const auto spec = read_spec(folder.path("[odd]/f.toml"));
  ASSERT_TRUE(spec) << spec.error().text();
  ASSERT_EQ(spec->case_count(), 2u);
  EXPECT_THAT(values(*spec, 0), ElementsAre("corpus/a.bin"));
  const auto input = spec->case_input(1);
  ASSERT_TRUE(input) << input.error().text();
  EXPECT_THAT(*input->mailbox, ElementsAre('b', 'b'));
  EXPECT_THAT(input->patches[0].data, ElementsAre('b', 'b'));

  std::filesystem::remove(folder.path("[odd]/corpus/b.bin"));
  const auto gone = spec->case_input(1);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().kind, ErrorKind::io);
  EXPECT_THAT(gone.error().text(), HasSubstr("corpus/b.bin\": No such file"));
  EXPECT_THAT(gone.error().text(), HasSubstr("while making case 1"));

  folder.write("[odd]/corpus/a.bin", std::string(kMaxInputBytes + 1, 'x'));
  const auto large = spec->case_input(0);
  ASSERT_FALSE(large);
  EXPECT_THAT(large.error().text(), HasSubstr("larger than the limit of 16 MiB"));
}

TEST(Spec, CasesWithWrongValuesSayWhich) {
  const SweepSpec spec =
      parsed(minimal("n = [\"a\", 256, 255, \"0xff\", -128, \"-129\"]",
                     "[[patch]]\nmemory = \"0x80000000\"\nbytes = 1\nvalue = \"{n}\"\n"));
  const auto message = [&](u64 number) {
    const auto input = spec.case_input(number);
    return input ? std::string("good") : input.error().text();
  };
  EXPECT_EQ(message(0),
            "folder/sort.toml:7: \"value\" is \"a\", which is no 64-bit number: write 17, -17 or "
            "0x11.\n - while making case 0");
  EXPECT_EQ(message(1),
            "folder/sort.toml:7: \"value\" is 256, which takes more than the 1 byte of "
            "\"bytes\".\n - while making case 1");
  EXPECT_EQ(message(2), "good");
  EXPECT_EQ(message(3), "good");
  EXPECT_EQ(message(4), "good");
  EXPECT_THAT(message(5), HasSubstr("takes more than"));
}

TEST(Spec, PatternsTakeAnyBytes) {
  const auto pattern = compile_pattern("^DONE=(.)$");
  ASSERT_TRUE(pattern);
  std::string group;
  EXPECT_TRUE(re2::RE2::FullMatch("DONE=\xff", **pattern, &group));
  EXPECT_EQ(group, "\xff");
}

TEST(Spec, DeepAndLongDescriptionsAreRefused) {
  for (const char* path : {"x.toml", "x.json"}) {
    EXPECT_FALSE(parse_spec(std::string(100'000, '['), path));
    EXPECT_FALSE(parse_spec("{\"a\":" + std::string(100'000, '['), path));
    EXPECT_FALSE(parse_spec("a = " + std::string(100'000, '['), path));
    EXPECT_FALSE(parse_spec(std::string("\0\xff\xfe", 3), path));
    EXPECT_FALSE(parse_spec("a = [4\xcc\xbf", path));  // a letter that is no digit
    EXPECT_FALSE(parse_spec("", path));
  }
}

// What is said, with the line, of descriptions with one mistake.
struct Mistake {
  std::string text;
  std::string sentence;
};

void expect_sentences(std::span<const Mistake> mistakes) {
  for (const Mistake& mistake : mistakes) {
    SCOPED_TRACE(mistake.text);
    const bool is_json = mistake.text.starts_with("{");
    const std::string path = is_json ? "d/x.json" : "d/x.toml";
    const auto spec = parse_spec(mistake.text, path);
    ASSERT_FALSE(spec);
    EXPECT_EQ(spec.error().kind, ErrorKind::usage);
    EXPECT_EQ(spec.error().text(), path + ":" + mistake.sentence);
  }
}

std::string with_sweep(std::string_view line) {
  return fmt::format("[sweep]\nsnapshot = \"s\"\n{}\n[axes]\nn = [1]\n[[end]]\ninstructions = 1\n",
                     line);
}
// From line 7 on.
std::string with_rest(std::string_view rest) { return minimal("n = [1, 2]", rest); }
std::string with_patch(std::string_view lines) {
  return with_rest(fmt::format("[[patch]]\n{}\n", lines));
}
std::string with_end(std::string_view line) {
  return with_rest(fmt::format("[[end]]\n{}\n", line));
}
std::string with_fault(std::string_view lines) {
  return with_rest(fmt::format("[fault]\ncases = 1\n{}\n", lines));
}

TEST(Spec, MistakesInKeysAxesAndTemplatesAreOneSentence) {
  const Mistake mistakes[] = {
      // Keys and types.
      Mistake{"[sweep]\nsnapshoot = \"x\"\n",
              "2: There is no key \"snapshoot\" in [sweep]; did you mean \"snapshot\"?"},
      Mistake{"[sweep]\nname = \"x\"\n", "1: [sweep] needs the key \"snapshot\"."},
      Mistake{"[swep]\n",
              "1: There is no key \"swep\" in the description; did you mean \"sweep\"?"},
      Mistake{with_sweep("qqqqqq = 1"),
              "3: There is no key \"qqqqqq\" in [sweep]; there are \"snapshot\", \"name\", "
              "\"seed\", \"combine\" and \"machines\"."},
      Mistake{with_sweep("seed = \"x\""),
              "3: \"seed\" in [sweep] must be an integer, but it is the text \"x\"."},
      Mistake{with_sweep("seed = 1.5"),
              "3: \"seed\" in [sweep] must be an integer, but it is a number with a fraction."},
      Mistake{with_sweep("seed = 1979-05-27"),
              "3: \"seed\" in [sweep] must be an integer, but it is a date or a time."},
      Mistake{with_sweep("seed = -1"),
              "3: \"seed\" in [sweep] is -1, which is not from 0 to 9223372036854775807."},
      Mistake{with_sweep("machines = 0"),
              "3: \"machines\" in [sweep] is 0, which is not from 1 to 16777216."},
      Mistake{with_sweep("combine = \"all\""),
              "3: \"combine\" in [sweep] must be \"product\" or \"zip\", but it is the text "
              "\"all\"."},
      Mistake{with_sweep("name = \"\""),
              "3: \"name\" in [sweep] has 0 characters: there must be from 1 to 200."},
      Mistake{"[sweep]\nsnapshot = \"\"\n",
              "2: \"snapshot\" in [sweep] is a text that cannot be a path."},
      Mistake{"sweep = 1\n", "1: [sweep] must be a table, but it is an integer."},
      Mistake{"[sweep]\nsnapshot = [\n",
              "2: This is not TOML: Error while parsing array: encountered end-of-file."},
      // JSON: lines too.
      Mistake{"{\n \"sweep\": {\n  \"snapshoot\": 1}}",
              "3: There is no key \"snapshoot\" in [sweep]; did you mean \"snapshot\"?"},
      Mistake{"{\n \"sweep\": {\"snapshot\": \"s\",\n\n  \"seed\":\n\n  null}}",
              "4: \"seed\" in [sweep] must be an integer, but it is null."},
      Mistake{"{\"sweep\": {\"snapshot\": \"s\", \"seed\": 18446744073709551615}}",
              "1: \"seed\" in [sweep] must be an integer, but it is a number above "
              "9223372036854775807."},
      Mistake{"{\n\"a\": 1,\n\"a\": 2}", "3: The key \"a\" is given twice."},
      Mistake{"{\n\"a\": 1,\n}",
              "3: This is not JSON: syntax error while parsing object key - unexpected '}'; "
              "expected string literal."},
      // Axes.
      Mistake{minimal(""),
              "3: There is nothing to sweep: [axes] names no axis, and there is no [fault]."},
      Mistake{minimal("n = 1"),
              "4: The axis \"n\" must be a list of values or a table with \"range\", \"files\" "
              "or \"random\", but it is an integer."},
      Mistake{minimal("n = []"), "4: \"n\" in [axes] is an empty list."},
      Mistake{minimal("n = [1,\n nan]"),
              "4: \"n\" in [axes] may list texts, integers, finite numbers, true and false, but "
              "it has a number that is not finite in line 5."},
      Mistake{minimal("n = [[1]]"),
              "4: \"n\" in [axes] may list texts, integers, finite numbers, true and false, but "
              "it has a list in line 4."},
      Mistake{minimal("n = {}"),
              "4: The axis \"n\" needs one kind of values: \"range\", \"files\" or \"random\"."},
      Mistake{minimal("n = { range = [1, 2], files = \"x\" }"),
              "4: The axis \"n\" has both \"range\" and \"files\": it takes one kind of values."},
      Mistake{minimal("n = { range = [1, 2], count = 3 }"),
              "4: There is no key \"count\" in the axis \"n\"; there are \"range\" and \"step\"."},
      Mistake{minimal("n = { range = [1] }"),
              "4: \"range\" in the axis \"n\" must be a list of two integers, but it is a list."},
      Mistake{minimal("n = { range = [1, 2], step = 0 }"),
              "4: \"step\" in the axis \"n\" is 0, which does not lead from 1 to 2."},
      Mistake{minimal("n = { range = [1, 2], step = -1 }"),
              "4: \"step\" in the axis \"n\" is -1, which does not lead from 1 to 2."},
      Mistake{minimal("n = { range = [0, 0x7fffffffffffffff] }"),
              "4: \"range\" in the axis \"n\" has more values than the 1099511627776 cases that "
              "a sweep may have."},
      Mistake{minimal("n = { random = [0, 1] }"), "4: The axis \"n\" needs the key \"count\"."},
      Mistake{minimal("n = { random = [1, 0], count = 1 }"),
              "4: \"random\" in the axis \"n\" is from 1 to 0: the lower one comes first."},
      Mistake{minimal("n = { files = \"none/*.bin\" }"),
              "4: \"files\" in the axis \"n\" is \"d/none/*.bin\", which no file matches."},
      Mistake{minimal("case = [1]"),
              "4: \"case\" cannot be an axis: its name has letters, digits, \"_\" and \"-\", 64 "
              "at most, begins with a letter and is not \"case\"."},
      Mistake{minimal("n = [1]\nN = [1]"), "5: The axes \"n\" and \"N\" differ in case only."},
      Mistake{minimal("a = { range = [1, 1000000000] }\nb = { range = [1, 1000000000] }\nc = { "
                      "range = [1, 1000000000] }"),
              "3: That makes more than the 1099511627776 cases that a sweep may have."},
      Mistake{
          "[sweep]\nsnapshot = \"s\"\ncombine = \"zip\"\n[axes]\na = [1, 2]\nb = "
          "[1]\n[[end]]\ninstructions = 1\n",
          "6: \"combine\" is \"zip\", but the axis \"a\" has 2 values and the axis \"b\" has 1."},
      // Templates.
      Mistake{with_rest("[input]\ntype = \"{m}\"\n"),
              "8: \"{m}\" names no axis; did you mean \"n\"?"},
      Mistake{with_rest("[input]\ntype = \"{n\"\n"),
              "8: \"{n\" has a \"{\" that is not closed; write \"{{\" for the character."},
      Mistake{with_rest("[input]\ntype = \"n}\"\n"),
              "8: \"n}\" has a \"}\" that closes nothing; write \"}}\" for the character."},
      Mistake{with_rest("[input]\ntype = \"{n:d}\"\n"),
              "8: \"{n:d}\" asks for the format \"d\"; there is only \"x\"."},
      Mistake{minimal("n = [\"a\"]", "[input]\ntype = \"{n:x}\"\n"),
              "8: \"{n:x}\" asks for hexadecimal, but not all values of the axis \"n\" are "
              "integers."},
      Mistake{with_rest("[input]\nmailbox = \"x\"\n"),
              "8: \"mailbox\" in [input] must be a table, but it is a text."},
      Mistake{with_rest("[input]\nmailbox = {}\n"),
              "8: \"mailbox\" in [input] needs one content: \"file\" or \"text\"."}};
  expect_sentences(mistakes);
}

TEST(Spec, MistakesInTheOtherTablesAreOneSentence) {
  const Mistake mistakes[] = {
      // Patches.
      Mistake{with_rest("patch = 1\n"),
              "7: There is no key \"patch\" in [[end]] 1; there are \"text\", \"regex\", "
              "\"exit_status\", \"instructions\", \"idle\" and \"verdict\"."},
      Mistake{with_patch("value = 1"),
              "7: [[patch]] 1 needs one target: \"register\", \"csr\", \"field\" or \"memory\"."},
      Mistake{
          with_patch("register = \"a0\""),
          "7: [[patch]] 1 needs one content: \"value\", \"flip\", \"set\", \"clear\", \"hex\" or "
          "\"file\"."},
      Mistake{with_patch("register = \"a9\"\nvalue = 1"),
              "8: There is no register \"a9\"; did you mean \"a0\"?"},
      Mistake{with_patch("register = \"zero\"\nvalue = 1"),
              "8: The register \"zero\" is always 0."},
      Mistake{with_patch("csr = \"mepcc\"\nvalue = 1"),
              "8: There is no CSR \"mepcc\"; did you mean \"mepc\"?"},
      Mistake{with_patch("field = \"hart.x[32]\"\nvalue = 1"),
              "8: The field \"hart.x\" is an array: write \"hart.x[0]\" to \"hart.x[31]\", not "
              "\"hart.x[32]\"."},
      Mistake{with_patch("field = \"hart.pc[0]\"\nvalue = 1"),
              "8: The field \"hart.pc\" is no array, so \"hart.pc[0]\" says too much."},
      Mistake{with_patch("field = \"hart.pcc\"\nvalue = 1"),
              "8: There is no field \"hart.pcc\"; did you mean \"hart.pc\"?"},
      Mistake{with_patch("memory = \"0x8040000g\"\nvalue = 1"),
              "8: \"memory\" is \"0x8040000g\", which is no address: write \"0x80400000\", "
              "\"symbol\" or \"symbol+0x10\"."},
      Mistake{with_patch("memory = \"a\"\nvalue = 1\nbytes = 3"),
              "10: \"bytes\" in [[patch]] 1 is 3: there are 1, 2, 4 and 8."},
      Mistake{with_patch("memory = \"a\"\nvalue = 0x100\nbytes = 1"),
              "9: \"value\" is 256, which takes more than the 1 byte of \"bytes\"."},
      Mistake{with_patch("memory = \"a\"\nflip = 32"),
              "9: The bit \"32\" is no number from 0 to 31."},
      Mistake{with_patch("memory = \"a\"\nhex = \"abc\""),
              "9: \"hex\" has 3 digits: it takes two for each byte."},
      Mistake{with_patch("memory = \"a\"\nhex = \"zz\""),
              "9: \"hex\" has \"zz\", which are no hexadecimal digits."},
      Mistake{with_patch("memory = \"a\"\nhex = \"ab\"\nbytes = 1"),
              "10: \"bytes\" in [[patch]] 1 is for \"memory\" with \"value\", \"flip\", \"set\" "
              "or \"clear\"."},
      Mistake{with_patch("register = \"a0\"\nhex = \"ab\""),
              "9: \"hex\" in [[patch]] 1 is for \"memory\", not for \"register\"."},
      Mistake{with_patch("register = \"a0\"\nvalue = 1\nat = \"1X\""),
              "10: \"at\" is \"1X\", which is no count of instructions up to 9e15: write 1000, "
              "30M or 2.5G."},
      // Ends.
      Mistake{"[sweep]\nsnapshot = \"s\"\n[axes]\nn = [1]\n",
              "1: The description needs the key \"end\"."},
      Mistake{"end = []\n[sweep]\nsnapshot = \"s\"\n[axes]\nn = [1]\n",
              "1: \"end\" must be a list of tables, each written as [[end]], but it is empty."},
      Mistake{"[sweep]\nsnapshot = \"s\"\n[axes]\nn = [1]\n[[end]]\ntext = \"x\"\n",
              "5: There must be one [[end]] with \"instructions\", so that every case ends, but "
              "there are 0."},
      Mistake{with_end("instructions = 5"),
              "5: There must be one [[end]] with \"instructions\", so that every case ends, but "
              "there are 2."},
      Mistake{with_end("text = \"\""),
              "8: \"text\" in [[end]] 2 is empty: any output would end the case."},
      Mistake{with_end("regex = \"(\""),
              "8: \"regex\" in [[end]] 2 is \"(\", which RE2 refuses: missing ): (."},
      Mistake{with_end("exit_status = \"all\""),
              "8: \"exit_status\" in [[end]] 2 must be a status or \"any\", but it is the text "
              "\"all\"."},
      Mistake{with_end("idle = \"0ms\""),
              "8: \"idle\" in [[end]] 2 must be a time above 0 (\"2s\", \"100ms\", \"250us\"), "
              "but it is the text \"0ms\"."},
      Mistake{with_end("text = \"x\"\nverdict = \"It's\""),
              "9: \"verdict\" in [[end]] 2 must be a word of a-z, 0-9, \"_\" and \"-\", 64 at "
              "most, but it is the text \"It's\"."},
      Mistake{with_end("text = \"x\"\nidle = \"1s\""),
              "9: [[end]] 2 has both \"text\" and \"idle\": it takes one condition."},
      // Kept ranges and faults.
      Mistake{with_rest("[keep]\nconsole = 1\n"),
              "8: \"console\" in [keep] must be true or false, but it is 1."},
      Mistake{with_rest("[keep]\nmemory = [ { at = \"a\" } ]\n"),
              "8: \"memory\" 1 in [keep] needs the key \"bytes\"."},
      Mistake{
          with_rest("[keep]\nmemory = [ { at = \"a\", bytes = 1 }, { at = \"a\", bytes = 2 } ]\n"),
          "8: Two ranges of \"memory\" in [keep] are called \"a\"."},
      Mistake{with_rest("[symbols]\n"), "7: [symbols] needs the key \"file\"."},
      Mistake{with_rest("[fault]\ntargets = [\"pc\"]\n"), "7: [fault] needs the key \"cases\"."},
      Mistake{with_fault("targets = [\"regster\"]"),
              "9: \"targets\" in [fault] cannot have \"regster\"; did you mean \"register\"?"},
      Mistake{with_fault("targets = []"), "9: \"targets\" in [fault] is a list without texts."},
      Mistake{with_fault("targets = [\"pc\", \"pc\"]"),
              "9: \"targets\" in [fault] has \"pc\" twice."},
      Mistake{with_fault("targets = [\"pc\"]\nbetween = [5, 5]"),
              "10: \"between\" in [fault] is from 5 to 5, which is no instruction."},
      Mistake{
          with_fault("targets = [\"pc\"]\nregisters = [\"a0\"]"),
          "10: \"registers\" in [fault] says which, but \"targets\" does not have \"register\"."},
      Mistake{with_fault("targets = [\"register\"]\nregisters = [\"a0\", \"x10\"]"),
              "10: \"registers\" in [fault] has \"x10\" twice."},
      Mistake{with_fault("targets = [\"csr\"]\ncsrs = [\"mepd\"]"),
              "10: There is no CSR \"mepd\"; did you mean \"mepc\"?"},
      Mistake{with_fault("targets = [\"pc\"]\ndetected = \"[\""),
              "10: \"detected\" in [fault] is \"[\", which RE2 refuses: missing ]: [."}};
  expect_sentences(mistakes);
}

TEST(Spec, MustBeCalledTomlOrJson) {
  const auto spec = parse_spec("", "x.yaml");
  ASSERT_FALSE(spec);
  EXPECT_EQ(spec.error().text(),
            "The description \"x.yaml\" must be called NAME.toml or NAME.json.");
  EXPECT_EQ(read_spec("/nonexistent.toml").error().kind, ErrorKind::io);
}

}  // namespace
}  // namespace rookery::sweep
