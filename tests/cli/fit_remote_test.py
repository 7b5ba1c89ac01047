#!/usr/bin/env python3
"""What fits of a repository: headers alone are fetched, whatever the server does. Then the way to an answer.

    fit_remote_test.py PROGRAM
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import inputs
from hub_server import Faults, HubServer

MIB = 1 << 20
TOKEN = "hf_secretsecretsecret"
PROGRAM = ""


def split_files(folder: Path) -> dict:
    inputs.split(folder / "model-Q8_0", str(inputs.TINYMOE), "3")
    return {f"Q8_0/{path.name}": path.read_bytes() for path in sorted(folder.glob("*.gguf"))}


class FitRemoteTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = inputs.TINYMOE.read_bytes()
        with tempfile.TemporaryDirectory(prefix="bitgauge-fit-") as scratch:
            shards = split_files(Path(scratch))
        cls.hub = HubServer({
            "README.md": b"# a model\n",
            "model-Q4_K_M.gguf": cls.model,
            "model-Q2_K.gguf": cls.model[:20 * MIB],
            "model-Q1_0.gguf": cls.model[:1000],
            "text-Q6_K.gguf": b"no model" * 10_000_000,
            "mmproj-F16.gguf": b"GGUF" + bytes(1000),
            **shards,
        })

    @classmethod
    def tearDownClass(cls):
        cls.hub.close()

    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="bitgauge-fit-")
        self.addCleanup(self.scratch.cleanup)
        self.hub.faults = Faults()
        self.hub.seen.clear()

    def fit(self, *arguments, status: int = 0, **environment):
        return self.say("fit", *arguments, "--ctx", "1k", status=status, **environment)

    def say(self, *arguments, status: int = 0, **environment):
        kept = {key: value for key, value in os.environ.items()
                if not key.startswith(("HF_", "HUGGING", "http", "HTTP", "all_", "ALL_"))}
        done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True,
                              timeout=120, cwd=self.scratch.name,
                              env={**kept, "HF_HOME": self.scratch.name, "TMPDIR": self.scratch.name,
                                   "HF_ENDPOINT": self.hub.endpoint, **environment})
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertNotIn(TOKEN, done.stdout + done.stderr)
        return done.stdout, done.stderr

    def answer(self, *arguments, **environment) -> dict:
        return json.loads(self.fit(*arguments, "--json", "--vram", "1GB", **environment)[0])

    def asked_bytes(self) -> int:
        spans = [span.removeprefix("bytes=").split("-") for span in self.hub.fetched()]
        return sum(int(last) - int(first) + 1 for first, last in spans)

    def refused(self, *arguments, says: str, status: int, **environment):
        err = self.fit(*arguments, "--vram", "1GB", status=status, **environment)[1]
        self.assertIn(says, err)
        self.assertEqual(err.count("error:"), 1)

    def test_a_mebibyte_of_a_file_says_the_same_as_the_file(self):
        remote = self.answer("user/model:Q4_K_M")
        self.assertEqual(self.asked_bytes(), MIB)
        self.assertLess(remote["header_bytes_fetched"], len(self.model) / 30)
        local = self.answer(str(inputs.TINYMOE))
        for key in ("weight_bytes", "key_value_bytes", "recurrent_bytes", "compute_bytes", "bytes"):
            self.assertEqual(remote["files"][0][key], local["files"][0][key], key)
        self.assertIn("-hf user/model:Q4_K_M", remote["files"][0]["start"][0])
        self.assertEqual(list(Path(self.scratch.name).rglob("*.gguf")), [])

    def test_of_a_repository_one_header_is_fetched(self):
        answer = self.answer("user/model")
        names = [file["file"] for file in answer["files"]]
        self.assertEqual(len(names), 5)
        self.assertIn("model-Q8_0-00001-of-00003.gguf", names)
        self.assertNotIn("mmproj-F16.gguf", names)
        self.assertEqual(self.asked_bytes(), MIB)
        guessed = {file["file"]: file["tensors_guessed_by_size"] for file in answer["files"]}
        self.assertFalse(guessed["model-Q4_K_M.gguf"])
        self.assertTrue(guessed["model-Q2_K.gguf"])

    def test_all_shards_have_headers(self):
        answer = self.answer("user/model:Q8_0")
        local = self.answer(str(inputs.TINYMOE))
        self.assertEqual(answer["files"][0]["weight_bytes"], local["files"][0]["weight_bytes"])
        self.assertLessEqual(self.asked_bytes(), 3 * MIB)

    def test_from_the_question_to_an_answer(self):
        said, _ = self.fit("user/model", "--vram", "64MB")
        name = re.search(r"llama-cli -hf (user/model:\S+)", said)[1]
        self.say("pull", name)
        fetched = len(self.hub.fetched())
        answer, _ = self.say("run", name, "-p", "Hello.", "-n", "8", "--temp", "0", "-t", "1")
        self.assertGreater(len(answer.strip()), 0)
        self.assertEqual(len(self.hub.fetched()), fetched)

    def test_drops_and_busy_servers_are_tried_again(self):
        self.hub.faults = Faults(cuts=2)
        self.answer("user/model:Q4_K_M")
        self.hub.faults = Faults(statuses=[(503, []), (429, [("Retry-After", "1")])])
        self.answer("user/model:Q4_K_M")

    def test_a_server_that_ignores_ranges_is_left_at_once(self):
        self.hub.faults = Faults(ignores_range=True)
        self.refused("user/model:Q4_K_M", says="does not give parts of 'model-Q4_K_M.gguf'", status=3)

    def test_what_is_no_model_is_refused_after_its_beginning(self):
        self.refused("user/model:Q6_K", says="not a GGUF", status=2)
        self.assertLessEqual(self.asked_bytes(), MIB)
        self.refused("user/model:Q1_0", says="truncated", status=2)

    def test_what_is_not_there_is_said(self):
        self.refused("user/model:Q5_K_N", says="no GGUF file with the tag", status=2)
        self.refused("missing/model", says="404", status=2)
        self.refused("user/another", "--offline", says="the cache has nothing of", status=2)

    def test_the_token_goes_to_the_endpoint(self):
        self.hub.faults = Faults(needs_token=TOKEN)
        self.refused("user/model:Q4_K_M", says="401", status=2)
        self.answer("user/model:Q4_K_M", HF_TOKEN=TOKEN)


if __name__ == "__main__":
    PROGRAM = str(Path(sys.argv.pop(1)).resolve())
    unittest.main()
