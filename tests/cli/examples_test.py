#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The examples do what their descriptions say: each is run as a reader would, on fewer cases."""
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.path.abspath(os.environ.get("ROOKERY_PROGRAM", "build/rookery"))
EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples")
CPU = ("--engine", "cpu")
folder = tempfile.TemporaryDirectory(prefix="rookery-examples-")


def path(name):
    return os.path.join(folder.name, "examples", name)


def call(*command, inside, **environment):
    return subprocess.run(command, capture_output=True, text=True, cwd=path(inside), env=os.environ | {"ROOKERY": PROGRAM} | environment,
                          stdin=subprocess.DEVNULL, timeout=200, check=False)


def edit(name, *changes):
    with open(path(name), encoding="utf-8") as file:
        text = file.read()
    for pattern, replacement in changes:
        text, count = re.subn(pattern, replacement, text)
        assert count == 1, (name, pattern, count)
    with open(path(name), "w", encoding="utf-8") as file:
        file.write(text)


def query(results, sql):
    return sqlite3.connect(path(results)).execute(sql).fetchall()


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        shutil.copytree(EXAMPLES, os.path.join(folder.name, "examples"), ignore=shutil.ignore_patterns("out"))

    def run_example(self, name, **environment):
        done = call("./run.sh", *CPU, inside=name, **environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def check_repeats(self, name, description, results, number):
        """A case by itself is what it was in the sweep."""
        (instructions, console), = query(f"{name}/{results}", f"SELECT instructions, console FROM cases WHERE number = {number}")
        done = call(PROGRAM, "sweep", description, "--case", str(number), *CPU, inside=name)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f" after {instructions} instructions, ", done.stderr)
        self.assertEqual(done.stdout.splitlines(), console.decode().splitlines())

    def test_fault_campaign(self):
        edit("fault-campaign/faults.toml", (r"cases = 2000\b", "cases = 200"))
        self.run_example("fault-campaign")
        results = "fault-campaign/out/faults.sqlite"
        (verdict, instructions, console), = query(results, "SELECT verdict, instructions, console FROM golden")
        self.assertEqual((verdict, console), ("pass", b"\r\nchecksum aca5c2f0\r\n"))
        self.assertTrue(900_000 < instructions < 1_100_000, instructions)
        counts = dict(query(results, "SELECT verdict, count(*) FROM cases GROUP BY 1"))
        self.assertEqual(sum(counts.values()), 200)
        self.assertEqual(set(counts), {"masked", "sdc", "crash", "hang", "detected"}, counts)
        self.assertGreater(counts["masked"], 100)
        silent, = query(results, "SELECT number, console FROM cases WHERE verdict = 'sdc' AND fault_target = 'memory' LIMIT 1")
        self.assertRegex(silent[1].decode(), r"^\r\nchecksum (?!aca5c2f0)")
        self.check_repeats("fault-campaign", "faults.toml", "out/faults.sqlite", silent[0])
        self.assertTrue(os.path.exists(path("fault-campaign/out/faults.html")))

    def test_settings(self):
        edit("settings/sysctls.toml", (r"ratio = .*", "ratio = [50]"), (r"threads = .*", "threads = [24, 56]"),
             (r"mib = .*", "mib = [1, 40, 80]"), (r"processes = .*", "processes = [4, 32]"))
        edit("settings/boots.toml", (r"zeroed = .*", "zeroed = [0]"), (r"mib = .*", "mib = [4, 40, 80]"))
        self.run_example("settings")
        # What is promised: as much as there could be, all, or half of RAM.
        promised = {0: (1, 40), 1: (1, 40, 80), 2: (1,)}
        for overcommit, threads, mib, processes, verdict in query(
                "settings/out/sysctls.sqlite", "SELECT axis_overcommit, axis_threads, axis_mib, axis_processes, verdict FROM cases"):
            expected = "no_memory" if mib not in promised[overcommit] else "killed" if mib == 80 else \
                "no_process" if (threads, processes) == (24, 32) else "pass"
            self.assertEqual(verdict, expected, (overcommit, threads, mib, processes))
        boots = query("settings/out/boots.sqlite", "SELECT axis_overcommit, axis_mib, verdict, status FROM cases")
        self.assertEqual(len(boots), 9)
        for overcommit, mib, verdict, status in boots:
            expected = ("killed", 137) if (overcommit, mib) == (1, 80) else ("pass", 0) if mib == 4 or (overcommit < 2 and mib == 40) \
                else ("fail", 1)
            self.assertEqual((verdict, status), expected, (overcommit, mib))

    def test_parser_fuzz(self):
        self.run_example("parser-fuzz", INPUTS="300")
        results = "parser-fuzz/out/fuzz.sqlite"
        counts = dict(query(results, "SELECT verdict, count(*) FROM cases GROUP BY 1"))
        self.assertEqual((sum(counts.values()), set(counts)), (300, {"pass", "rejected", "crash", "hang"}))
        number, = query(results, "SELECT number FROM cases WHERE verdict = 'crash' LIMIT 1")[0]
        self.check_repeats("parser-fuzz", "fuzz.toml", "out/fuzz.sqlite", number)

        found = {}
        for name in os.listdir(path("parser-fuzz/out/minimised")):
            with open(path(f"parser-fuzz/out/minimised/{name}"), "rb") as file:
                found[name] = file.read()
        self.assertLessEqual({"crash-read_value", "hang"}, set(found))
        # They are as small as such records can be, and still do it.
        value, endless = found["crash-read_value"], found["hang"]
        self.assertEqual((value[:2], len(value)), (b"v\x03", 5))
        self.assertEqual((endless[:2], endless[4:]), (b"r\x03", b"\0"))
        self.assertLessEqual(endless[2], endless[3])
        edit("parser-fuzz/fuzz.toml", (r"out/corpus/", "out/minimised/"))
        done = call(PROGRAM, "sweep", "fuzz.toml", "-o", "out/again.sqlite", "--jsonl", "-", *CPU, inside="parser-fuzz")
        self.assertEqual(done.returncode, 0, done.stderr)
        for case in map(json.loads, done.stdout.splitlines()):
            self.assertEqual(case["verdict"], os.path.basename(case["axes"]["input"]).split("-")[0])


if __name__ == "__main__":
    if not os.path.exists(PROGRAM):
        print(f"Skipped: {PROGRAM} is not built; set ROOKERY_PROGRAM.")
        sys.exit(77)
    if shutil.which("riscv64-unknown-elf-gcc") is None:
        print("Skipped: there is no riscv64-unknown-elf-gcc.")
        sys.exit(77)
    unittest.main()
