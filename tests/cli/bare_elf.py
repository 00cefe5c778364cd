# SPDX-License-Identifier: Apache-2.0
"""Bare programs of a few instructions, for tests of commands."""
import struct


def elf(words, machine=243, entry=0x80000000, pa=0x80000000, memory_bytes=0x2000, elf_type=2):
    """A bare RV32 program of these instructions."""
    code = struct.pack("<%dI" % len(words), *words)
    header = struct.pack("<4s5B7xHHIIIIIHHHHHH", b"\x7fELF", 1, 1, 1, 0, 0, elf_type, machine, 1, entry, 52, 0, 0, 52, 32,
                         1, 40, 0, 0)
    segment = struct.pack("<8I", 1, 84, pa, pa, len(code), memory_bytes, 7, 4)
    return header + segment + code
