#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`rookery bench`, on the CPU engine and on the software adapter where there is one: what it prints, and that
its numbers hang together. That machines computed rightly is checked by the program itself."""
import json
import os
import subprocess
import tempfile
import unittest

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
