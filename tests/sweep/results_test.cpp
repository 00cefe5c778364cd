// SPDX-License-Identifier: Apache-2.0
// Files of results: what is written is read, each case once whenever the writer is killed, and
// broken, foreign and full files are refused in words.
#include "sweep/results.h"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sweep/results_reader.h"
#include "sweep/small_sweep.h"
#include "sweep/temporary_folder.h"

namespace rookery::sweep {
namespace {

using test::TemporaryFolder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

Result<ResultsWriter> open_writer(const std::string& path, const SweepSpec& spec,
                                  const WriterOptions& options = {}) {
  return ResultsWriter::open(path, spec, "snapshot 1", test_session(), options);
}

// Writes cases [first, end).
void write_cases(const std::string& path, const SweepSpec& spec, u64 first, u64 end) {
  auto writer = open_writer(path, spec);
  ASSERT_TRUE(writer) << writer.error().text();
  for (u64 i = first; i < end; ++i) {
    auto added = writer->add(small_result(i));
    ASSERT_TRUE(added) << added.error().text();
  }
  auto closed = writer->close();
  ASSERT_TRUE(closed) << closed.error().text();
}

ResultsReader open_reader(const std::string& path) {
  auto reader = ResultsReader::open(path);
  EXPECT_TRUE(reader) << reader.error().text();
  if (!reader) std::abort();
  return *std::move(reader);
}

std::string read_text(const std::string& path) {
  const auto bytes = read_file(path, "test", u64{1} << 30);
  EXPECT_TRUE(bytes);
  return bytes ? std::string(bytes->begin(), bytes->end()) : std::string();
}

TEST(Results, AreReadAsTheyWereWritten) {
  const TemporaryFolder folder;
  const SweepSpec spec = small_sweep(100, "[fault]\ncases = 2\ntargets = [\"register\"]\n");
  CaseResult result = small_result(7);
  result.groups = {"one", "caf\xc3\xa9", "\xff"};
  result.status = 3;
  result.console = std::string("\0\xff\n<b>", 6);
  result.console_cut = 5;
  result.fault = InjectedFault{{FaultTarget::csr, 77, FaultKind::stuck1, 123456}, "mepc", 13};
  result.parting = {4321, 0xffffffff80001234, "memcpy+0x10"};
  result.memory = {{"b", 0x80400000, std::string("\0\1", 2)}, {"a", 0x80000000, ""}};
  {
    auto writer = open_writer(folder.path("r.db"), spec);
    ASSERT_TRUE(writer) << writer.error().text();
    ASSERT_TRUE(writer->add(result));
    CaseResult bare;
    bare.number = 8;
    bare.verdict = "pass";
    bare.end = "idle";
    ASSERT_TRUE(writer->add(bare));
    ASSERT_TRUE(writer->set_golden(3, {"pass", "text", 999, 0, 0x123, "golden"}));
    ASSERT_TRUE(writer->set_golden(3, {"pass", "text", 1000, 0, 0x123, "golden"}));
    EXPECT_EQ((*writer->golden(3))->instructions, 1000u);
    ASSERT_TRUE(writer->close());
  }
  ResultsReader reader = open_reader(folder.path("r.db"));
  EXPECT_EQ(reader.info().identity, spec.identity());
  EXPECT_EQ(reader.info().name, "small");
  EXPECT_EQ(reader.info().spec, spec.source);
  EXPECT_EQ(reader.info().case_count, 400u);
  EXPECT_THAT(reader.info().axes, ElementsAre("n", "word"));

  const auto found = reader.find(7);
  ASSERT_TRUE(found && *found) << found.error().text();
  const CaseResult& read = **found;
  EXPECT_EQ(read.number, 7u);
  ASSERT_EQ(read.axes.size(), 2u);
  EXPECT_EQ(read.axes[0].axis, "n");
  EXPECT_EQ(std::get<i64>(read.axes[0].value), 2);
  EXPECT_EQ(std::get<std::string>(read.axes[1].value), "b");
  EXPECT_EQ(read.verdict, "limit");
  EXPECT_EQ(read.end, "instructions");
  EXPECT_EQ(read.rule, 1u);
  EXPECT_THAT(read.groups, ElementsAre("one", "caf\xc3\xa9", "\xef\xbf\xbd"));
  EXPECT_EQ(read.status, 3u);
  EXPECT_EQ(read.instructions, 1049u);
  EXPECT_EQ(read.state_hash, 0xabcd0003u);
  EXPECT_EQ(read.dirty_pages, 7u);
  EXPECT_EQ(read.console, result.console);
  EXPECT_EQ(read.console_cut, 5u);
  ASSERT_TRUE(read.parting);
  EXPECT_EQ(read.parting->at, 4321u);
  EXPECT_EQ(read.parting->pc, 0xffffffff80001234u);
  EXPECT_EQ(read.parting->symbol, "memcpy+0x10");
  const auto partings = reader.parting_groups(5);
  ASSERT_TRUE(partings) << partings.error().text();
  EXPECT_EQ(partings->cases, 1u);
  EXPECT_EQ(partings->distinct, 1u);
  ASSERT_EQ(partings->largest.size(), 1u);
  EXPECT_EQ(partings->largest[0].earliest, 4321u);
  EXPECT_EQ(partings->largest[0].first_case, 7u);
  ASSERT_TRUE(read.fault);
  EXPECT_EQ(read.fault->fault, result.fault->fault);
  EXPECT_EQ(read.fault->place, "mepc");
  EXPECT_EQ(read.fault->place_bit, 13u);
  ASSERT_EQ(read.memory.size(), 2u);
  EXPECT_EQ(read.memory[0].name, "a");
  EXPECT_EQ(read.memory[0].bytes, "");
  EXPECT_EQ(read.memory[1].bytes, std::string("\0\1", 2));

  const auto bare = reader.find(8);
  ASSERT_TRUE(bare && *bare);
  EXPECT_FALSE((*bare)->console || (*bare)->rule || (*bare)->status || (*bare)->state_hash ||
               (*bare)->dirty_pages || (*bare)->fault);
  EXPECT_FALSE(*reader.find(9));
  const auto golden = reader.golden(3);
  ASSERT_TRUE(golden && *golden);
  EXPECT_EQ((*golden)->console, "golden");
  EXPECT_EQ((*golden)->state_hash, 0x123u);
  EXPECT_FALSE(*reader.golden(4));
}

TEST(Results, GoOnWhereTheyStopped) {
  const TemporaryFolder folder;
  const std::string path = folder.path("r.db");
  const SweepSpec spec = small_sweep();
  write_cases(path, spec, 0, 50);
  write_cases(path, spec, 60, 70);
  auto writer = open_writer(path, spec);
  ASSERT_TRUE(writer) << writer.error().text();
  EXPECT_THAT(writer->done().ranges(), ElementsAre(Pair(0u, 50u), Pair(60u, 70u)));
  EXPECT_EQ(writer->done().size(), 60u);
  EXPECT_EQ(writer->done().next_missing(0), 50u);
  const auto again = writer->add(small_result(65));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().text(), "Case 65 of \"small\" has a result already.");
  const auto beyond = writer->add(small_result(200));
  ASSERT_FALSE(beyond);
  EXPECT_EQ(beyond.error().text(), "Case 200 is none of the 200 cases of \"small\".");
  ASSERT_TRUE(writer->add(small_result(55)));
  const auto twice = writer->add(small_result(55));
  EXPECT_FALSE(twice);
  ASSERT_TRUE(writer->close());
  EXPECT_FALSE(file_exists(path + "-wal"));
  EXPECT_FALSE(file_exists(path + ".lock"));

