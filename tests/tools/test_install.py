# SPDX-License-Identifier: Apache-2.0
"""What is installed works by itself: test_install.py BUILD CXX. Installs into a folder, moves that, and there runs the
program and builds examples/library against the libraries."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD, CXX = sys.argv[1:3]
HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
BARE = os.path.join(BUILD, "tests/bare/uart_rv32.elf")
folder = tempfile.TemporaryDirectory(prefix="rookery-install-")
PREFIX = os.path.join(folder.name, "moved")


def call(*command, **options):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ROOKERY_", "LD_"))}
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder.name, stdin=subprocess.DEVNULL,
                          timeout=240, check=False, **options)


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        first = os.path.join(folder.name, "first")
        done = call("cmake", "--install", BUILD, "--prefix", first)
        assert done.returncode == 0, done.stdout + done.stderr
        os.rename(first, PREFIX)

    def test_the_program_finds_its_images(self):
        program = os.path.join(PREFIX, "bin/rookery")
        done = call(program, "run", "--image", "no-such")
        self.assertIn(f'in "{PREFIX}/share/rookery/images"; these are there: default, nommu.', done.stderr)
        done = call(program, "run", "--engine", "cpu", "--max-instructions", "2M")
        self.assertEqual(done.returncode, 124, done.stderr)
        self.assertIn("Linux version", done.stdout)

    def test_the_program_finds_dawn(self):
        program = os.path.join(PREFIX, "bin/rookery")
        dynamic = call("readelf", "-d", program).stdout
        paths = re.findall(r"\((?:RUNPATH|RPATH)\).*\[(.*)\]", dynamic)
        self.assertEqual(len(paths), 1, dynamic)
        for path in paths[0].split(":"):
            self.assertTrue(path.startswith("$ORIGIN"), path)
        if "libwebgpu_wrapper.so" in dynamic:
            found = call("ldd", program).stdout
            self.assertIn(os.path.realpath(os.path.join(PREFIX, "lib")),
                          os.path.realpath(re.search(r"libwebgpu_wrapper.so => (\S+)", found).group(1)))

    def test_headers_include_what_is_there(self):
        headers = os.path.join(PREFIX, "include/rookery")
        count = 0
        for place, _, names in os.walk(headers):
            for name in names:
                with open(os.path.join(place, name), encoding="utf-8") as file:
                    for included in re.findall(r'^#include "(.*)"', file.read(), re.M):
                        count += 1
                        self.assertTrue(os.path.exists(os.path.join(headers, included)), f"{place}/{name}: {included}")
        self.assertGreater(count, 100)

    def test_nothing_names_the_repository(self):
        for place, _, names in os.walk(os.path.join(PREFIX, "lib/cmake")):
            for name in names:
                with open(os.path.join(place, name), encoding="utf-8") as file:
                    text = file.read()
                self.assertNotIn(SOURCE, text, name)
                self.assertNotIn(BUILD, text, name)
                self.assertNotIn("-Werror", text, name)

    def test_programs_outside(self):
        outside, build = (os.path.join(folder.name, name) for name in ("outside", "outside-build"))
        shutil.copytree(os.path.join(SOURCE, "examples/library"), outside)
        for command in (("cmake", "-S", outside, "-B", build, f"-DCMAKE_PREFIX_PATH={PREFIX}", f"-DCMAKE_CXX_COMPILER={CXX}",
                         "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror"),
                        ("cmake", "--build", build)):
            done = call(*command)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        done = call(os.path.join(build, "bare"), BARE)
        self.assertEqual((done.returncode, done.stdout), (0, "uart ok\n"), done.stderr)
        booted = os.path.join(folder.name, "booted.rook")
        done = call(os.path.join(PREFIX, "bin/rookery"), "run", "--engine", "cpu", "--snapshot-on", "rookery:~# ", "-o", booted)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = call(os.path.join(build, "colony"), booted, "20")
        self.assertEqual(done.returncode, 0, done.stderr)
        said = {int(vm): int(square) for vm, square in re.findall(r"^machine (\d+), text .*\n(\d+) is a SQUARE$", done.stdout, re.M)}
        self.assertEqual(said, {vm: vm * vm for vm in range(20)}, done.stdout)
        done = call(os.path.join(build, "colony"), BARE, "20")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("colony: ", done.stderr)


if __name__ == "__main__":
    if not os.path.exists(BARE):
        print("Skipped: the bare programs are not built.")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
