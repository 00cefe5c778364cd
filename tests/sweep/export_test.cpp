// SPDX-License-Identifier: Apache-2.0
// Results as JSONL, CSV and JUnit XML: of any bytes, what other programs can read.
#include "sweep/export.h"

#include <sys/wait.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sweep/console_tail.h"
#include "sweep/escape.h"
#include "sweep/small_sweep.h"
#include "sweep/temporary_folder.h"

namespace rookery::sweep {
namespace {

using namespace std::string_literals;

using nlohmann::json;
using test::TemporaryFolder;
using testing::HasSubstr;

const std::string kNasty =
    "a,\"b\"\r\n<i>&amp;\t\0\x1b[31m\x7f caf\xc3\xa9 \xff\xed\xa0\x80 \xef\xbf\xbf]]>'end"s;

using Export = Result<void> (*)(ResultsReader&, const ByteSink&);

class Exports : public testing::Test {
 protected:
  void SetUp() override {
    const SweepSpec spec = small_sweep(20, "[fault]\ncases = 2\ntargets = [\"register\"]\n");
    auto writer = ResultsWriter::open(folder_.path("r.db"), spec, "", test_session());
    ASSERT_TRUE(writer) << writer.error().text();
    // Not in order.
    for (const u64 number : {u64{5}, u64{0}, u64{3}})
      ASSERT_TRUE(writer->add(small_result(number)));
    CaseResult nasty = small_result(7);
    nasty.console = kNasty;
    nasty.groups = {kNasty, "2"};
    nasty.status = 3;
    nasty.fault = InjectedFault{{FaultTarget::memory, 9, FaultKind::set, 55}, "0x80400000", 4};
    nasty.parting = {40, 0x80001234, "a\"b"};
    nasty.memory = {{"result", 0x80400000, std::string("\x00\xab", 2)}};
    ASSERT_TRUE(writer->add(nasty));
    ASSERT_TRUE(writer->close());
  }

  std::string exported(Export how) {
    auto reader = ResultsReader::open(folder_.path("r.db"));
    EXPECT_TRUE(reader);
    std::string all;
    auto done = how(*reader, [&all](std::string_view piece) -> Result<void> {
      all += piece;
      return {};
    });
    EXPECT_TRUE(done) << done.error().text();
    return all;
  }

