#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""QEMU as an outside oracle: firmware, kernel and initial RAM disk boot there as they boot here.

The same OpenSBI (fw_jump), kernel, initramfs, command line and device tree (Rookery's own, written by
dump_device_tree) are given to `qemu-system-riscv32 -M virt` and to `rookery run --bios`; both are typed the
same commands. So is the NOMMU image, in M-mode without firmware (`-bios none`). The consoles have to be the same
text, line by line, but for:

  [    0.123456]             the kernel's time stamps: time follows instructions differently
  Memory: ...K available, ...K reserved
                             by a page, as QEMU puts initramfs and device tree elsewhere
  Boot HART ..., Experimental SBI Extensions
                             what the firmware finds out about the hart by probing it: QEMU's has physical
                             memory protection, performance counters and debug triggers, Rookery's has none
  ASID allocator ...         QEMU's satp has address space identifiers, Rookery's (as the specification
                             allows) has none
  marchid, mimpid            the numbers that an implementation has for itself
  carriage returns           a terminal's

The exit status of `poweroff 7` has to be 7 from both, through QEMU's test device and Rookery's.
Without QEMU the comparison is skipped (status 77), once Rookery's own part was found to be right.
"""

import os
import pathlib
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
IMAGES = ROOT / "images"
BUILD = pathlib.Path(os.environ.get("ROOKERY_BUILD_DIR", ROOT / "build"))
ROOKERY = os.environ.get("ROOKERY_PROGRAM", str(BUILD / "rookery"))
DUMP_DEVICE_TREE = os.environ.get("ROOKERY_DUMP_DEVICE_TREE", str(BUILD / "tests/boot/dump_device_tree"))
QEMU = shutil.which("qemu-system-riscv32")

RAM_BYTES = 64 << 20
INITRD_PA = 0x82400000  # where QEMU puts it: half of RAM above the kernel
NOMMU_INITRD_PA = 0x82000000
# QEMU's time is the host's: whatever Linux does at the same time, it would print in any order.
COMMAND_LINE = "earlycon=sbi console=ttyS0 initramfs_async=0"
NOMMU_COMMAND_LINE = "earlycon console=ttyS0 initramfs_async=0 retain_initrd"
PROMPT = b"rookery:~# "
COMMANDS = [
    "uname -a",
    "echo sum=$((123456789 * 7 - 5))",
    "cat /proc/cpuinfo",
    "cat /proc/interrupts | wc -l",
    "ls / /sys",
    "busybox sha256sum /bin/busybox",
]
# As Rookery's machine is: no extension but M, A, Zicsr, Zifencei and, not in M-mode, Sstc.
CPU = "rv32,sstc={}," + ",".join(
    name + "=off" for name in "g c f d h v zba zbb zbc zbs svinval svnapot svpbmt Zihintpause".split())

TIMEOUT_S = 120


def unpacked(folder, name):
    """Decompresses images/NAME.zst into the folder."""
    target = pathlib.Path(folder) / pathlib.Path(name).name
    subprocess.run(["zstd", "-d", "-q", "-f", str(IMAGES / (name + ".zst")), "-o", str(target)], check=True)
    return target


def talk(command, lines):
    """Runs the command, types a line at each prompt, and returns its output and exit status."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    output = b""
    answered = 0
    waiting = list(lines)
    deadline = time.monotonic() + TIMEOUT_S
    try:
        while True:
            ready, _, _ = select.select([process.stdout], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError(f"{command[0]} said nothing more; so far: {output.decode(errors='replace')}")
            chunk = os.read(process.stdout.fileno(), 65536)
            if not chunk:
                return output.decode(errors="replace"), process.wait(TIMEOUT_S)
            output += chunk
            while waiting and output.count(PROMPT) > answered:
                answered += 1
                process.stdin.write(waiting.pop(0).encode() + b"\n")
                process.stdin.flush()
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def normalised(text):
    lines = []
    for line in text.replace("\r", "").splitlines():
        line = re.sub(r"^\[ *\d+\.\d+\] ", "", line)
        line = re.sub(r"^Memory: \d+(K/.*, )\d+K reserved", r"Memory: \1 reserved", line)
        if re.match(r"(Boot HART|Experimental SBI Extensions) ", line):
            continue
        if line.startswith("ASID allocator ") or re.match(r"(marchid|mimpid)\t", line):
            continue
        lines.append(line)
    return lines


class QemuTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        if shutil.which("zstd") is None:
            self.skipTest("zstd is missing (Debian: zstd).")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.kernel = unpacked(folder.name, "default/Image")
        self.initrd = unpacked(folder.name, "default/initramfs.cpio")
        self.firmware = unpacked(folder.name, "opensbi/fw_jump.bin")
        self.folder = pathlib.Path(folder.name)

    def rookery(self, firmware, lines):
        return talk([ROOKERY, "run", "--engine", "cpu", "--bios", str(firmware), "--kernel", str(self.kernel),
                     "--initrd", str(self.initrd), "--append", COMMAND_LINE, "--memory", "64M"], lines)

    def theirs(self, mode, bios, kernel, initrd, initrd_pa, command_line, lines):
        """QEMU's console and status, with the device tree of Rookery's machine."""
        tree = self.folder / "tree.dtb"
        end = initrd_pa + initrd.stat().st_size
        with tree.open("wb") as file:
            subprocess.run([DUMP_DEVICE_TREE, mode, str(RAM_BYTES), str(initrd_pa), str(end), command_line], stdout=file,
                           check=True)
        cpu = CPU.format("off" if mode == "m_mode" else "on")
        return talk([QEMU, "-M", "virt", "-m", "64M", "-cpu", cpu, "-bios", str(bios), "-kernel", str(kernel),
                     "-initrd", str(initrd), "-dtb", str(tree), "-append", command_line, "-display", "none",
                     "-monitor", "none", "-serial", "stdio", "-no-reboot"], lines)

    def test_firmware_boots_and_powers_off(self):
        for firmware in ("fw_dynamic.bin", "fw_jump.bin"):
            for words, status in (("poweroff", 0), ("poweroff 7", 7)):
                with self.subTest(firmware=firmware, words=words):
                    console, ended = self.rookery(IMAGES / "opensbi" / (firmware + ".zst"), [words])
                    self.assertIn("OpenSBI v", console)
                    self.assertIn("SBI implementation ID=0x1 ", console)
                    self.assertEqual(ended, status, console)

    def test_the_console_is_that_of_qemu(self):
        if QEMU is None:
            self.skipTest("qemu-system-riscv32 is missing (Debian: qemu-system-misc).")
        lines = [*COMMANDS, "poweroff 7"]
        theirs, their_status = self.theirs("firmware", self.firmware, self.kernel, self.initrd, INITRD_PA, COMMAND_LINE,
                                           lines)
        ours, our_status = self.rookery(self.firmware, lines)
        self.assertEqual(normalised(ours), normalised(theirs))
        self.assertEqual((our_status, their_status), (7, 7))
        self.assertIn("sum=864197518", ours)
        print(f"{len(normalised(ours))} lines are the same in QEMU and here.", file=sys.stderr)

    def test_the_nommu_console_is_that_of_qemu(self):
        if QEMU is None:
            self.skipTest("qemu-system-riscv32 is missing (Debian: qemu-system-misc).")
        lines = [*COMMANDS, "echo one | sed s/one/two/", "poweroff 7"]
        kernel = unpacked(self.folder, "nommu/Image")
        initrd = unpacked(self.folder, "nommu/initramfs.cpio")
        theirs, their_status = self.theirs("m_mode", "none", kernel, initrd, NOMMU_INITRD_PA, NOMMU_COMMAND_LINE, lines)
        ours, our_status = talk([ROOKERY, "run", "--engine", "cpu", "--image", "nommu", "--memory", "64M", "--append",
                                 NOMMU_COMMAND_LINE], lines)
        self.assertEqual(normalised(ours), normalised(theirs))
        self.assertEqual((our_status, their_status), (7, 7))
        self.assertRegex(ours, r"mmu\s*: none")
        self.assertIn("two", ours)


if __name__ == "__main__":
    result = unittest.main(exit=False, verbosity=2).result
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(77 if result.skipped else 0)
