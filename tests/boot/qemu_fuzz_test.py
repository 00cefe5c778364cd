#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random user-level programs under QEMU and on the CPU engine: registers, data and traps have to be the same.

The programs are those of write_user_programs, executed by tests/bare/user_programs.S, which prints a hash for each.
More of them: ROOKERY_FUZZ_SEEDS=10:20 qemu_fuzz_test.py
"""
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PROGRAM = os.environ.get("ROOKERY_PROGRAM", os.path.join(ROOT, "build/rookery"))
BUILD = os.path.dirname(os.path.abspath(PROGRAM))
WRITER = os.environ.get("ROOKERY_WRITE_USER_PROGRAMS", os.path.join(BUILD, "tests/boot/write_user_programs"))
RUN_QEMU = os.path.join(ROOT, "tests/bare/run_qemu.sh")
PROGRAMS = 800
INSTRUCTIONS = 400
TIMEOUT_S = 60


def seeds():
    first, last = os.environ.get("ROOKERY_FUZZ_SEEDS", "1:3").split(":")
    return range(int(first), int(last))


def elf_of(xlen):
    return os.path.join(BUILD, f"tests/bare/user_programs_rv{xlen}.elf")


def offset_and_room(elf, xlen):
    """Where the file has `programs`, and how many bytes there are."""
    wide = xlen == 64
    section_table, = struct.unpack_from("<Q" if wide else "<I", elf, 40 if wide else 32)
    entry_bytes, count = struct.unpack_from("<HH", elf, 58 if wide else 46)
    sections = []
    for i in range(count):
        at = section_table + i * entry_bytes
        layout = "<IIQQQQII" if wide else "<IIIIIIII"
        _, kind, _, va, offset, size, link, _ = struct.unpack_from(layout, elf, at)
        sections.append((kind, va, offset, size, link))
    addresses = {}
    for kind, _, offset, size, link in sections:
        if kind != 2:  # SHT_SYMTAB
            continue
        names = sections[link][2]
        for at in range(offset, offset + size, 24 if wide else 16):
            name, value = struct.unpack_from("<I4xQ" if wide else "<II", elf, at)
            end = elf.index(b"\0", names + name)
            addresses[elf[names + name:end]] = value
    start, end = addresses[b"programs"], addresses[b"programs_end"]
    for kind, va, offset, size, _ in sections:
        if kind == 1 and va <= start and end <= va + size:  # SHT_PROGBITS
            return offset + start - va, end - start
    raise AssertionError("`programs` is in no section of the file")


class QemuFuzz(unittest.TestCase):
    def compare(self, xlen):
        for seed in seeds():
            with self.subTest(seed=seed), tempfile.TemporaryDirectory() as folder:
                programs = subprocess.run([WRITER, str(xlen), str(seed), str(PROGRAMS), str(INSTRUCTIONS)], check=True,
                                          capture_output=True, timeout=TIMEOUT_S).stdout
                with open(elf_of(xlen), "rb") as file:
                    elf = bytearray(file.read())
                at, room = offset_and_room(bytes(elf), xlen)
                self.assertLessEqual(len(programs), room)
                elf[at:at + len(programs)] = programs
                path = os.path.join(folder, "programs.elf")
                with open(path, "wb") as file:
                    file.write(elf)
                qemu = subprocess.run([RUN_QEMU, str(xlen), "off", path, str(TIMEOUT_S)], capture_output=True, check=False)
                self.assertEqual(qemu.returncode, 0, qemu.stdout[-500:])
                ours = subprocess.run([PROGRAM, "run", "--engine", "cpu", "--bare", path], capture_output=True, check=False,
                                      timeout=TIMEOUT_S, stdin=subprocess.DEVNULL)
                self.assertEqual(ours.returncode, 0, ours.stderr)
                theirs, mine = qemu.stdout.split(), ours.stdout.split()
                self.assertEqual(len(theirs), PROGRAMS)
                self.assertEqual(len(mine), PROGRAMS)
                different = [i for i in range(PROGRAMS) if theirs[i] != mine[i]]
                self.assertEqual(different, [], f"these of {PROGRAMS} programs differ; the same with seed {seed} alone: "
                                 f"ROOKERY_FUZZ_SEEDS={seed}:{seed + 1} {sys.argv[0]}")

    def test_rv32(self):
        self.compare(32)

    def test_rv64(self):
        self.compare(64)


if __name__ == "__main__":
    for missing, sentence in ((not os.path.exists(elf_of(32)), f"{elf_of(32)} is not built (no cross compiler?)."),
                              (shutil.which("qemu-system-riscv32") is None,
                               "qemu-system-riscv32 is missing (Debian: qemu-system-misc).")):
        if missing:
            print(f"Skipped: {sentence}")
            sys.exit(77)
    unittest.main()
