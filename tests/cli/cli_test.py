#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The program as people and scripts meet it: what it says to wrong input, how it treats terminals,
pipes and signals, and which exit status it leaves. On the CPU engine, with $ROOKERY_PROGRAM.

How to add a wrong command line: a row in BAD_INPUTS.
"""
import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

from bare_elf import elf

PROGRAM = os.environ.get("ROOKERY_PROGRAM", "build/rookery")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEFAULT_IMAGE = os.path.join(ROOT, "images/default")
PROMPT = b"# "
WAIT_S = 60  # for whatever should come at once; a busy machine is slow
RAW_FLAGS = termios.ICANON | termios.ECHO | termios.ISIG

folder = tempfile.TemporaryDirectory(prefix="rookery-cli-")


# --- Files to feed it with ---


def path(name, contents=None):
    """The path of a file in our folder, made with these contents."""
    full = os.path.join(folder.name, name)
    if contents is not None:
        with open(full, "wb") as file:
            file.write(contents)
    return full


def elf64():
    header = struct.pack("<4s5B7xHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 0, 0, 2, 243, 1, 0x80000000, 64, 0, 0, 64, 56, 1,
                         64, 0, 0)
    return header + struct.pack("<IIQQQQQQ", 1, 7, 120, 0x80000000, 0x80000000, 4, 4, 4) + struct.pack("<I", 0x6f)


def linux_image(text_offset=0x400000, image_bytes=0x100000, file_bytes=4096):
    image = bytearray(file_bytes)
    struct.pack_into("<IIQQ", image, 0, 0x6F, 0, text_offset, image_bytes)
    image[0x38:0x3C] = b"RSC\x05"
    return bytes(image)


LOOP_FOREVER = 0x0000006F
T0, T1 = 5, 6


def constant(register, value):
    upper = ((value + 0x800) >> 12) & 0xFFFFF
    return [(upper << 12) | (register << 7) | 0x37, ((value & 0xFFF) << 20) | (register << 15) | (register << 7) | 0x13]


def store_word(value, address):
    return constant(T0, address) + constant(T1, value) + [(T1 << 20) | (T0 << 15) | (2 << 12) | 0x23]


def ends_with(status):
    """A program that ends through the test device."""
    return elf(store_word(0x5555 if status == 0 else (status << 16) | 0x3333, 0x00100000) + [LOOP_FOREVER])


def prints_bytes(count):
    """A program that prints `count` times 'x' and ends."""
    uart = constant(T0, 0x10000000) + constant(T1, ord("x")) + constant(7, count)
    loop = [(T1 << 20) | (T0 << 15) | 0x23,  # sb t1, (t0)
            0xFFF38393,                      # addi t2, t2, -1
            0xFE039CE3]                      # bne t2, zero, -8
    return elf(uart + loop + store_word(0x5555, 0x00100000) + [LOOP_FOREVER])


ENDLESS = elf([LOOP_FOREVER])
GOOD_KERNEL = linux_image()

# Arguments after `rookery`, exit status, a part of what is said. {name} is a file of FILES.
USAGE, IMAGE, IO = 64, 65, 74
FILES = {
    "endless": ENDLESS,
    "kernel": GOOD_KERNEL,
    "empty": b"",
    "text": b"hello " * 100,
    "short": b"hello",
    "x86": elf([LOOP_FOREVER], machine=62),
    "object": elf([LOOP_FOREVER], elf_type=1),
    "cut_elf": ENDLESS[:-2],
    "low_elf": elf([LOOP_FOREVER], entry=0x10000, pa=0x10000),
    "lost_entry": elf([LOOP_FOREVER], entry=0x80100000),
    "kernel64": linux_image(text_offset=0x200000),
    "m_mode": linux_image(text_offset=0),
    "huge_kernel": linux_image(image_bytes=1 << 40),
    "elf64": elf64(),
    "gzip": b"\x1f\x8b\x08" + bytes(100),
    "bad_zstd": b"\x28\xb5\x2f\xfd" + b"garbage" * 20,
    "big_initrd": bytes(70 << 20),
    "empty_json": b"{}",
    "cut_dtb": struct.pack(">10I", 0xD00DFEED, 4096, 56, 100, 40, 17, 16, 0, 0, 0),
}
BAD_INPUTS = [
    # The command line
    (["frobnicate"], USAGE, 'There is no command "frobnicate"; \'rookery --help\' lists them.'),
    (["run", "--frobnicate"], USAGE, "--frobnicate"),
    (["run", "extra"], IO, 'Cannot open the snapshot "extra"'),
    (["run", "--kernel"], USAGE, "--kernel"),
    (["run", "--engine", "abacus"], USAGE, "abacus"),
    (["run", "--engine", "cpu", "--adapter", "H200"], USAGE, "--adapter H200 needs the GPU engine; --engine says cpu."),
    (["run", "--memory", "lots"], USAGE, '"lots" is not a memory size: write 64M, 1G or 65536K.'),
    (["run", "--memory", "-5M"], USAGE, ""),
    (["run", "--memory", "5K"], USAGE, "Memory of 5K is not a multiple of a page (4096 bytes) above 0."),
    (["run", "--memory", "0"], USAGE, "not a multiple of a page"),
    (["run", "--memory", "4G"], USAGE, "Memory of 4G is more than the limit of 2047 MiB."),
    (["run", "-m", "64Q"], USAGE, '"64Q" is not a memory size'),
    (["run", "--max-instructions", "many"], USAGE, '--max-instructions "many" is not a count from 1 to 9e15'),
    (["run", "--max-instructions", "0"], USAGE, "is not a count"),
    (["run", "--timeout", "soon"], USAGE, '--timeout "soon" is not a number of seconds above 0'),
    (["run", "--timeout", "0"], USAGE, "is not a number of seconds above 0"),
    (["run", "--timeout", "nan"], USAGE, "is not a number of seconds above 0"),
    (["run", "--stats=xml"], USAGE, '"xml" is neither text nor json'),
    (["run", "--bare", "{endless}", "--kernel", "{kernel}"], USAGE, "--kernel excludes --bare"),
    (["run", "--bare", "{endless}", "--image", "nommu"], USAGE, "excludes"),
    (["run", "--image", "quake"], USAGE, 'There is no image "quake" in "'),
    (["run", "--image", "quake"], USAGE, "these are there: default, nommu."),
    (["run", "--image", "/nonexistent.json"], IO, 'Cannot open the image description "/nonexistent.json"'),
    (["run", "--image", "{text}"], IMAGE, "is not a JSON object."),
    (["run", "--image", "{empty_json}"], IMAGE, 'names no "kernel".'),
    (["run", "--image", "nommu", "--bios", "{text}"], IMAGE, "is built for M-mode and cannot run under the firmware"),
    (["run", "--append", "x" * 5000], USAGE, "The kernel command line has 5000 bytes; the limit is 2048."),
    # gdb
    (["run", "--gdb", "gopher"], USAGE, '--gdb "gopher" is not [HOST:]PORT with a port from 0 to 65535'),
    (["run", "--gdb", "65536"], USAGE, "is not [HOST:]PORT"),
    (["run", "--gdb", "-1"], USAGE, ""),
    (["run", "--gdb", "1234:"], USAGE, "is not [HOST:]PORT"),
    (["run", "--gdb", "nowhere.invalid:1234"], USAGE, '--gdb cannot listen at "nowhere.invalid": '),
    (["run", "--gdb", "192.0.2.1:0"], IO, "--gdb cannot listen at 192.0.2.1 port 0: Cannot assign requested address."),
    (["run", "--gdb", "0", "--gdb-vm", "3"], USAGE,
     "--gdb-vm 3: there is no such machine. This run has one, and its number is 0."),
    (["run", "--gdb-vm", "0"], USAGE, "--gdb-vm requires --gdb"),
    # Files that are not there
    (["run", "--kernel", "/nonexistent"], IO, 'Cannot open the kernel "/nonexistent": No such file or directory.'),
    (["run", "-initrd", "/nonexistent"], IO, 'Cannot open the initrd "/nonexistent"'),
    (["run", "--dtb", "/nonexistent"], IO, 'Cannot open the device tree "/nonexistent"'),
    (["run", "--bios", "/nonexistent"], IO, 'Cannot open the firmware "/nonexistent"'),
    (["run", "--bare", "/nonexistent"], IO, 'Cannot open the program "/nonexistent"'),
    (["run", "--kernel", "/"], IO, 'Cannot read the kernel "/": Is a directory.'),
    (["run", "--dtb", "/dev/zero"], IMAGE, 'The device tree "/dev/zero" is larger than the limit of 1 MiB.'),
    # Kernels
    (["run", "--kernel", "{empty}"], IMAGE, "is empty."),
    (["run", "--kernel", "{short}"], IMAGE, "is truncated: 5 bytes is less than a RISC-V Linux Image's header."),
    (["run", "--kernel", "{text}"], IMAGE, "is neither a RISC-V Linux Image"),
    (["run", "--kernel", "{gzip}"], IMAGE, "is compressed by gzip; unpack it first (gunzip)."),
    (["run", "--kernel", "{bad_zstd}"], IMAGE, "is not valid zstd data"),
    (["run", "--kernel", "{x86}"], IMAGE, "is for x86-64; RISC-V (243) is needed."),
    (["run", "--kernel", "{huge_kernel}"], IMAGE, "does not fit in RAM: it takes 1 TiB at 0x80400000"),
    (["run", "--kernel", "{kernel}", "--memory", "4M"], IMAGE, "does not fit in RAM"),
    (["run", "--kernel", "{kernel}", "--memory", "4K"], IMAGE, "does not fit in RAM"),
    (["run", "--kernel", "{kernel}", "--bios", "none"], IMAGE, "needs an SBI: leave out --bios none."),
    (["run", "--kernel", "{m_mode}", "--bios", "{text}"], IMAGE, "is built for M-mode and cannot run under the firmware"),
    (["run", "--kernel", "{kernel}", "--bios", "{empty}"], IMAGE, "is empty."),
    (["run", "--kernel", "{kernel}", "--bios", "{elf64}"], IMAGE, "is for 64-bit RISC-V; the machine is 32-bit."),
    # Initrds and device trees
    (["run", "--kernel", "{kernel}", "--initrd", "{empty}"], IMAGE, "is empty."),
    (["run", "--kernel", "{kernel}", "--initrd", "{bad_zstd}"], IMAGE, "is not valid zstd data"),
    (["run", "--kernel", "{kernel}", "--initrd", "{big_initrd}"], IMAGE,
     "The initrd (70 MiB) and the device tree do not fit in 64 MiB of RAM."),
    (["run", "--kernel", "{kernel}", "--initrd", "{big_initrd}", "-m", "72M"], IMAGE, "overlaps the kernel"),
    (["run", "--kernel", "{kernel}", "--dtb", "{empty}"], IMAGE, "is truncated: 0 bytes is less than a header."),
    (["run", "--kernel", "{kernel}", "--dtb", "{text}"], IMAGE, "is not a device tree blob"),
    (["run", "--kernel", "{kernel}", "--dtb", "{cut_dtb}"], IMAGE, "is truncated: its header states 4096 bytes, the file has 40."),
    # Bare programs
    (["run", "--bare", "{text}"], IMAGE, "is not an ELF file."),
    (["run", "--bare", "{x86}"], IMAGE, "is for x86-64; RISC-V (243) is needed."),
    (["run", "--bare", "{object}"], IMAGE, "is an object file; an executable linked to fixed addresses is needed."),
    (["run", "--bare", "{cut_elf}"], IMAGE, "is truncated: segment 0 ends at byte"),
    (["run", "--bare", "{low_elf}"], IMAGE, "does not fit in RAM: it takes 8 KiB at 0x10000"),
    (["run", "--bare", "{lost_entry}"], IMAGE, "starts at 0x80100000, which is in none of its segments."),
    # verify
    (["verify", "--engines", "cpu"], USAGE, '--engines "cpu" is not a pair of engines: write cpu,gpu'),
    (["verify", "--engines", "cpu,abacus"], USAGE, "is not a pair of engines"),
    (["verify", "--engines", "cpu,cpu", "--adapter", "H200"], USAGE, "--adapter H200 needs a GPU engine; --engines says cpu,cpu."),
    (["verify", "--engines", "cpu,cpu", "--stride", "0"], USAGE, '--stride "0" is not a count'),
    (["verify", "--engines", "cpu,cpu", "--max-instructions", "x"], USAGE, '--max-instructions "x" is not a count'),
    (["verify", "--engines", "cpu,cpu", "--bare", "/nonexistent"], IO, 'Cannot open the program "/nonexistent"'),
    (["verify", "--engines", "cpu,cpu", "--symbols", "/nonexistent"], IO, 'Cannot open the symbol file "/nonexistent"'),
    (["verify", "--engines", "cpu,cpu", "--bare", "{endless}", "--symbols", "{text}"], IMAGE, "is not an ELF file."),
    (["verify", "--engines", "cpu,cpu", "--bare", "{endless}", "--symbols", "{endless}"], IMAGE, "has no symbols"),
    # fuzz
    (["fuzz", "--engines", "gpu,cpu"], USAGE, '--engines "gpu,cpu" is not a pair of engines to fuzz: write cpu,gpu or cpu,cpu.'),
    (["fuzz", "--engines", "cpu,cpu", "--adapter", "H200"], USAGE, "--adapter H200 needs the GPU engine; --engines says cpu,cpu."),
    (["fuzz", "--engines", "cpu,cpu", "--instructions", "0"], USAGE, '--instructions "0" is not a count'),
    (["fuzz", "--engines", "cpu,cpu", "--steps", "1G"], USAGE, "--steps 1G is more than 100000000."),
    (["fuzz", "--engines", "cpu,cpu", "--vms", "100k"], USAGE, "--vms 100k is more than 16384."),
    (["fuzz", "--engines", "cpu,cpu", "--output", "/nonexistent/report"], IO, 'Cannot write the report "/nonexistent/report"'),
    (["fuzz", "--engines", "cpu,cpu", "--xlen", "16"], USAGE, "--xlen: 16 not in {32,64,both}"),
    (["fuzz", "--engines", "cpu,cpu", "--seed", "-1"], USAGE, '--seed "-1" is not a number from 0 to 18446744073709551615.'),
    (["fuzz", "--engines", "cpu,cpu", "--case", "7x"], USAGE, '--case "7x" is not a number'),
    (["fuzz", "--engines", "cpu,cpu", "--timeout", "0"], USAGE, '--timeout "0"'),
]


def default_signals():
    """What a shell would give the program; whoever started us may ignore some (nohup, a background job)."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def rookery(*arguments, typed=b"", **more):
    """Runs the program to its end: exit status, standard output, standard error."""
    done = subprocess.run([PROGRAM, *arguments], input=typed, capture_output=True, timeout=WAIT_S, check=False, **more)
    return done.returncode, done.stdout, done.stderr.decode()


