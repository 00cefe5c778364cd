// SPDX-License-Identifier: Apache-2.0
// The report: what is in it, that it is well formed, and that nothing from guests gets into its
// markup.
#include "sweep/report.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sweep/report_charts.h"
#include "sweep/small_sweep.h"
#include "sweep/temporary_folder.h"

namespace rookery::sweep {
namespace {

using test::TemporaryFolder;
using testing::HasSubstr;
using testing::Not;

std::string report_of(const std::string& path) {
  auto reader = ResultsReader::open(path);
  EXPECT_TRUE(reader) << reader.error().text();
  std::string html;
  auto done = write_report(*reader, [&html](std::string_view piece) -> Result<void> {
    html += piece;
    return {};
  });
  EXPECT_TRUE(done) << done.error().text();
  return html;
}

template <class Make>
void write_results(const std::string& path, const SweepSpec& spec, u64 count, Make make) {
  auto writer = ResultsWriter::open(path, spec, "", test_session());
  ASSERT_TRUE(writer) << writer.error().text();
  for (u64 i = 0; i < count; ++i) ASSERT_TRUE(writer->add(make(i)));
  ASSERT_TRUE(writer->close());
}

// Elements are opened and closed in pairs. A small reader of our own: what the report writes is a
// subset of XML, but for a few elements that HTML never closes.
void expect_well_formed(const std::string& html) {
  std::vector<std::string> open;
  for (std::size_t at = html.find('<', html.find("<html")); at != std::string::npos;
       at = html.find('<', at + 1)) {
    const std::size_t end = html.find('>', at);
    ASSERT_NE(end, std::string::npos);
    std::string tag = html.substr(at + 1, end - at - 1);
    if (tag.ends_with('/')) continue;
    const bool closes = tag.starts_with('/');
    const std::string name =
        tag.substr(closes ? 1 : 0, tag.find_first_of(" \n", closes ? 1 : 0) - (closes ? 1 : 0));
    if (name == "meta" || name == "br") continue;
    if (!closes) {
      open.push_back(name);
      continue;
    }
    ASSERT_FALSE(open.empty());
    ASSERT_EQ(open.back(), name) << html.substr(at > 200 ? at - 200 : 0, 250);
    open.pop_back();
  }
  EXPECT_TRUE(open.empty());
}

TEST(Report, TellsWhatCameOfASweep) {
  const TemporaryFolder folder;
  write_results(folder.path("r.db"), small_sweep(), 190, small_result);
  const std::string html = report_of(folder.path("r.db"));
  expect_well_formed(html);
  EXPECT_THAT(html, HasSubstr("<title>small \xe2\x80\x93 Rookery sweep</title>"));
  EXPECT_THAT(html, HasSubstr("<dd>190 of 200</dd>"));
  EXPECT_THAT(html, HasSubstr("<dd>booted.rook</dd>"));
  EXPECT_THAT(html, HasSubstr("<td class=\"n\">152</td><td class=\"n\">80.0 %</td><td class=\"n "
                              "soft\">73.7 % \xe2\x80\x93 85.1 %</td>"));
  EXPECT_THAT(html, HasSubstr("All 38 failures, rare verdicts first"));
  EXPECT_THAT(html, HasSubstr("rookery sweep small.toml --case 183 --engine cpu"));
  EXPECT_THAT(html, HasSubstr("The cases ended in 4 different machine states."));
  EXPECT_THAT(html, HasSubstr("Failures by n and word"));
  EXPECT_THAT(html, Not(HasSubstr("By fault")));
  // Nothing from elsewhere, nothing that runs.
  for (const char* foreign : {"<script", "http://", "https://", "url(", "@import", "src=", "href="})
    EXPECT_THAT(html, Not(HasSubstr(foreign)));
}

TEST(Report, TellsWhatCameOfFaults) {
  const TemporaryFolder folder;
  const SweepSpec spec =
      small_sweep(10, "[fault]\ncases = 100\ntargets = [\"register\", \"csr\"]\n");
  write_results(folder.path("r.db"), spec, 500, [](u64 i) {
    CaseResult result = small_result(i);
    result.verdict = i % 3 == 0 ? "masked" : i % 3 == 1 ? "sdc" : "crash";
    const bool is_csr = i % 4 == 0;
    result.fault = InjectedFault{
        {is_csr ? FaultTarget::csr : FaultTarget::register_, i, FaultKind::flip, i * 100},
        is_csr ? "mepc" : "a0",
        3};
    if (i % 10 == 0) result.parting = {i, 0x80001000 + i % 20, i % 20 == 0 ? "do<trap>" : ""};
    return result;
  });
  const std::string html = report_of(folder.path("r.db"));
  expect_well_formed(html);
  EXPECT_THAT(html, HasSubstr("Fault injection over"));
  for (const char* part :
       {"<h2>By fault</h2>", ">Target<", ">Registers<", ">CSRs<", "Time of injection", ">mepc<",
        "<h2>Where cases part</h2>", "50 of 500 cases left", "at 2 different instructions",
        "<code>0x8000100a</code>", "do&lt;trap&gt;"})
    EXPECT_THAT(html, HasSubstr(part));
}

TEST(Report, EscapesWhatGuestsAndDescriptionsSay) {
  const TemporaryFolder folder;
  const std::string evil = "<script>alert('1')</script>\"'&\x1b[31m\xff";
  auto spec = parse_spec(
      "[sweep]\nsnapshot = \"<script>s\"\nname = \"<script>n\"\n[axes]\nx = [\"<script>v\", \"' "
      "onload='\"]\n[[end]]\ninstructions = 1\n",
      folder.path("<script>'p.toml"));
  ASSERT_TRUE(spec) << spec.error().text();
  write_results(folder.path("r.db"), *spec, 2, [&](u64 i) {
    CaseResult result;
    result.number = i;
    result.verdict = "<script>w" + evil;
    result.end = evil;
    result.console = evil + "\n" + evil;
    result.groups = {evil};
    result.memory = {{evil, 0, evil}};
    result.fault = InjectedFault{{}, evil, 0};
    return result;
  });
  const std::string html = report_of(folder.path("r.db"));
  expect_well_formed(html);
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr(" onload='")));
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;alert(&#39;1&#39;)&lt;/"
                              "script&gt;&quot;&#39;&amp;\xe2\x90\x9b[31m\xef\xbf\xbd"));
  // For a shell, the path is one word.
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;&#39;\\&#39;&#39;p.toml&#39; --case 0"));
}