  TemporaryFolder folder_;
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t at = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', at)) {
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  EXPECT_EQ(at, text.size());
  return lines;
}

TEST_F(Exports, JsonlIsJsonInTheOrderOfCases) {
  const auto lines = lines_of(exported(export_jsonl));
  ASSERT_EQ(lines.size(), 4u);
  std::vector<json> cases;
  for (const std::string& line : lines) {
    cases.push_back(json::parse(line, nullptr, false));
    ASSERT_TRUE(cases.back().is_object()) << line;
  }
  EXPECT_EQ(lines[0],
            R"({"case":0,"axes":{"n":1,"word":"a"},"verdict":"pass","end":"text","rule":0,)"
            R"("instructions":1000,"state_hash":"00000000abcd0000","dirty_pages":0,)"
            R"("console":"case 0\nDONE=0\n"})");
  EXPECT_EQ(cases[1]["case"], 3);
  EXPECT_EQ(cases[2]["case"], 5);
  const json& nasty = cases[3];
  EXPECT_EQ(nasty["axes"]["word"], "b");
  EXPECT_EQ(nasty["status"], 3);
  EXPECT_EQ(nasty["fault"]["place"], "0x80400000");
  EXPECT_EQ(nasty["parted"], json::parse(R"({"at":40,"pc":"0x80001234","symbol":"a\"b"})"));
  EXPECT_EQ(nasty["memory"]["result"]["hex"], "00ab");
  EXPECT_EQ(nasty["console_base64"], base64(kNasty));
  EXPECT_THAT(nasty["console"].get<std::string>(),
              HasSubstr("caf\xc3\xa9 \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd "));
  EXPECT_EQ(nasty["groups"][1], "2");
}

// RFC 4180, section 2.
std::vector<std::vector<std::string>> parse_csv(const std::string& text) {
  std::vector<std::vector<std::string>> rows(1, {""});
  bool is_quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string& field = rows.back().back();
    if (is_quoted) {
      if (text[i] != '"') {
        field += text[i];
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        field += text[++i];
      } else {
        is_quoted = false;
      }
    } else if (text[i] == '"') {
      EXPECT_EQ(field, "");
      is_quoted = true;
    } else if (text[i] == ',') {
      rows.back().emplace_back();
    } else if (text[i] == '\r') {
      EXPECT_EQ(text[++i], '\n');
      rows.push_back({""});
    } else {
      field += text[i];
    }
  }
  EXPECT_FALSE(is_quoted);
  rows.pop_back();
  return rows;
}

TEST_F(Exports, CsvIsRfc4180) {
  const auto rows = parse_csv(exported(export_csv));
  ASSERT_EQ(rows.size(), 5u);
  for (const auto& row : rows) EXPECT_EQ(row.size(), rows[0].size());
  EXPECT_THAT(rows[0], testing::ElementsAre("case", "n", "word", "verdict", "end", "rule", "groups",
                                            "status", "instructions", "state_hash", "dirty_pages",
                                            "fault_target", "fault_kind", "fault_at", "fault_bit",
                                            "fault_place", "fault_place_bit", "parted_at",
                                            "parted_pc", "parted_symbol", "console"));
  EXPECT_THAT(rows[1], testing::ElementsAre("0", "1", "a", "pass", "text", "0", "", "", "1000",
                                            "00000000abcd0000", "0", "", "", "", "", "", "", "", "",
                                            "", "case 0\nDONE=0\n"));
  const std::string& console = rows[4].back();
  EXPECT_THAT(console, HasSubstr("a,\"b\"\r\n<i>"));
  EXPECT_TRUE(is_utf8(console));
  EXPECT_EQ(console.find('\0'), std::string::npos);
}

TEST_F(Exports, JunitIsWellFormedXml) {
  const std::string xml = exported(export_junit);
  EXPECT_THAT(xml, HasSubstr("<testsuites tests=\"4\" failures=\"2\" errors=\"0\">"));
  EXPECT_THAT(xml, HasSubstr("<testcase classname=\"small\" name=\"case 0 n=1 word=a\"/>"));
  EXPECT_THAT(xml,
              HasSubstr("<failure type=\"limit\" message=\"limit after 1049 instructions (end: "
                        "instructions)\">a,&quot;b&quot;\xe2\x90\x8d\n&lt;i&gt;&amp;amp;"
                        "\t\xe2\x90\x80\xe2\x90\x9b[31m\xe2\x90\xa1 "));
  EXPECT_THAT(xml, HasSubstr("name=\"case 7 n=2 word=b set 0x80400000 bit 4 at 55\""));
  EXPECT_TRUE(is_utf8(xml));
  for (const char c : xml) EXPECT_TRUE(static_cast<u8>(c) >= 0x20 || c == '\n' || c == '\t');
  if (std::system("command -v xmllint > /dev/null") != 0) return;
  folder_.write("r.xml", xml);
  EXPECT_EQ(std::system(fmt::format("xmllint --noout {}", folder_.path("r.xml")).c_str()), 0);
}

TEST_F(Exports, StopWhenTheSinkDoes) {
  auto reader = ResultsReader::open(folder_.path("r.db"));
  ASSERT_TRUE(reader);
  for (const Export how : {export_jsonl, export_csv, export_junit}) {
    const auto done =
        how(*reader, [](std::string_view) -> Result<void> { return fail(ErrorKind::io, "Full."); });
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().text(), "Full.");
  }
}

TEST(Escape, ReplacesWhatIsNotUtf8) {
  const std::string replaced = "\xef\xbf\xbd";
  EXPECT_EQ(json_text("\x80"), "\"" + replaced + "\"");
  EXPECT_EQ(json_text("\xe2\x82"), "\"" + replaced + "\"");             // cut: one
  EXPECT_EQ(json_text("\xc0\xaf"), "\"" + replaced + replaced + "\"");  // overlong
  EXPECT_EQ(json_text("\xf5\x80"), "\"" + replaced + replaced + "\"");
  EXPECT_EQ(json_text("\xf0\x9f\x90\xa7"), "\"\xf0\x9f\x90\xa7\"");
  EXPECT_FALSE(is_utf8("\xed\xa0\x80"));  // a surrogate
  EXPECT_FALSE(is_utf8("\xf4\x90\x80\x80"));
  EXPECT_TRUE(is_utf8("\xf4\x8f\xbf\xbf"));
  for (u32 i = 0; i < 65536; ++i) {
    const std::string bytes = {static_cast<char>(i >> 8), static_cast<char>(i), 'x'};
    ASSERT_EQ(json::parse(json_text(bytes), nullptr, false).is_string(), true) << i;
    ASSERT_TRUE(is_utf8(markup_text(bytes)) && is_utf8(csv_field(bytes))) << i;
  }
}

TEST(Escape, Base64IsThatOfRfc4648) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xff\xfe"), "//4=");
}

TEST(Escape, TailsAreWholeLines) {
  EXPECT_EQ(console_tail("a\nb\nc\n\n", 2, 100), "b\nc");
  EXPECT_EQ(console_tail("a\nb", 5, 100), "a\nb");
  EXPECT_EQ(console_tail("\na", 1, 100), "a");
  EXPECT_EQ(console_tail("", 5, 100), "");
  EXPECT_EQ(console_tail("\n\n", 5, 100), "");
  EXPECT_EQ(console_tail("aaaa\nbbbb\ncc", 5, 6), "cc");
  EXPECT_EQ(console_tail("aaaaaaaa", 5, 3), "aaa");
}

}  // namespace
}  // namespace rookery::sweep
