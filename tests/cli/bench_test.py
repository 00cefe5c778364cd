#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`rookery bench`, on the CPU engine and on the software adapter where there is one: what it prints, and that
its numbers hang together. That machines computed rightly is checked by the program itself."""
import json
import os
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.environ.get("ROOKERY_PROGRAM", "build/rookery")
CPU = ["--engine", "cpu", "--seconds", "0.05"]


def bench(*arguments, timeout=60, environment=None):
    return subprocess.run([PROGRAM, "bench", *arguments], capture_output=True, text=True, timeout=timeout,
                          env={**os.environ, **(environment or {})})


def software_adapter():
    """Its name, or None."""
    listed = subprocess.run([PROGRAM, "adapters", "--json"], capture_output=True, text=True, timeout=60)
    adapters = json.loads(listed.stdout) if listed.returncode == 0 else []
    return next((adapter["name"] for adapter in adapters if adapter["software"] and adapter["usable"]), None)


class OnTheCpu(unittest.TestCase):
    def check_speed(self, speed):
        self.assertGreater(speed["ips_lowest"], 1e6)
        self.assertLessEqual(speed["ips_lowest"], speed["ips"])
        self.assertLessEqual(speed["ips"], speed["ips_highest"])
        self.assertGreaterEqual(speed["samples"], 3)
        self.assertGreater(speed["instructions"], 0)

    def test_every_kernel_in_json(self):
        done = bench(*CPU, "--quick", "--flat", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(done.stdout)
        self.assertIsNone(result["adapter"])
        self.assertGreaterEqual(result["host"]["cores"], 1)
        rows = {(row["kernel"], row["flavour"]) for row in result["cpu"]}
        kernels = ("integer", "branch", "memory")
        self.assertLessEqual({(kernel, flavour) for kernel in kernels for flavour in ("flat", "sv32")}, rows)
        for row in result["cpu"]:
            self.check_speed(row["one_core"])
            self.check_speed(row["all_cores"])
        self.assertEqual([cost["kernel"] for cost in result["sv32_cost"]], list(kernels))
        self.assertEqual(result["verdicts"], [])

    def test_table_and_file(self):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "results.json")
            done = bench(*CPU, "--kernels", "integer,memory", "--json", file)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("integer sv32", done.stdout)
            self.assertIn("The GPU was not measured", done.stdout)
            with open(file) as results:
                self.assertEqual([row["kernel"] for row in json.load(results)["cpu"]], ["integer", "memory"])

    def test_wrong_usage(self):
        for arguments, words in [(["--vms", "0"], "is not a count from 1"),
                                 (["--vms", "1,,2"], "--vms"),
                                 (["--vms", "5M"], "machines are counted from 1"),
                                 (["--kernels", "quake"], "quake"),
                                 (["--seconds", "0"], "--seconds"),
                                 (["--engine", "cpu", "--adapter", "software"], "--adapter")]:
            with self.subTest(arguments):
                done = bench(*arguments)
                self.assertEqual(done.returncode, 64, done.stderr)
                self.assertIn(words, done.stderr)
                self.assertEqual(done.stdout, "")

    def test_linux_needs_its_image(self):
        done = bench(*CPU, "--kernels", "linux", environment={"ROOKERY_DATA_DIR": "/nonexistent"})
        self.assertEqual(done.returncode, 64, done.stderr)
        self.assertIn("needs the default image", done.stderr)


    def test_what_the_mmu_costs(self):
        done = bench(*CPU, "--kernels", "mmu", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(done.stdout)
        self.assertEqual(result["cpu"], [])
        rows = result["mmu"]
        self.assertEqual([row["task"] for row in rows], ["computing", "memory", "system calls", "shell start"])
        for row in rows:
            self.assertEqual((row["engine"], row["machines"]), ("cpu", 1))
            self.assertAlmostEqual(row["cost"], row["sv32"]["seconds"] / row["nommu"]["seconds"])
            for image in ("sv32", "nommu"):
                self.assertGreater(row[image]["instructions"], 100_000)
        # The same program does the same: a user's loop takes nearly as many instructions in either image.
        self.assertAlmostEqual(rows[0]["sv32"]["instructions"] / rows[0]["nommu"]["instructions"], 1, delta=0.2)

    def test_what_the_mmu_costs_needs_both_images(self):
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, "images"))
            os.symlink(os.path.join(ROOT, "images/default"), os.path.join(folder, "images/default"))
            environment = {"ROOKERY_DATA_DIR": folder}
            done = bench(*CPU, "--kernels", "mmu", environment=environment)
            self.assertEqual(done.returncode, 64, done.stderr)
            self.assertIn('The kernel "mmu" needs the nommu image. There is no image "nommu" in', done.stderr)
            done = bench(*CPU, environment=environment)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn('The kernel "mmu" needs the nommu image.', done.stdout)
            self.assertIn("linux sv32", done.stdout)
            self.assertNotIn("against NOMMU", done.stdout)


class OnTheSoftwareAdapter(unittest.TestCase):
    def test_machines(self):
        name = software_adapter()
        if name is None:
            self.skipTest("There is no software adapter.")
        done = bench("--adapter", "software", "--quick", "--kernels", "integer", "--vms", "8,1", "--seconds", "0.05",
                     "--json", "-", timeout=110)
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(done.stdout)
        self.assertEqual(result["adapter"], name)
        rows = [(row["kernel"], row["machines"], row["divergent"]) for row in result["gpu"]]
        self.assertEqual(rows, [("integer", 1, False), ("integer", 8, False), ("integer", 8, True)])
        one_core = result["cpu"][0]["one_core"]["ips"]
        self.assertEqual(result["gpu"][0]["cpu_ips"], one_core)
        for row in result["gpu"] + result["verdicts"]:
            self.assertGreater(row["speed"]["ips"], 0)
            self.assertAlmostEqual(row["ratio"], row["speed"]["ips"] / row["cpu_ips"])
            self.assertEqual(row["worth_it"], row["ratio"] >= 2)
        self.assertEqual(len(result["verdicts"]), 3)
        self.assertIn("one machine", result["verdicts"][0]["sentence"])
        self.assertIn("not worth it", result["verdicts"][0]["sentence"])


if __name__ == "__main__":
    unittest.main()