TEST(Report, StaysSmall) {
  const TemporaryFolder folder;
  const SweepSpec spec = small_sweep(10'000);
  write_results(folder.path("r.db"), spec, 20'000, [](u64 i) {
    CaseResult result = small_result(i);
    result.verdict = i == 77 ? "rare" : "fail";
    result.console = std::string(5000, 'x');
    return result;
  });
  const std::string html = report_of(folder.path("r.db"));
  expect_well_formed(html);
  EXPECT_THAT(html, HasSubstr("500 of 20,000 failures"));
  EXPECT_THAT(html, HasSubstr("--case 77 "));
  EXPECT_LT(html.size(), 2'000'000u);
}

TEST(Report, OfNothingSaysSo) {
  const TemporaryFolder folder;
  write_results(folder.path("r.db"), small_sweep(), 0, small_result);
  const std::string html = report_of(folder.path("r.db"));
  expect_well_formed(html);
  EXPECT_THAT(html, HasSubstr("There are no results yet."));
}

TEST(Report, NumbersAreReadable) {
  EXPECT_EQ(grouped_number(0), "0");
  EXPECT_EQ(grouped_number(999), "999");
  EXPECT_EQ(grouped_number(1000), "1,000");
  EXPECT_EQ(grouped_number(1234567), "1,234,567");
  EXPECT_EQ(short_number(0), "0");
  EXPECT_EQ(short_number(999), "999");
  EXPECT_EQ(short_number(999.7), "1 k");
  EXPECT_EQ(short_number(1234567), "1.23 M");
  EXPECT_EQ(percent(0), "0 %");
  EXPECT_EQ(percent(1), "100 %");
  EXPECT_EQ(percent(0.0123), "1.23 %");
  EXPECT_EQ(percent(0.123), "12.3 %");
}

TEST(Report, ColoursAreDifferentAsLongAsTheyLast) {
  std::vector<VerdictCount> verdicts;
  for (const char* verdict : {"limit", "a", "pass", "hang", "b", "masked", "c"})
    verdicts.push_back({verdict, 1});
  const VerdictColours colours(verdicts);
  std::set<std::string> seen;
  for (std::size_t i = 0; i < verdicts.size(); ++i) seen.insert(colours.colour(i));
  EXPECT_EQ(seen.size(), verdicts.size());
  EXPECT_EQ(colours.colour(2), "var(--v0)");
  for (u32 i = 0; i < 30; ++i) verdicts.push_back({fmt::format("w{}", i), 1});
  EXPECT_EQ(VerdictColours(verdicts).size(), 37u);
}

}  // namespace
}  // namespace rookery::sweep
