#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`rookery profile` on the CPU engine: the counts of a small program, the files it writes, wrong input."""
import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest
import xml.dom.minidom

PROGRAM = os.environ.get("ROOKERY_PROGRAM", "build/rookery")

folder = tempfile.TemporaryDirectory(prefix="rookery-profile-")


def path(name, contents=None):
    full = os.path.join(folder.name, name)
    if contents is not None:
        with open(full, "wb") as file:
            file.write(contents)
    return full


def elf(words):
    """A bare RV32 program of these instructions."""
    code = struct.pack("<%dI" % len(words), *words)
    header = struct.pack("<4s5B7xHHIIIIIHHHHHH", b"\x7fELF", 1, 1, 1, 0, 0, 2, 243, 1, 0x80000000, 52, 0, 0, 52, 32,
                         1, 40, 0, 0)
    return header + struct.pack("<8I", 1, 84, 0x80000000, 0x80000000, len(code), 0x2000, 7, 4) + code


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


if __name__ == "__main__":
    if not os.path.exists(PROGRAM):
        print(f"{PROGRAM} is not built; set ROOKERY_PROGRAM.")
        sys.exit(77)
    unittest.main()
