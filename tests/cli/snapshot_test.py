#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Snapshots of the default image: taken at a text, at a count, on a signal; continued; packed, inspected, damaged."""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = os.environ.get("ROOKERY_PROGRAM", "build/rookery")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ENGINE = ["--engine", "cpu"]
PROMPT = "rookery:~# "
WAIT_S = 60

folder = tempfile.TemporaryDirectory(prefix="rookery-snapshot-")


def path(name):
    return os.path.join(folder.name, name)


def rookery(*arguments, typed=""):
    return subprocess.run([PROGRAM, *arguments], input=typed, capture_output=True, text=True, timeout=WAIT_S, check=False)


class Snapshots(unittest.TestCase):
    booted = path("booted.rook")

    @classmethod
    def setUpClass(cls):
        done = rookery("run", *ENGINE, "--snapshot-on", PROMPT, "-o", cls.booted)
        assert done.returncode == 0, done.stderr
        assert done.stdout.endswith(PROMPT), done.stdout
        assert "snapshot after " in done.stderr, done.stderr

    def test_it_goes_on_where_it_was(self):
        done = rookery("run", *ENGINE, self.booted, typed="echo a$((6*7))b\nexit 5\n")
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertTrue(done.stdout.startswith("echo a$((6*7))b\n" + "a42b\n" + PROMPT), done.stdout)
        self.assertNotIn("Linux version", done.stdout)

    def test_it_is_what_it_would_have_been(self):
        """A run in one go and one in two pieces end at the same count, with the same output."""
        typed = "cat /proc/uptime\nls /\nexit 3\n"
        whole = rookery("run", *ENGINE, "--stats=json", typed=typed)
        part = rookery("run", *ENGINE, "--snapshot-on", "5M", "-o", path("part.rook"), typed=typed)
        self.assertEqual(part.returncode, 0, part.stderr)
        rest = rookery("run", *ENGINE, path("part.rook"), "--stats=json", typed=typed)
        self.assertEqual(rest.returncode, 3, rest.stderr)
        self.assertEqual(part.stdout + rest.stdout, whole.stdout)
        counts = [json.loads(done.stderr.splitlines()[-1])["instructions"] for done in (whole, rest)]
        self.assertEqual(counts[0], counts[1])

    def test_the_same_place_makes_the_same_file(self):
        for name in ("one.rook", "two.rook"):
            done = rookery("run", *ENGINE, "--snapshot-on", "3M", "-o", path(name))
            self.assertEqual(done.returncode, 0, done.stderr)
        with open(path("one.rook"), "rb") as one, open(path("two.rook"), "rb") as two:
            self.assertEqual(one.read(), two.read())

    def test_snapshots_of_snapshots(self):
        done = rookery("run", *ENGINE, self.booted, "--snapshot-on", "x42y", "-o", path("second.rook"),
                       typed="v=7; echo x$((6*v))y\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        done = rookery("run", *ENGINE, path("second.rook"), typed="exit $v\n")
        self.assertEqual(done.returncode, 7, done.stderr)

    def test_on_a_signal_it_goes_on(self):
        file = path("signal.rook")
        with subprocess.Popen([PROGRAM, "run", *ENGINE, self.booted, "--snapshot-on", "signal", "-o", file],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as machine:
            machine.stdin.write("while [ ! -e /stop ]; do :; done\n")
            machine.stdin.flush()
            machine.stdout.read(1)
            machine.send_signal(signal.SIGUSR1)
            end = time.monotonic() + WAIT_S
            while not os.path.exists(file) and time.monotonic() < end:
                time.sleep(0.01)
            self.assertIsNone(machine.poll())
            machine.send_signal(signal.SIGTERM)
            machine.communicate(timeout=WAIT_S)
        self.assertEqual(machine.returncode, 128 + signal.SIGTERM)
        self.assertGreater(json.loads(rookery("inspect", "--json", file).stdout)["instructions"],
                           json.loads(rookery("inspect", "--json", self.booted).stdout)["instructions"])

    def test_pack_and_inspect(self):
        image = os.path.join(ROOT, "images/default")
        done = rookery("pack", "--kernel", f"{image}/Image.zst", "--initrd", f"{image}/initramfs.cpio.zst", "--append",
                       "console=ttyS0 run=true", "--memory", "32M", "-o", path("packed.rook"))
        self.assertEqual(done.returncode, 0, done.stderr)
        held = json.loads(rookery("inspect", "--json", path("packed.rook")).stdout)
        self.assertEqual((held["xlen"], held["ram_bytes"], held["has_run"], held["instructions"], held["command_line"]),
                         (32, 32 << 20, False, 0, "console=ttyS0 run=true"))
        done = rookery("run", *ENGINE, path("packed.rook"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Linux version", done.stdout)
        text = rookery("inspect", self.booted).stdout
        self.assertIn("taken from the CPU engine", text)
        self.assertIn("64 MiB of RAM", text)

    def test_a_file_is_replaced_or_left_alone(self):
        self.assertEqual(rookery("run", *ENGINE, "--snapshot-on", "1k", "-o", path("again.rook")).returncode, 0)
        with open(path("again.rook"), "rb") as file:
            before = file.read()
        done = rookery("run", *ENGINE, "--snapshot-on", "never printed", "-o", path("again.rook"), "--max-instructions", "1M")
        self.assertEqual(done.returncode, 64)
        self.assertIn('No snapshot was taken: the guest did not print "never printed".', done.stderr)
        with open(path("again.rook"), "rb") as file:
            self.assertEqual(file.read(), before)
        self.assertEqual([name for name in os.listdir(folder.name) if name.endswith(".part")], [])

    def test_wrong_input(self):
        with open(self.booted, "rb") as file:
            good = file.read()
        damaged = path("damaged.rook")
        with open(damaged, "wb") as file:
            file.write(good[:100_000] + b"?" + good[100_001:])
        cut = path("cut.rook")
        with open(cut, "wb") as file:
            file.write(good[:-10])
        text = path("text.rook")
        with open(text, "w", encoding="ascii") as file:
            file.write("no snapshot\n")
        for arguments, status, sentence in (
                (("run", damaged), 65, f'The snapshot "{damaged}" is damaged at byte '),
                (("run", cut), 65, f'The snapshot "{cut}" is damaged at byte '),
                (("inspect", text), 65, f'The snapshot "{text}" is no snapshot of Rookery\'s.'),
                (("run", path("none.rook")), 74, "none.rook"),
                (("run", self.booted, "--memory", "32M"), 64, "--memory"),
                (("run", self.booted, "--record", path("x.rec")), 64, "--record"),
                (("run", "--snapshot-on", "", "-o", path("x.rook")), 64, '--snapshot-on "" is no text'),
                (("run", "--snapshot-on", "0", "-o", path("x.rook")), 64, '--snapshot-on "0" is not a count'),
                (("run", "--snapshot-on", "1M"), 64, '--snapshot-on "1M" needs a file: -o FILE.rook.'),
                (("run", *ENGINE, "--snapshot-on", "1k", "-o", path("no/such/folder.rook")), 74, "Cannot write the snapshot"),
                (("pack",), 64, "--output"),
        ):
            with self.subTest(arguments=arguments):
                done = rookery(*arguments)
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertIn(sentence, done.stderr)


if __name__ == "__main__":
    if not os.path.exists(PROGRAM):
        print(f"Skipped: {PROGRAM} is not built; set ROOKERY_PROGRAM.")
        sys.exit(77)
    unittest.main()
