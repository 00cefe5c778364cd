#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`rookery profile` on the CPU engine: the counts of a small program, the files it writes, wrong input."""
import json
import os
import subprocess
import sys
import tempfile
import unittest
import xml.dom.minidom

from bare_elf import elf

PROGRAM = os.environ.get("ROOKERY_PROGRAM", "build/rookery")

folder = tempfile.TemporaryDirectory(prefix="rookery-profile-")


def path(name, contents=None):
    full = os.path.join(folder.name, name)
    if contents is not None:
        with open(full, "wb") as file:
            file.write(contents)
    return full


# Ten rounds of a loop of three instructions, then the end through the test device.
WORDS = [
    0x00A00313,  # addi t1, zero, 10
    0x00000013,  # nop
    0xFFF30313,  # addi t1, t1, -1
    0xFE031CE3,  # bne t1, zero, -8
    0x001002B7,  # lui t0, 0x100
    0x00005337,  # lui t1, 0x5
    0x55530313,  # addi t1, t1, 0x555
    0x0062A023,  # sw t1, 0(t0)
]


def profile(*arguments):
    return subprocess.run([PROGRAM, "profile", "--bare", path("program", elf(WORDS)), "--engine", "cpu", *arguments],
                          capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)


class Profile(unittest.TestCase):
    def test_counts(self):
        done = profile("--json", path("json"), "--flame", path("svg"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("35 instructions retired, CPU engine.", done.stdout)
        self.assertIn("90.0 % of the branches were taken.", done.stdout)
        with open(path("json"), encoding="ascii") as file:
            counts = json.load(file)
        self.assertEqual(counts["retired"], 35)
        self.assertEqual(counts["instructions"]["alu"], 24)
        self.assertEqual(counts["instructions"]["branch"], 10)
        self.assertEqual(counts["instructions"]["store"], 1)
        self.assertEqual(counts["branches_taken"], 9)
        self.assertEqual(counts["tlb_misses"], {"fetch": 1, "load": 0, "store": 1})
        # The loop's first round belongs to the block that leads into it, its last to what follows.
        self.assertEqual(counts["blocks"], [{"steps": 24, "times": 8, "va": 0x80000004},
                                            {"steps": 4, "times": 1, "va": 0x80000000}])
        with open(path("svg"), encoding="ascii") as file:
            self.assertIn("0x80000004", xml.dom.minidom.parse(file).toxml())

    def test_a_part_of_a_run(self):
        done = profile("--from", "4", "--to", "10")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("6 instructions retired", done.stdout)

    def test_wrong_input(self):
        for arguments, status in ((["--from", "5", "--to", "5"], 64), (["--symbols", path("absent")], 74),
                                  (["--json", "/nonexistent/file"], 74), (["--engine", "both"], 64)):
            with self.subTest(arguments):
                done = profile(*arguments)
                self.assertEqual(done.returncode, status, done.stderr)


# a0 rounds of a loop, so that each machine leaves it at another time, then the end.
LANES = [
    0x00050663,  # beq a0, zero, 12
    0xFFF50513,  # addi a0, a0, -1
    0xFF9FF06F,  # j -8
] + WORDS[4:]


class Lanes(unittest.TestCase):
    def lanes(self, *arguments, typed=""):
        return subprocess.run([PROGRAM, "profile", *arguments], capture_output=True, text=True, timeout=60, input=typed)

    def test_machines_part_where_they_do_different_things(self):
        done = self.lanes("--bare", path("lanes", elf(LANES)), "--lanes", "4", "--json", path("json"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("4 machines side by side over 14 steps", done.stdout)
        self.assertRegex(done.stdout, r"(?m)^ +3 +3 +0  0x80000000 $")
        with open(path("json"), encoding="ascii") as file:
            counts = json.load(file)
        self.assertEqual(counts["splits"], [{"va": 0x80000000, "times": 3, "lanes": 3, "first_step": 0}])
        # Rounds of 3 instructions, one to leave, 4 to the end.
        self.assertEqual(counts["lane_steps"], sum(3 * lane + 5 for lane in range(4)))
        self.assertEqual(counts["lane_steps"], sum(block["lane_steps"] for block in counts["blocks"]))

    def test_machines_that_do_the_same_never_part(self):
        done = self.lanes("--bare", path("program", elf(WORDS)), "--lanes", "8", "--from", "4", "--to", "20")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("8 machines side by side over 16 steps: 8.00 of them", done.stdout)
        self.assertIn("They never part.", done.stdout)

    def test_each_is_typed_its_number(self):
        done = self.lanes("--lanes", "3", "--from", "7.8M", "--to", "8.1M", typed="seq {lane}\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"They part for the first time after (7[89]|80)\d{5} instructions\.")

    def test_wrong_input(self):
        for arguments, sentence in ((("--lanes", "1"), "--lanes"), (("--lanes", "300"), "--lanes"),
                                    (("--lanes", "4", "--flame", "x.svg"), "--flame excludes --lanes"),
                                    (("--lanes", "4", "--engine", "gpu"), "--engine excludes --lanes")):
            done = self.lanes(*arguments)
            self.assertEqual(done.returncode, 64, done.stderr)
            self.assertIn(sentence, done.stderr)


if __name__ == "__main__":
    if not os.path.exists(PROGRAM):
        print(f"{PROGRAM} is not built; set ROOKERY_PROGRAM.")
        sys.exit(77)
    unittest.main()