def cpu(*arguments, **more):
    return rookery("run", "--engine", "cpu", *arguments, **more)


class WrongInput(unittest.TestCase):
    def test_table(self):
        files = {name: path(name, contents) for name, contents in FILES.items()}
        for arguments, status, sentence in BAD_INPUTS:
            with self.subTest(" ".join(arguments)[:100]):
                got = rookery(*[argument.format(**files) for argument in arguments])
                self.assertEqual(got[0], status, got[2])
                self.assertIn(sentence, got[2])
                self.assertTrue(got[2].startswith("Rookery: "), got[2])
                self.assertEqual(got[1], b"")

    def test_missing_default_image_says_what_to_do(self):
        status, _, said = cpu(env={**os.environ, "ROOKERY_DATA_DIR": "/nonexistent"})
        self.assertEqual(status, USAGE)
        self.assertIn('There is no default image in "/nonexistent/images/default": give --kernel FILE', said)

    def test_wide_programs_run_or_are_refused_in_words(self):
        status, _, said = cpu("--bare", path("elf64", elf64()), "--max-instructions", "10")
        self.assertIn(status, (124, USAGE))
        self.assertIn("Rookery: ", said)


class Help(unittest.TestCase):
    def test_every_command_has_examples(self):
        for command in ([], ["run"], ["verify"], ["fuzz"], ["adapters"]):
            status, out, _ = rookery(*command, "--help")
            self.assertEqual(status, 0)
            self.assertIn(b"Examples:", out)
        self.assertEqual(rookery()[:2], rookery("--help")[:2])

    def test_version(self):
        status, out, _ = rookery("--version")
        self.assertEqual(status, 0)
        self.assertRegex(out, rb"^rookery \d+\.\d+")