  ResultsReader reader = open_reader(path);
  EXPECT_EQ(*reader.case_count(), 61u);
  const auto sessions = reader.sessions();
  ASSERT_TRUE(sessions);
  ASSERT_EQ(sessions->size(), 3u);
  EXPECT_EQ((*sessions)[0].cases, 50u);
  EXPECT_EQ((*sessions)[1].machines, 64u);
  EXPECT_EQ((*sessions)[2].cases, 1u);
  EXPECT_EQ((*sessions)[2].instructions, small_result(55).instructions);
}

TEST(Results, CommitByCountByBytesAndByTime) {
  const TemporaryFolder folder;
  const SweepSpec spec = small_sweep();
  const auto committed = [](const std::string& path) { return *open_reader(path).case_count(); };
  WriterOptions never;
  never.commit_us = ~u64{0} >> 2;
  WriterOptions by_count = never;
  by_count.commit_cases = 3;
  auto writer = open_writer(folder.path("count.db"), spec, by_count);
  ASSERT_TRUE(writer);
  ASSERT_TRUE(writer->add(small_result(0)) && writer->add(small_result(1)));
  EXPECT_EQ(committed(folder.path("count.db")), 0u);
  ASSERT_TRUE(writer->add(small_result(2)));
  EXPECT_EQ(committed(folder.path("count.db")), 3u);

  WriterOptions by_bytes = never;
  by_bytes.commit_bytes = 1000;
  auto large = open_writer(folder.path("bytes.db"), spec, by_bytes);
  ASSERT_TRUE(large);
  CaseResult result = small_result(0);
  result.console = std::string(1000, 'x');
  ASSERT_TRUE(large->add(result));
  EXPECT_EQ(committed(folder.path("bytes.db")), 1u);

  WriterOptions by_time = never;
  by_time.commit_us = 20'000;
  auto slow = open_writer(folder.path("time.db"), spec, by_time);
  ASSERT_TRUE(slow);
  ASSERT_TRUE(slow->add(small_result(0)));
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  ASSERT_TRUE(slow->add(small_result(1)));
  EXPECT_EQ(committed(folder.path("time.db")), 2u);
}

TEST(Results, LongConsolesLoseTheirBeginning) {
  const TemporaryFolder folder;
  auto writer = open_writer(folder.path("r.db"), small_sweep());
  ASSERT_TRUE(writer);
  CaseResult result = small_result(0);
  result.console = "head" + std::string(kMaxConsoleBytes - 4, 'x') + "tail";
  ASSERT_TRUE(writer->add(result));
  ASSERT_TRUE(writer->close());
  const auto read = open_reader(folder.path("r.db")).find(0);
  ASSERT_TRUE(read && *read);
  EXPECT_EQ((*read)->console->size(), kMaxConsoleBytes);
  EXPECT_EQ((*read)->console_cut, 4u);
  EXPECT_TRUE((*read)->console->ends_with("xtail"));
}

TEST(Results, OfSomethingElseAreRefused) {
  const TemporaryFolder folder;
  const std::string path = folder.path("r.db");
  write_cases(path, small_sweep(), 0, 10);
  const auto other = open_writer(path, small_sweep(99));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().kind, ErrorKind::usage);
  EXPECT_THAT(other.error().text(), HasSubstr("holds results of another description, \"small\" ("));
  const auto snapshot = ResultsWriter::open(path, small_sweep(), "snapshot 2", test_session());
  ASSERT_FALSE(snapshot);
  EXPECT_THAT(
      snapshot.error().text(),
      HasSubstr("holds results of another snapshot (snapshot 1): \"booted.rook\" is snapshot 2."));
}

