#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`rookery trace`: lines in Spike's format, what options leave out, and engines compared. On the CPU engine, and on
the software adapter where there is one.
"""
import os
import struct
import subprocess
import sys
import tempfile
import unittest

from bare_elf import elf

PROGRAM = os.environ.get("ROOKERY_PROGRAM", "build/rookery")

folder = tempfile.TemporaryDirectory(prefix="rookery-trace-")


def path(name, contents=None):
    full = os.path.join(folder.name, name)
    if contents is not None:
        with open(full, "wb") as file:
            file.write(contents)
    return full


def symbol_file():
    """Names two pieces of `program`: begin (its first three instructions) and handler."""
    names = b"\0begin\0handler\0"
    entry = struct.Struct("<IIIBBH")
    symbols = bytes(16) + entry.pack(1, 0x80000000, 12, 2, 0, 1) + entry.pack(7, 0x8000001C, 16, 2, 0, 1)
    at = 52
    sections_at = at + len(symbols) + len(names)
    header = struct.pack("<4s5B7xHHIIIIIHHHHHH", b"\x7fELF", 1, 1, 1, 0, 0, 2, 243, 1, 0, 0, sections_at, 0, 52, 0, 0,
                         40, 4, 0)
    section = struct.Struct("<10I")
    return header + symbols + names + bytes(40) + section.pack(0, 8, 6, 0x80000000, 0, 0x100, 0, 0, 4, 0) + \
        section.pack(0, 2, 0, 0, at, len(symbols), 3, 1, 4, 16) + \
        section.pack(0, 3, 0, 0, at + len(symbols), len(names), 0, 0, 1, 0)


# Ends through the test device, with status 0, after a trap that goes to 0x80000000 + 7 * 4.
PROGRAM_WORDS = [
    0x00000297,  # auipc t0, 0
    0x01C28293,  # addi t0, t0, 28
    0x30529073,  # csrw mtvec, t0
    0x0002A303,  # lw t1, 0(t0)
    0x0062A823,  # sw t1, 16(t0)
    0x00000013,  # nop
    0xFFFFFFFF,  # illegal
    0x001002B7,  # lui t0, 0x100
    0x00005337,  # lui t1, 0x5
    0x55530313,  # addi t1, t1, 0x555
    0x0062A023,  # sw t1, 0(t0)
]
LINES = """\
core   0: 3 0x80000000 (0x00000297) x5  0x80000000
core   0: 3 0x80000004 (0x01c28293) x5  0x8000001c
core   0: 3 0x80000008 (0x30529073) c773_mtvec 0x8000001c
core   0: 3 0x8000000c (0x0002a303) x6  0x001002b7 mem 0x8000001c
core   0: 3 0x80000010 (0x0062a823) mem 0x8000002c 0x001002b7
""".splitlines()


def program():
    return path("program", elf(PROGRAM_WORDS))


def trace(*arguments, timeout=120):
    return subprocess.run([PROGRAM, "trace", *arguments], capture_output=True, text=True, timeout=timeout,
                          stdin=subprocess.DEVNULL)


def has_software_adapter():
    done = subprocess.run([PROGRAM, "adapters"], capture_output=True, text=True, timeout=60)
    return "SwiftShader" in done.stdout


class Trace(unittest.TestCase):
    def lines(self, *arguments):
        done = trace("--bare", program(), "--engine", "cpu", *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.splitlines()

    def test_lines_are_spikes(self):
        lines = self.lines()
        self.assertEqual(lines[:5], LINES)
        self.assertEqual(lines[6:8], ["core   0: exception trap_illegal_instruction, epc 0x80000018",
                                      "core   0:           tval 0xffffffff"])
        self.assertEqual(lines[8], "core   0: 3 0x8000001c (0x001002b7) x5  0x00100000")
        self.assertEqual(lines[-2], "core   0: 3 0x80000028 (0x0062a023) mem 0x00100000 0x00005555")
        self.assertEqual(lines[-1], "core   0: exit EXIT_SHUTDOWN (0x0, 0x0)")
        self.assertEqual(len(lines), 13)

    def test_what_options_leave_out(self):
        everything = self.lines()
        self.assertEqual(self.lines("--only", "traps"), everything[6:8])
        self.assertEqual(self.lines("--only", "exits"), everything[-1:])
        self.assertEqual(self.lines("--only", "traps,exits"), everything[6:8] + everything[-1:])
        self.assertEqual(self.lines("--only", "commits", "--pc", "0x80000004:0x80000008"), everything[1:3])
        self.assertEqual(self.lines("--from", "1", "--to", "3"), everything[1:3])
        self.assertEqual(self.lines("--privilege", "S,U", "--only", "commits"), [])

    def test_a_file_and_a_symbol(self):
        symbols = path("symbols", symbol_file())
        everything = self.lines()
        self.assertEqual(self.lines("--symbols", symbols, "--symbol", "begin"), everything[:3] + everything[-1:])
        file = path("trace")
        done = trace("--bare", program(), "--engine", "cpu", "--symbols", symbols, "--symbol", "handler", "-o", file)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertIn("4 records.", done.stderr)
        with open(file, encoding="ascii") as lines:
            self.assertEqual(lines.read().splitlines(), everything[8:])

    def test_wrong_input(self):
        for arguments, status, sentence in (
                (["--pc", "5"], 64, "is not a range"),
                (["--pc", "0x10:0x0"], 64, "ends before it begins"),
                (["--pc", "0x0:zz"], 64, '"zz" is not an address'),
                (["--pc", "0x0:0x123456789abcdef01"], 64, "is not an address"),
                (["--symbol", "main"], 64, "--symbols"),
                (["--symbols", path("named", symbol_file()), "--symbol", "no_such"], 64, 'There is no symbol "no_such"'),
                (["--symbols", path("text", b"hello")], 65, "is not an ELF file"),
                (["--symbols", path("absent")], 74, "absent"),
                (["--from", "10", "--to", "5"], 64, "leaves nothing before"),
                (["--from", "ten"], 64, "--from"),
                (["--privilege", "H"], 64, "--privilege"),
                (["--only", "nothing"], 64, "--only"),
                (["-o", "/nonexistent/file"], 74, "cannot be written"),
        ):
            with self.subTest(arguments):
                done = trace("--bare", program(), "--engine", "cpu", *arguments)
                self.assertIn(sentence, done.stderr)
                self.assertEqual(done.returncode, status, done.stderr)

    def test_both_engines(self):
        if not has_software_adapter():
            self.skipTest("There is no software adapter.")
        done = trace("--bare", program(), "--engine", "both", "--adapter", "software")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, "11 records are equal; at the end the machines are equal.\n")
        gpu = trace("--bare", program(), "--engine", "gpu", "--adapter", "software")
        self.assertEqual(gpu.stdout.splitlines(), self.lines())


if __name__ == "__main__":
    if not os.path.exists(PROGRAM):
        print(f"{PROGRAM} is not built; set ROOKERY_PROGRAM.")
        sys.exit(77)
    unittest.main()