class ExitStatus(unittest.TestCase):
    def test_of_the_guest(self):
        for guest, ours in ((0, 0), (1, 1), (7, 7), (125, 125), (126, 1), (300, 1)):
            status, _, said = cpu("--bare", path("ends", ends_with(guest)))
            self.assertEqual(status, ours)
            if guest:
                self.assertIn(f"the guest ended with status {guest}.", said)

    def test_instruction_limit_is_exact(self):
        status, _, said = cpu("--bare", path("endless", ENDLESS), "--max-instructions", "12345", "--stats=json")
        self.assertEqual(status, 124)
        self.assertIn("stopped after 12345 instructions (--max-instructions).", said)
        stats = json.loads(said.splitlines()[-1])
        self.assertEqual(stats["instructions"], 12345)
        self.assertEqual((stats["end"], stats["exit_code"], stats["engine"]), ("instructions", 124, "CPU"))

    def test_timeout(self):
        start = time.monotonic()
        status, _, said = cpu("--bare", path("endless", ENDLESS), "--timeout", "0.3")
        self.assertEqual(status, 124)
        self.assertIn("(--timeout)", said)
        self.assertLess(time.monotonic() - start, WAIT_S / 2)

    def test_stats_for_people(self):
        _, _, said = cpu("--bare", path("endless", ENDLESS), "--max-instructions", "1k", "--stats")
        self.assertRegex(said.splitlines()[-1], r"^Rookery: 1000 instructions in .* MIPS\), .* dirty pages .*, CPU engine\.$")

    def test_trace_of_exits(self):
        _, _, said = cpu("--bare", path("ends", ends_with(3)), "--trace-exits")
        self.assertRegex(said, r"Rookery: exit shutdown \(0x3, 0x1\) after \d+ instructions\n")

    def test_signals(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with subprocess.Popen([PROGRAM, "run", "--engine", "cpu", "--bare", path("endless", ENDLESS)],
                                  stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                  preexec_fn=default_signals) as process:
                time.sleep(0.3)
                process.send_signal(number)
                said = process.communicate(timeout=WAIT_S)[1].decode()
            self.assertEqual(process.returncode, 128 + number)
            self.assertIn(f"stopped by signal {int(number)}.", said)


class Fuzz(unittest.TestCase):
    def test_equal_engines(self):
        code, said, notes = rookery("fuzz", "--engines", "cpu,cpu", "--instructions", "20k", "--vms", "8")
        self.assertEqual(code, 0, notes)
        for line, width in zip(said.decode().splitlines(), (32, 64), strict=True):
            self.assertRegex(line, rf"^Equal: RV{width}, seed 1: 1[0-9] cases, 1[0-9]{{4}} instructions, [0-9]+ exits; ")
        self.assertEqual(notes, "")

    def test_one_case(self):
        code, said, notes = rookery("fuzz", "--engines", "cpu,cpu", "--xlen", "64", "--seed", "5", "--case", "70000",
                                    "--steps", "300")
        self.assertEqual(code, 0, notes)
        self.assertRegex(said.decode(), r"^Equal: RV64, seed 5: 1 cases?, ")

    def test_timeout_and_signal(self):
        code, said, notes = rookery("fuzz", "--engines", "cpu,cpu", "--instructions", "1G", "--vms", "8", "--timeout",
                                    "0.5")
        self.assertEqual(code, 124, notes)
        self.assertIn(b"Equal so far: RV32", said)
        process = subprocess.Popen([PROGRAM, "fuzz", "--engines", "cpu,cpu", "--instructions", "1G", "--vms", "8"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, preexec_fn=default_signals)
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=WAIT_S)
        self.assertEqual(process.returncode, 128 + signal.SIGTERM)
        self.assertIn(b"Equal so far: RV32", said)


class Verify(unittest.TestCase):
    def test_equal_engines(self):
        for status in (0, 3):  # the guest's own is not passed on
            code, said, notes = rookery("verify", "--engines", "cpu,cpu", "--bare", path("ends", ends_with(status)))
            self.assertEqual(code, 0, notes)
            self.assertRegex(said.decode(), r"^Equal: 5 instructions, 2 comparisons; CPU .* MIPS, CPU \(2\) .* MIPS; "
                             rf".* s; both shut down with status {status}\.\n$")
            self.assertEqual(notes, "")

    def test_stride_and_limit(self):
        code, said, notes = rookery("verify", "--engines", "cpu,cpu", "--bare", path("endless", ENDLESS), "--stride", "1k",
                       "--max-instructions", "10500")
        self.assertEqual(code, 0, notes)
        # At the start, ten times, and at the end.
        self.assertIn(b"Equal: 10500 instructions, 12 comparisons;", said)
        self.assertIn(b"stopped by --max-instructions.", said)

    def test_signal(self):
        process = subprocess.Popen([PROGRAM, "verify", "--engines", "cpu,cpu", "--bare", path("endless", ENDLESS)],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, preexec_fn=default_signals)
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=WAIT_S)
        self.assertEqual(process.returncode, 128 + signal.SIGTERM)
        self.assertIn(b"stopped by signal 15.", said)

    @unittest.skipUnless(os.path.exists(os.path.join(DEFAULT_IMAGE, "Image.zst")), "no default image")
    def test_linux_is_typed_what_is_piped(self):
        code, said, notes = rookery("verify", "--engines", "cpu,cpu", typed=b"echo hello\npoweroff 9\n")
        self.assertEqual(code, 0, notes)
        self.assertIn(b"both shut down with status 9.", said)