TEST(Results, HaveOneWriter) {
  const TemporaryFolder folder;
  const std::string path = folder.path("r.db");
  auto writer = open_writer(path, small_sweep());
  ASSERT_TRUE(writer);
  ASSERT_TRUE(writer->add(small_result(0)));
  // In another process, and by another name.
  std::filesystem::create_symlink(path, folder.path("alias.db"));
  const pid_t child = fork();
  if (child == 0) {
    const auto second = open_writer(folder.path("alias.db"), small_sweep());
    const bool is_refused =
        !second && second.error().kind == ErrorKind::usage &&
        second.error().text().find(fmt::format("is being written by another sweep (process {})",
                                               getppid())) != std::string::npos;
    if (!is_refused) fmt::print("{}\n", second ? "opened" : second.error().text());
    std::fflush(stdout);
    _exit(is_refused ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  // And in this one; the first goes on.
  EXPECT_FALSE(open_writer(path, small_sweep()));
  ASSERT_TRUE(writer->add(small_result(1)));
  ASSERT_TRUE(writer->close());
  EXPECT_TRUE(open_writer(path, small_sweep()));
}

// A child writes until it is killed, and says what it has committed. Whenever that was, all of that
// is there, nothing is there twice or by half, and the next one goes on.
TEST(Results, EachCaseIsThereOnceWheneverTheWriterIsKilled) {
  const TemporaryFolder folder;
  const std::string path = folder.path("r.db");
  const SweepSpec spec = small_sweep(10'000);
  const u64 count = spec.case_count();
  const auto with_memory = [](u64 number) {
    CaseResult result = small_result(number);
    result.memory = {{"x", number, fmt::format("{}", number)}};
    return result;
  };
  u64 kills = 0;
  for (u64 round = 0;; ++round) {
    ASSERT_LT(round, 100u);
    int pipe_ends[2];
    ASSERT_EQ(pipe(pipe_ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      WriterOptions options;
      options.commit_cases = 37;
      auto writer = open_writer(path, spec, options);
      if (!writer) _exit(2);
      u64 added = 0;
      for (u64 number = writer->done().next_missing(0); number < count;
           number = writer->done().next_missing(number)) {
        if (!writer->add(with_memory(number))) _exit(3);
        if (++added % 37 == 0 && write(pipe_ends[1], &number, sizeof number) != sizeof number)
          _exit(4);
      }
      _exit(writer->close() ? 0 : 5);
    }
    close(pipe_ends[1]);
    // A different moment each time, from "not yet open" on.
    std::this_thread::sleep_for(std::chrono::microseconds(round * round * 700));
    kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    u64 told = 0;
    bool has_told = false;
    while (read(pipe_ends[0], &told, sizeof told) == sizeof told) has_told = true;
    close(pipe_ends[0]);
    if (WIFEXITED(status)) {
      ASSERT_EQ(WEXITSTATUS(status), 0);
      break;
    }
    ++kills;
    auto writer = open_writer(path, spec);
    ASSERT_TRUE(writer) << writer.error().text();
    if (has_told) {
      ASSERT_GT(writer->done().next_missing(0), told);
    }
    ASSERT_LE(writer->done().ranges().size(), 1u);
  }
  EXPECT_GT(kills, 3u);
  ResultsReader reader = open_reader(path);
  EXPECT_EQ(*reader.case_count(), count);
  u64 next = 0;
  auto read = reader.for_each({}, [&](const CaseResult& result) -> Result<void> {
    const CaseResult expected = with_memory(next);
    EXPECT_EQ(result.number, next);
    EXPECT_EQ(result.console, expected.console);
    EXPECT_EQ(result.memory.size(), 1u);
    EXPECT_EQ(result.memory[0].bytes, expected.memory[0].bytes);
    ++next;
    return {};
  });
  EXPECT_TRUE(read);
  EXPECT_EQ(next, count);
}

TEST(Results, AFullDiskIsASentenceAndLosesNothingCommitted) {
  const TemporaryFolder folder;
  const std::string path = folder.path("r.db");
  const SweepSpec spec = small_sweep(10'000);
  const pid_t child = fork();
  if (child == 0) {
    // No file of this process grows beyond this.
    signal(SIGXFSZ, SIG_IGN);
    rlimit limit = {1 << 20, RLIM_INFINITY};
    setrlimit(RLIMIT_FSIZE, &limit);
    WriterOptions options;
    options.commit_cases = 100;
    auto writer = open_writer(path, spec, options);
    if (!writer) _exit(2);
    u64 committed = 0;
    Result<void> added;
    for (u64 number = 0; number < spec.case_count(); ++number) {
      CaseResult result = small_result(number);
      result.console = std::string(300, 'x');
      added = writer->add(std::move(result));
      if (!added) break;
      if ((number + 1) % 100 == 0) committed = number + 1;
    }
    if (added || added.error().kind != ErrorKind::io || committed == 0) _exit(3);
    const std::string words = added.error().text();
    if (words.find("results file") == std::string::npos) _exit(4);
    if (writer->flush()) _exit(5);  // still full
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_FSIZE, &limit);
    if (!writer->flush() || !writer->close()) _exit(6);  // there is room again
    fmt::print("{}\n", words);
    std::fflush(stdout);
    _exit(committed >= 1000 ? 0 : 7);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  auto writer = open_writer(path, spec);
  ASSERT_TRUE(writer) << writer.error().text();
  ASSERT_EQ(writer->done().ranges().size(), 1u);
  EXPECT_EQ(writer->done().size() % 100, 0u);
  EXPECT_GE(writer->done().size(), 1100u);  // what did not fit came later
}

TEST(Results, ForeignAndBrokenFilesAreRefusedInWords) {
  const TemporaryFolder folder;
  const SweepSpec spec = small_sweep();
  const auto message = [&](const std::string& name) {
    const std::string path = folder.path(name);
    const auto writer = open_writer(path, spec);
    const auto reader = ResultsReader::open(path);
    EXPECT_FALSE(writer) << name;
    EXPECT_FALSE(reader) << name;
    if (writer || reader) return std::string();
    EXPECT_EQ(writer.error().kind, reader.error().kind);
    return reader.error().text();
  };
  folder.write("text.db",
               "These are no results, but text that somebody needs.\n" + std::string(5000, 'x'));
  EXPECT_THAT(message("text.db"),
              HasSubstr("text.db\" is not a results file: it is no SQLite database."));
  EXPECT_THAT(read_text(folder.path("text.db")), HasSubstr("somebody needs"));

  write_cases(folder.path("good.db"), spec, 0, 200);
  const std::string good = read_text(folder.path("good.db"));
  std::string other = good;
  other.replace(68, 4, "Othr");  // the header's application_id
  folder.write("other.db", other);
  EXPECT_THAT(message("other.db"), HasSubstr("a database of another program."));
  std::string later = good;
  later[63] = 9;  // user_version
  folder.write("later.db", later);
  EXPECT_THAT(message("later.db"),
              HasSubstr("has format version 9; this program knows version 1."));

  const auto reader = ResultsReader::open(folder.path("none.db"));
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().kind, ErrorKind::io);
  const auto writer = open_writer(folder.path("no/such/folder/r.db"), spec);
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().kind, ErrorKind::io);
  EXPECT_THAT(writer.error().text(), HasSubstr("No such file or directory"));
}

// Every page overwritten, every cut: an error or the truth, never a crash.
TEST(Results, DamagedFilesAreNoticedOrRead) {
  const TemporaryFolder folder;
  const SweepSpec spec = small_sweep();
  write_cases(folder.path("good.db"), spec, 0, 200);
  const std::string good = read_text(folder.path("good.db"));
  constexpr std::size_t kPageBytes = 4096;
  u32 refused = 0;
  u32 tried = 0;
  const auto attempt = [&](const std::string& bytes) {
    ++tried;
    folder.write("bad.db", bytes);
    bool is_good = true;
    {
      auto reader = ResultsReader::open(folder.path("bad.db"));
      if (!reader) {
        EXPECT_EQ(reader.error().kind, ErrorKind::image) << reader.error().text();
        ++refused;
        return;
      }
      is_good &=
          reader->for_each({}, [](const CaseResult&) -> Result<void> { return {}; }).has_value();
      is_good &= reader->verdicts().has_value();
      is_good &= reader->hash_groups(5).has_value();
      for (const u32 most : {3u, 1000u}) {
        const auto buckets = reader->axis_buckets(0, most);
        is_good &= buckets.has_value();
        if (buckets) is_good &= reader->count(*buckets).has_value();
      }
    }
    const auto writer = open_writer(folder.path("bad.db"), spec);
    if (!writer || !is_good) ++refused;
  };
  for (std::size_t page = 0; page < good.size(); page += kPageBytes) {
    std::string noise = good;
    for (std::size_t i = page; i < page + kPageBytes; ++i)
      noise[i] = static_cast<char>(i * 2654435761u >> 13);
    attempt(noise);
    attempt(good.substr(0, page));
    attempt(good.substr(0, page + 100));
  }
  for (std::size_t at = 0; at < good.size(); at += 509) {
    std::string changed = good;
    changed[at] = static_cast<char>(changed[at] ^ 0x41);
    attempt(changed);
  }
  EXPECT_GT(refused, tried / 4);
}

TEST(Results, HostileTablesRunNothing) {
  const TemporaryFolder folder;
  const SweepSpec spec = small_sweep();
  const auto with = [&](const std::string& name, const std::string& sql) {
    write_cases(folder.path(name), spec, 0, 20);
    auto database = Database::open(folder.path(name), Database::Mode::write_or_create, "test");
    EXPECT_TRUE(database);
    auto changed = database->run(sql);
    EXPECT_TRUE(changed) << changed.error().text();
    const auto reader = ResultsReader::open(folder.path(name));
    return reader ? std::string("opened") : reader.error().text();
  };
  EXPECT_THAT(
      with("trigger.db", "CREATE TRIGGER t AFTER INSERT ON cases BEGIN DELETE FROM cases; END"),
      HasSubstr("is damaged: it has triggers."));
  EXPECT_THAT(with("column.db", "ALTER TABLE cases ADD COLUMN more"),
              HasSubstr("its table \"cases\" is not what it should be."));
  EXPECT_THAT(with("view.db", "DROP TABLE cases; CREATE VIEW cases AS SELECT 1 AS number"),
              HasSubstr("its table \"cases\" is not what it should be."));
  EXPECT_THAT(with("axes.db", "UPDATE axes SET name = 'x\" , verdict TEXT --'"),
              HasSubstr("its table \"cases\" is not what it should be."));
  EXPECT_THAT(with("meta.db", "DELETE FROM meta WHERE key = 'spec'"),
              HasSubstr("it does not say its \"spec\"."));
  // Values of the wrong kind are no danger.
  EXPECT_EQ(with("values.db",
                 "UPDATE cases SET instructions = 'many', state_hash = 'x', groups = '{', axis_n = "
                 "'y', fault_at = x'00' WHERE number = 3"),
            "opened");
  ResultsReader reader = open_reader(folder.path("values.db"));
  EXPECT_TRUE(reader.find(3));
  for (const auto& buckets :
       {reader.instruction_buckets(5), reader.fault_time_buckets(5), reader.axis_buckets(0, 3)}) {
    ASSERT_TRUE(buckets);
    const auto counts = reader.count(*buckets);
    ASSERT_TRUE(counts);
    for (const BucketCount& count : *counts) EXPECT_LT(count.first, buckets->labels.size());
  }
}

TEST(Results, AreSummedUp) {
  const TemporaryFolder folder;
  const std::string path = folder.path("r.db");
  write_cases(path, small_sweep(), 0, 200);
  ResultsReader reader = open_reader(path);
  const auto verdicts = reader.verdicts();
  ASSERT_TRUE(verdicts);
  ASSERT_EQ(verdicts->size(), 3u);
  EXPECT_EQ((*verdicts)[0].verdict, "pass");
  EXPECT_EQ((*verdicts)[0].cases, 160u);
  EXPECT_EQ((*verdicts)[1].verdict, "fail");
  EXPECT_EQ((*verdicts)[1].cases, 20u);

  const auto all = reader.instruction_quantiles();
  ASSERT_TRUE(all);
  EXPECT_EQ(all->cases, 200u);
  EXPECT_EQ(all->min, 1000u);
  EXPECT_EQ(all->p5, 1000u + 9 * 7);
  EXPECT_EQ(all->median, 1000u + 99 * 7);
  EXPECT_EQ(all->max, 1000u + 199 * 7);
  const auto failed = reader.instruction_quantiles("fail");
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->cases, 20u);
  EXPECT_EQ(failed->min, 1000u + 3 * 7);
  EXPECT_EQ(reader.instruction_quantiles("none")->cases, 0u);

  const auto words = reader.axis_buckets(1, 10);
  ASSERT_TRUE(words);
  EXPECT_THAT(words->labels, ElementsAre("a", "b"));
  const auto by_word = reader.count(*words);
  ASSERT_TRUE(by_word);
  u64 fails_of_b = 0;
  for (const BucketCount& count : *by_word) {
    if (count.first == 1 && count.verdict == "fail") fails_of_b = count.cases;
  }
  EXPECT_EQ(fails_of_b, 20u);  // case 3, 13, ...: all are odd

  const auto intervals = reader.axis_buckets(0, 4);
  ASSERT_TRUE(intervals);
  EXPECT_THAT(intervals->edges, ElementsAre(1, 26, 51, 76, 101));
  EXPECT_THAT(intervals->labels, ElementsAre("1", "26", "51", "76"));
  const auto cells = reader.count(*intervals, *words);
  ASSERT_TRUE(cells);
  u64 total = 0;
  for (const BucketCount& cell : *cells) total += cell.cases;
  EXPECT_EQ(total, 200u);

  const auto hashes = reader.hash_groups(2);
  ASSERT_TRUE(hashes);
  EXPECT_EQ(hashes->distinct, 4u);
  ASSERT_EQ(hashes->largest.size(), 2u);
  EXPECT_EQ(hashes->largest[0].state_hash, 0xabcd0000u);
  EXPECT_EQ(hashes->largest[0].cases, 50u);
  EXPECT_FALSE(*reader.has_faults());

  ResultsReader::Filter filter;
  filter.verdict = "limit";
  filter.first_case = 100;
  filter.most = 2;
  std::vector<u64> numbers;
  ASSERT_TRUE(reader.for_each(filter, [&](const CaseResult& result) -> Result<void> {
    numbers.push_back(result.number);
    return {};
  }));
  EXPECT_THAT(numbers, ElementsAre(107u, 117u));
}

TEST(Results, RangesMerge) {
  CaseRanges ranges;
  EXPECT_TRUE(ranges.add(5));
  EXPECT_TRUE(ranges.add(7));
  EXPECT_FALSE(ranges.add(5));
  EXPECT_EQ(ranges.next_missing(5), 6u);
  EXPECT_EQ(ranges.ranges().size(), 2u);
  EXPECT_TRUE(ranges.add(6));
  EXPECT_THAT(ranges.ranges(), ElementsAre(Pair(5u, 8u)));
  EXPECT_TRUE(ranges.add(4));
  EXPECT_TRUE(ranges.add(8));
  EXPECT_TRUE(ranges.add(0));
  EXPECT_THAT(ranges.ranges(), ElementsAre(Pair(0u, 1u), Pair(4u, 9u)));
  EXPECT_TRUE(ranges.contains(8));
  EXPECT_FALSE(ranges.contains(9));
  EXPECT_EQ(ranges.size(), 6u);
  EXPECT_EQ(ranges.next_missing(1), 1u);
  EXPECT_EQ(ranges.next_missing(4), 9u);
}

// Not a limit, but far from what it takes here: 50,000 results a second are promised.
TEST(Results, AreWrittenFast) {
  const TemporaryFolder folder;
  const SweepSpec spec = small_sweep(50'000);
  const auto start = std::chrono::steady_clock::now();
  write_cases(folder.path("r.db"), spec, 0, 100'000);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  fmt::print("{:.0f} results a second\n", 100'000 / seconds.count());
  EXPECT_EQ(*open_reader(folder.path("r.db")).case_count(), 100'000u);
}

}  // namespace
}  // namespace rookery::sweep
