#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Recording and replaying with the program: sessions of Linux, piped and on a terminal, replayed on both engines;
processes that are killed; files that are cut, damaged or of another machine. With $ROOKERY_PROGRAM."""
import json
import os
import struct
import subprocess
import sys
import time
import unittest

import cli_test
from cli_test import IMAGE, IO, PROGRAM, PROMPT, USAGE, WAIT_S, cpu, path

GPU_WAIT_S = 240  # a boot on the software adapter takes about 20 s
ADAPTER = os.environ.get("ROOKERY_TEST_ADAPTER", "software")
LINES = b"echo a$((6*7))b\nsleep 2; echo slept\npoweroff 3\n"
needs_linux = unittest.skipUnless(os.path.exists(os.path.join(cli_test.DEFAULT_IMAGE, "Image.zst")), "no default image")


def stats(said):
    return json.loads(said.splitlines()[-1])


def replay(recording, *arguments):
    return cpu("--replay", recording, "--stats=json", *arguments)


def flipped(recording, offset):
    with open(recording, "rb") as file:
        contents = bytearray(file.read())
    contents[offset] ^= 1
    return path("flipped.rec", bytes(contents))


@needs_linux
class Sessions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.recording = path("piped.rec")
        cls.status, cls.out, said = cpu("--record", cls.recording, "--record-hashes", "3M", "--stats=json", typed=LINES)
        cls.stats = stats(said)

    def same(self, status, out, said):
        self.assertEqual(status, self.status, said)
        self.assertEqual(out, self.out)
        for field in ("instructions", "guest_seconds", "dirty_pages", "end"):
            self.assertEqual(stats(said)[field], self.stats[field])
        self.assertIn("Rookery: the recording is over: the guest ended with status 3.\n", said)

    def test_recorded_as_if_it_were_not(self):
        status, out, said = cpu("--stats=json", typed=LINES)
        self.assertEqual((status, out, stats(said)["instructions"]), (self.status, self.out, self.stats["instructions"]))
        self.assertEqual(self.status, 3)
        self.assertIn(b"slept\r\n", self.out)
        self.assertLess(os.path.getsize(self.recording), 2000)

    def test_replayed_on_the_cpu(self):
        self.same(*replay(self.recording))

    def test_replayed_from_another_folder(self):
        for typed in (b"", b"echo something else\n"):
            self.same(*cpu("--replay", os.path.abspath(self.recording), "--stats=json", typed=typed, cwd="/"))

    def test_replayed_on_the_gpu(self):
        done = subprocess.run([PROGRAM, "run", "--engine", "gpu", "--adapter", ADAPTER, "--replay", self.recording,
                               "--stats=json"], stdin=subprocess.DEVNULL, capture_output=True, timeout=GPU_WAIT_S, check=False)
        said = done.stderr.decode()
        if done.returncode == USAGE:
            self.skipTest(said)
        self.same(done.returncode, done.stdout, said)
        self.assertIn("GPU", stats(said)["engine"])

    def test_recorded_on_the_gpu_replayed_on_the_cpu(self):
        recording = path("gpu.rec")
        done = subprocess.run([PROGRAM, "run", "--engine", "gpu", "--adapter", ADAPTER, "--record", recording,
                               "--record-hashes", "500k", "--max-instructions", "1500k", "--stats=json"],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=GPU_WAIT_S, check=False)
        if done.returncode == USAGE:
            self.skipTest(done.stderr.decode())
        self.assertEqual(done.returncode, 124)
        status, out, said = replay(recording)
        self.assertEqual((status, out), (124, done.stdout))
        self.assertIn("the recording is over: stopped after 1500000 instructions (--max-instructions).", said)

    def test_stops_at_exactly_that_count(self):
        status, out, said = replay(self.recording, "--max-instructions", "4321987")
        self.assertEqual(status, 124)
        self.assertEqual(stats(said)["instructions"], 4321987)
        self.assertTrue(self.out.startswith(out))

    def test_of_another_machine_is_refused(self):
        for arguments, sentence in (
            (["--memory", "128M"], "its RAM was 64 MiB, and here it is 128 MiB."),
            (["--append", "quiet"], 'and here it is "quiet".'),
            (["--initrd", path("other_initrd", b"x" * 100)], "The recording is of another machine: its initrd was"),
            (["--bare", path("endless", cli_test.ENDLESS)], "its bare program was none, and here it is"),
        ):
            status, out, said = replay(self.recording, *arguments)
            self.assertEqual((status, out), (IMAGE, b""), said)
            self.assertIn(sentence, said)
            self.assertIn(f' - while replaying "{self.recording}"', said)

    def test_of_an_image_by_name(self):
        recording = path("nommu.rec")
        status, out, _ = cpu("--image", "nommu", "--append", "console=ttyS0 quiet", "--record", recording, typed=LINES)
        self.assertEqual(status, 3)
        for arguments in ([], ["--image", "nommu"]):
            self.assertEqual(replay(recording, *arguments)[:2], (3, out))
        for arguments, sentence in (
            (["--image", "default"], "The recording is of another machine: its kernel was"),
            (["--image", "nommu", "--memory", "64M"], "its RAM was 32 MiB, and here it is 64 MiB."),
        ):
            status, out, said = replay(recording, *arguments)
            self.assertEqual((status, out), (IMAGE, b""), said)
            self.assertIn(sentence, said)

    def test_the_width_of_an_m_mode_kernel_is_recorded(self):
        # Its header does not tell; `slli gp, gp, 63` is illegal on RV32.
        code = [0x03F19193, *cli_test.store_word(7 << 16 | 0x3333, 0x00100000)]
        header = struct.pack("<I", 0x0400006F) + cli_test.linux_image(text_offset=0)[4:64]  # j 64
        path("wide_kernel", header + struct.pack(f"<{len(code)}I", *code))
        image = path("wide.json", b'{"kernel": {"name": "wide_kernel"}, "xlen": 64}')
        recording = path("wide.rec")
        self.assertEqual(cpu("--image", image, "--record", recording)[0], 7)
        status, _, said = replay(recording)
        self.assertEqual(status, 7, said)

    def test_cut_anywhere(self):
        with open(self.recording, "rb") as file:
            contents = file.read()
        header = contents.find(b"CPU") + len(b"CPU") + 1 + 4  # no snapshot; the checksum
        for size in (header, header + 5, len(contents) // 2, len(contents) * 3 // 4):
            status, out, said = replay(path("cut.rec", contents[:size]))
            self.assertEqual(status, 124, said)
            self.assertIn(f"the recording breaks off at byte {size}, ", said)
            self.assertIn("nothing is known of what came after", said)
            self.assertTrue(self.out.startswith(out))
        # Without the record of its end alone: the guest ends all the same.
        status, out, said = replay(path("cut.rec", contents[:-1]))
        self.assertEqual((status, out), (self.status, self.out), said)
        self.assertIn("the recording breaks off at byte", said)
        status, _, said = replay(path("cut.rec", contents[:header - 1]))
        self.assertEqual(status, IMAGE)
        self.assertIn(f"breaks off at byte {header - 1}, before it has said what machine it is of.", said)

    def test_damaged(self):
        size = os.path.getsize(self.recording)
        for offset in (20, size // 2, size - 1):
            status, _, said = replay(flipped(self.recording, offset))
            self.assertEqual(status, IMAGE)
            self.assertRegex(said, r"Rookery: The recording is damaged at byte \d+: ")


class Files(unittest.TestCase):
    def test_wrong(self):
        endless = path("endless", cli_test.ENDLESS)
        newer = path("newer.rec", b"\x8bRKREC\r\n\x09\x00\x00\x00")
        for arguments, status, sentence in (
            (["--replay", "/nonexistent"], IO, 'Cannot open the recording "/nonexistent"'),
            (["--replay", path("text", b"hello " * 100)], IMAGE, "It is no recording of Rookery's: 600 bytes"),
            (["--replay", newer], IMAGE, "The recording has format version 9; this program reads versions 1 to 2."),
            (["--replay", "a", "--record", "b"], USAGE, "excludes"),
            (["--bare", endless, "--record", "/nonexistent/x"], IO, 'Cannot create the recording "/nonexistent/x"'),
            (["--bare", endless, "--record", "/dev/full"], IO, 'Cannot write the recording "/dev/full": No space left'),
            (["--bare", endless, "--record", path("x.rec"), "--record-hashes", "often"], USAGE, '"often" is not a count'),
            (["--bare", endless, "--record-hashes", "1M"], USAGE, "--record-hashes requires --record"),
        ):
            with self.subTest(" ".join(arguments)):
                got = cpu(*arguments)
                self.assertEqual(got[0], status, got[2])
                self.assertIn(sentence, got[2])

    def test_killed_while_recording(self):
        recording = path("killed.rec")
        with subprocess.Popen([PROGRAM, "run", "--engine", "cpu", "--bare", path("endless", cli_test.ENDLESS), "--record",
                               recording], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            time.sleep(1)
            process.kill()
            process.wait(WAIT_S)
        status, _, said = replay(recording)
        self.assertEqual(status, 124)
        self.assertIn("without an end. It is replayed up to there.", said)
        self.assertGreater(stats(said)["instructions"], 1_000_000)

    def test_every_end_is_replayed(self):
        recording = path("end.rec")
        endless = path("endless", cli_test.ENDLESS)
        for arguments, status, sentence in (
            (["--bare", path("ends", cli_test.ends_with(7))], 7, "the recording is over: the guest ended with status 7."),
            (["--bare", path("good", cli_test.ends_with(0))], 0, "the recording is over: the guest shut down."),
            (["--bare", endless, "--max-instructions", "777"], 124, "the recording is over: stopped after 777 instructions"),
            (["--bare", endless, "--timeout", "0.2"], 124, "the recording is over: it was stopped after"),
        ):
            first = cpu(*arguments, "--record", recording, "--stats=json")
            again = replay(recording)
            self.assertEqual((first[0], again[0]), (status, status))
            self.assertIn(sentence, again[2])
            self.assertEqual(stats(first[2])["instructions"], stats(again[2])["instructions"])


@needs_linux
class OnATerminal(unittest.TestCase):
    def test_a_session_with_keys_at_any_time(self):
        recording = path("terminal.rec")
        with cli_test.Terminal("--record", recording, "--record-hashes", "1M") as terminal:
            time.sleep(0.05)
            terminal.type(b"x")  # while it boots
            terminal.read_until(PROMPT)
            terminal.type(b"\x15echo $((6*7))\r")
            terminal.read_until(b"42\r")
            terminal.read_until(PROMPT)
            terminal.type(b"sleep 1; echo sle''pt\r")
            time.sleep(0.3)
            terminal.type(b"echo typed while it sle''eps\r")
            terminal.type(b"\x01c")  # the host's, not the guest's
            terminal.read_until(b"guest time.")
            terminal.read_until(b"typed while it sleeps")
            terminal.type(b"while :; do echo busy; done\r")
            terminal.read_until(b"busy\r")
            terminal.type(b"\x03")
            terminal.read_until(PROMPT)
            terminal.type(b"cat -v\r")
            time.sleep(0.3)
            terminal.type(b"<\x01a>\r")
            terminal.read_until(b"<^A>")
            terminal.type(b"\x01x")
            self.assertEqual(terminal.wait(), 0)
        status, out, said = replay(recording)
        self.assertEqual(status, 0, said)
        self.assertRegex(said, r"the recording is over: it was stopped after \d+ instructions\.")
        for wanted in (b"42\r\n", b"slept\r\n", b"typed while it sleeps\r\n", b"busy\r\n", b"<^A>"):
            self.assertIn(wanted, out)
        # The same on a terminal, where the host's own keys work and others go nowhere.
        with cli_test.Terminal("--replay", recording) as terminal:
            terminal.type(b"echo not in the recording\r")
            terminal.read_until(b"the recording is over")
            self.assertEqual(terminal.wait(), 0)
            self.assertNotIn(b"not in the recording", terminal.seen)


if __name__ == "__main__":
    if not os.path.exists(PROGRAM):
        print(f"{PROGRAM} is not built; set ROOKERY_PROGRAM.")
        sys.exit(77)
    unittest.main()