class Pipes(unittest.TestCase):
    def test_reader_that_left(self):
        reader, writer = os.pipe()
        os.close(reader)
        with subprocess.Popen([PROGRAM, "run", "--engine", "cpu", "--bare", path("prints", prints_bytes(100))],
                              stdin=subprocess.DEVNULL, stdout=writer, stderr=subprocess.PIPE) as process:
            os.close(writer)
            said = process.communicate(timeout=WAIT_S)[1].decode()
        self.assertEqual(process.returncode, IO)
        self.assertIn("Cannot write the guest's console to standard output: Broken pipe.", said)

    def test_closed_and_full_outputs(self):
        program = path("prints", prints_bytes(100))
        for redirection, status, sentence in (
            (">&-", IO, "Cannot write the guest's console to standard output: Bad file descriptor."),
            (">/dev/full", IO, "Cannot write the guest's console to standard output: No space left on device."),
            ("<&-", 0, ""),
            ("2>&-", 0, ""),
        ):
            with self.subTest(redirection):
                done = subprocess.run(["sh", "-c", f'exec "$0" run --engine cpu --bare "$1" {redirection}', PROGRAM, program],
                                      stdin=subprocess.DEVNULL, capture_output=True, timeout=WAIT_S, check=False)
                self.assertEqual(done.returncode, status)
                self.assertIn(sentence, done.stderr.decode())

    def test_no_byte_is_lost_on_a_slow_reader(self):
        count = 1_000_000
        for blocking in (True, False):
            reader, writer = os.pipe()
            os.set_blocking(writer, blocking)
            with subprocess.Popen([PROGRAM, "run", "--engine", "cpu", "--bare", path("prints", prints_bytes(count))],
                                  stdin=subprocess.DEVNULL, stdout=writer, stderr=subprocess.PIPE) as process:
                os.close(writer)
                got = 0
                time.sleep(0.2)
                while piece := os.read(reader, 50_000):
                    got += len(piece)
                    time.sleep(0.001)
                os.close(reader)
                process.communicate(timeout=WAIT_S)
            self.assertEqual((process.returncode, got), (0, count))

    def test_no_console_is_silent(self):
        status, out, said = cpu("--bare", path("prints", prints_bytes(100)), "--no-console")
        self.assertEqual((status, out, said), (0, b"", ""))


@unittest.skipUnless(os.path.exists(os.path.join(DEFAULT_IMAGE, "Image.zst")), "no default image")
class Linux(unittest.TestCase):
    def test_piped_lines_are_typed_and_the_machine_ends(self):
        lines = b"echo a$((6*7))b\nsleep 2; echo slept\n" + b"echo " + b"y" * 200 + b"\n"
        status, out, said = cpu(typed=lines)
        self.assertEqual(status, 0, said)
        for wanted in (b"a42b\r\n", b"slept\r\n", b"y" * 200 + b"\r\n"):
            self.assertIn(wanted, out)

    def test_piped_runs_repeat_exactly(self):
        runs = [cpu("--stats=json", typed=b"ls -l /\n") for _ in range(2)]
        self.assertEqual(runs[0][1], runs[1][1])
        counts = [json.loads(said.splitlines()[-1])["instructions"] for _, _, said in runs]
        self.assertEqual(counts[0], counts[1])

    def test_without_input_it_ends_at_the_prompt(self):
        with open("/dev/null", "rb") as nothing:
            done = subprocess.run([PROGRAM, "run", "--engine", "cpu"], stdin=nothing, capture_output=True, timeout=WAIT_S,
                                  check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(PROMPT, done.stdout)

    def test_the_nommu_image_runs_a_command_and_ends_with_its_status(self):
        line = "console=ttyS0 panic=-1 run=\"uname -m; cat /proc/cpuinfo | grep mmu; poweroff 7\""
        status, out, said = cpu("--image", "nommu", "--append", line)
        self.assertEqual(status, 7, said)
        self.assertIn(b"riscv32\r\n", out)
        self.assertRegex(out, rb"mmu\s*: none\r\n")
        status, out, said = cpu("--image", os.path.join(ROOT, "images/nommu/image.json"), typed=b"exit 3\n")
        self.assertEqual(status, 3, said)
        self.assertIn(PROMPT, out)

    def test_every_command_that_makes_a_machine_takes_an_image(self):
        for arguments, wanted in (
            (["trace", "--image", "nommu", "--engine", "cpu", "--to", "1"], "core   0: 3 0x80000000 "),
            (["profile", "--image", "nommu", "--engine", "cpu", "--to", "4", "--no-console"], "4 instructions retired"),
            (["verify", "--image", "nommu", "--engines", "cpu,cpu", "--max-instructions", "10k"], "Equal: 10000 instructions"),
        ):
            with self.subTest(arguments[0]):
                done = subprocess.run([PROGRAM, *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=WAIT_S,
                                      check=False, text=True)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(wanted, done.stdout)

    def test_options_replace_parts_of_an_image(self):
        status, out, said = cpu("--image", "nommu", "--memory", "16M", "--kernel", DEFAULT_IMAGE + "/Image.zst", "--initrd",
                                DEFAULT_IMAGE + "/initramfs.cpio.zst", "--append", "run=\"cat /proc/cpuinfo\" console=ttyS0")
        self.assertEqual(status, 0, said)
        self.assertRegex(out, rb"mmu\s*: sv32\r\n")
        self.assertIn(b"/12288K available", out)

    def test_qemu_spellings(self):
        status, out, said = cpu("-kernel", DEFAULT_IMAGE + "/Image.zst", "-initrd", DEFAULT_IMAGE + "/initramfs.cpio.zst",
                                "-append", "console=ttyS0 panic=-1", "-m", "32", typed=b"cat /proc/cmdline; free -m\n")
        self.assertEqual(status, 0, said)
        self.assertIn(b"console=ttyS0 panic=-1\r\n", out)


class Terminal:
    """The program on a terminal of its own."""

    def __init__(self, *arguments):
        self.master, self.slave = pty.openpty()
        self.cooked = termios.tcgetattr(self.slave)
        self.seen = b""

        def own_terminal():
            default_signals()
            os.setsid()
            fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen([PROGRAM, "run", "--engine", "cpu", *arguments], stdin=self.slave, stdout=self.slave,
                                        stderr=self.slave, preexec_fn=own_terminal)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)

    def type(self, text):
        os.write(self.master, text)

    def read_until(self, wanted):
        end = time.monotonic() + WAIT_S
        while wanted not in self.seen:
            if select.select([self.master], [], [], 0.1)[0]:
                self.seen += os.read(self.master, 65536)
            elif time.monotonic() > end:
                raise AssertionError(f"{wanted!r} did not come, but {self.seen[-2000:]!r}")
        before, _, self.seen = self.seen.partition(wanted)
        return before + wanted

    def is_raw(self):
        return termios.tcgetattr(self.slave)[3] & RAW_FLAGS == 0

    def is_restored(self):
        return termios.tcgetattr(self.slave) == self.cooked

    def wait_for(self, condition):
        end = time.monotonic() + WAIT_S
        while not condition():
            if time.monotonic() > end:
                raise AssertionError("the terminal's mode did not change")
            time.sleep(0.01)

    def wait(self):
        return self.process.wait(WAIT_S)


class OnATerminal(unittest.TestCase):
    @unittest.skipUnless(os.path.exists(os.path.join(DEFAULT_IMAGE, "Image.zst")), "no default image")
    def test_a_session(self):
        with Terminal() as terminal:
            terminal.read_until(PROMPT)
            self.assertTrue(terminal.is_raw())
            terminal.type(b"echo $((6*7))\r")
            terminal.read_until(b"42\r")
            terminal.read_until(PROMPT)
            terminal.type(b"\x01c")
            self.assertRegex(terminal.read_until(b"guest time."), rb"Rookery: [\d.]+ M instructions, .* dirty pages")
            terminal.type(b"\x01h")
            terminal.read_until(b"send Ctrl-A to the guest")
            terminal.type(b"cat -v\r")
            terminal.read_until(b"cat -v")
            time.sleep(0.5)
            terminal.type(b"<\x01a>\r")
            terminal.read_until(b"<^A>")
            terminal.type(b"\x03")  # goes to the guest, not to us
            terminal.read_until(PROMPT)
            terminal.type(b"\x01x")
            self.assertEqual(terminal.wait(), 0)
            self.assertTrue(terminal.is_restored())

    def test_progress_is_shown_while_the_guest_is_silent(self):
        with Terminal("--bare", path("endless", ENDLESS)) as terminal:
            self.assertRegex(terminal.read_until(b" s\r"), rb"instructions, [\d.]+ MIPS, \d+\.\d s")
            terminal.type(b"\x01x")
            self.assertEqual(terminal.wait(), 0)

    def test_every_way_out_restores_the_terminal(self):
        for number, status in ((signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129), (signal.SIGQUIT, 131),
                               (signal.SIGSEGV, -signal.SIGSEGV), (signal.SIGABRT, -signal.SIGABRT)):
            with self.subTest(number), Terminal("--bare", path("endless", ENDLESS)) as terminal:
                terminal.wait_for(terminal.is_raw)
                terminal.process.send_signal(number)
                self.assertEqual(terminal.wait(), status)
                self.assertTrue(terminal.is_restored())
        for arguments in (["--max-instructions", "1000000"], ["--timeout", "0.2"]):
            with Terminal("--bare", path("endless", ENDLESS), *arguments) as terminal:
                self.assertEqual(terminal.wait(), 124)
                self.assertTrue(terminal.is_restored())

    def test_a_stopped_program_gives_the_terminal_back(self):
        with Terminal("--bare", path("endless", ENDLESS)) as terminal:
            terminal.wait_for(terminal.is_raw)
            terminal.process.send_signal(signal.SIGTSTP)
            terminal.wait_for(terminal.is_restored)
            terminal.process.send_signal(signal.SIGCONT)
            terminal.wait_for(terminal.is_raw)
            terminal.type(b"\x01x")
            self.assertEqual(terminal.wait(), 0)
            self.assertTrue(terminal.is_restored())


if __name__ == "__main__":
    if not os.path.exists(PROGRAM):
        print(f"{PROGRAM} is not built; set ROOKERY_PROGRAM.")
        sys.exit(77)
    unittest.main()
