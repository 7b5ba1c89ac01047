#!/usr/bin/env python3
"""Files from a hub that misbehaves: whole with the right hash, or absent; and the token stays home.

    pull_test.py PROGRAM
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from hub_server import COMMIT, Faults, HubServer

MIB = 1 << 20
TOKEN = "hf_secretsecretsecret"
CUTS = 20
KILLS = 3
PROGRAM = ""
NOISE = random.Random(1)


def noise(size: int) -> bytes:
    return NOISE.randbytes(size)


class PullTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.hub = HubServer({
            ".gitattributes": b"*.gguf filter=lfs\n",
            "README.md": b"# a model\n",
            "Q8_0/model-Q8_0-00001-of-00002.gguf": noise(3 * MIB),
            "Q8_0/model-Q8_0-00002-of-00002.gguf": noise(2 * MIB + 17),
            "mmproj-F16.gguf": noise(1000),
            "model-Q4_K_M.gguf": noise(9 * MIB + 123),
            "model-empty.gguf": b"",
        })
        cls.other = HubServer(cls.hub.files)

    @classmethod
    def tearDownClass(cls):
        cls.hub.close()
        cls.other.close()

    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="bitgauge-pull-")
        self.addCleanup(self.scratch.cleanup)
        self.home = Path(self.scratch.name)
        for hub in (self.hub, self.other):
            hub.faults = Faults()
            hub.seen.clear()
            hub.page_size = 1000

    # --- running ----------------------------------------------------------------------------------

    def environment(self, **more) -> dict:
        kept = {key: value for key, value in os.environ.items()
                if not key.startswith(("HF_", "HUGGING", "http", "HTTP", "all_", "ALL_"))}
        return {**kept, "HF_HOME": str(self.home), "HF_ENDPOINT": self.hub.endpoint, **more}

    def start(self, *arguments, **environment) -> subprocess.Popen:
        command = [PROGRAM, "pull", "-v", "--chunk-mib", "1", "--stall", "1", *arguments]
        return subprocess.Popen(command, env=self.environment(**environment), text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def pull(self, *arguments, status: int = 0, **environment):
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, status, err)
        self.assertNotIn(TOKEN, out + err)
        return out, err

    def refused(self, *arguments, says: str, status: int, **environment):
        err = self.pull(*arguments, status=status, **environment)[1]
        self.assertIn(says, err)
        self.assertEqual(err.count("error:"), 1)
        self.whole_or_absent()

    def whole_or_absent(self):
        """Every file that has a final name has the bytes of the repository."""
        for path in self.home.rglob("*.gguf"):
            name = next(n for n in self.hub.files if n.rsplit("/", 1)[-1] == path.name)
            self.assertEqual(path.read_bytes(), self.hub.files[name], path)

    def parts(self) -> list:
        return list(self.home.rglob("*.part"))

    def snapshot(self, name: str) -> Path:
        return self.home / "hub/models--user--model/snapshots" / COMMIT / name

    # --- what is fetched --------------------------------------------------------------------------

    def test_the_usual_file_comes_into_the_cache_of_hugging_face(self):
        out, _ = self.pull("user/model")
        path = self.snapshot("model-Q4_K_M.gguf")
        self.assertEqual(out, f"{path}\n")
        self.assertEqual(os.readlink(path), f"../../blobs/{self.hub.hashes[path.name]}")
        ref = self.home / "hub/models--user--model/refs/main"
        self.assertEqual(ref.read_text(), COMMIT)
        self.whole_or_absent()
        self.assertEqual(self.parts(), [])

    def test_what_is_there_is_not_fetched_again_and_serves_offline(self):
        self.pull("user/model")
        self.hub.seen.clear()
        out, _ = self.pull("user/model")
        self.assertEqual(self.hub.fetched(), [])
        self.hub.seen.clear()
        self.assertEqual(self.pull("user/model", "--offline")[0], out)
        self.assertEqual(self.pull("user/model:q4_k_m", HF_HUB_OFFLINE="1")[0], out)
        self.assertEqual(self.hub.seen, [])
        self.refused("user/model:Q8_0", "--offline", says="no GGUF file with the tag", status=2)
        self.refused("user/another", "--offline", says="the cache has nothing of", status=2)

    def test_all_shards_come_over_several_pages_of_the_list(self):
        self.hub.page_size = 2
        out, _ = self.pull("user/model:q8_0")
        self.assertEqual([Path(line).name for line in out.splitlines()],
                         ["model-Q8_0-00001-of-00002.gguf", "model-Q8_0-00002-of-00002.gguf"])
        self.whole_or_absent()

    def test_the_projector_comes_when_asked_for(self):
        out, _ = self.pull("user/model", "--mmproj")
        self.assertEqual([Path(line).name for line in out.splitlines()],
                         ["model-Q4_K_M.gguf", "mmproj-F16.gguf"])

    def test_an_empty_file_is_a_file(self):
        self.pull("user/model:empty")
        self.assertEqual(self.snapshot("model-empty.gguf").read_bytes(), b"")

    def test_an_unknown_tag_names_those_there(self):
        self.refused("user/model:Q4_K_N", says="Q8_0 (5.00 MiB)", status=2)
        self.refused("user/model:Q4_K_N", says="did you mean 'user/model:Q4_K_M'?", status=2)

    def test_out_is_a_plain_file_or_a_folder(self):
        out = self.home / "mine.gguf"
        self.pull("user/model", "-o", str(out))
        self.assertEqual(out.read_bytes(), self.hub.files["model-Q4_K_M.gguf"])
        self.assertFalse(out.is_symlink())
        self.assertFalse((self.home / "hub").exists())
        self.hub.seen.clear()
        self.pull("user/model", "-o", str(out))
        self.assertEqual(self.hub.fetched(), [])
        out.write_bytes(bytes(out.stat().st_size))
        self.assertIn("is not", self.pull("user/model", "-o", str(out), status=2)[1])
        self.pull("user/model:Q8_0", "-o", str(self.home / "folder"))
        self.assertEqual(len(list((self.home / "folder").iterdir())), 2)

    def test_out_is_copied_from_the_cache(self):
        self.pull("user/model")
        self.hub.seen.clear()
        self.pull("user/model", "-o", str(self.home) + "/copies/")
        self.assertEqual(self.hub.fetched(), [])
        self.whole_or_absent()

    def test_a_dry_run_fetches_nothing_and_says_what_is_there(self):
        out, _ = self.pull("user/model", "--dry-run")
        self.assertEqual(out, "model-Q4_K_M.gguf  9.00 MiB  absent\n")
        self.pull("user/model")
        record = json.loads(self.pull("user/model", "--dry-run", "--json")[0])
        self.assertEqual(record["schema"], "bitgauge.pull/1")
        self.assertEqual(record["commit"], COMMIT)
        self.assertEqual(record["files"][0]["state"], "there")
        self.assertEqual(record["files"][0]["hash"], self.hub.hashes["model-Q4_K_M.gguf"])

    # --- cut, killed, full ------------------------------------------------------------------------

    def test_cut_answers_go_on(self):
        self.hub.faults = Faults(cuts=CUTS, piece=4096)
        self.pull("user/model", "--retries", "20")
        self.assertEqual(self.hub.faults.cuts, 0)
        self.whole_or_absent()
        self.assertTrue(self.snapshot("model-Q4_K_M.gguf").exists())

    def test_a_killed_run_goes_on(self):
        self.hub.faults = Faults(delay_s=0.15, piece=MIB // 4)
        for number in range(KILLS):
            process = self.start("user/model", "--connections", "2")
            time.sleep(0.9)
            process.send_signal(signal.SIGKILL if number else signal.SIGINT)
            err = process.communicate(timeout=10)[1]
            self.assertEqual(process.returncode, -signal.SIGKILL if number else 130, err)
            self.whole_or_absent()
            self.assertEqual(len(self.parts()), 1)
        self.assertIn("begun", self.pull("user/model", "--dry-run")[0])
        self.hub.faults = Faults()
        self.hub.seen.clear()
        self.assertIn("goes on at", self.pull("user/model")[1])
        self.assertLess(len(self.hub.fetched()), 9)
        self.whole_or_absent()
        self.assertEqual(self.parts(), [])

    def test_damage_in_what_an_earlier_run_fetched_is_mended(self):
        self.hub.faults = Faults(delay_s=0.1, piece=MIB // 4)
        process = self.start("user/model", "--connections", "1")
        time.sleep(1.3)
        process.kill()
        process.communicate()
        with open(self.parts()[0], "r+b") as part:
            part.write(b"damaged")
        self.hub.faults = Faults()
        self.assertIn("is damaged; all of it is fetched again", self.pull("user/model")[1])
        self.whole_or_absent()

    def test_a_file_that_cannot_grow_is_an_error_of_the_environment(self):
        process = subprocess.run(
            ["bash", "-c", f"ulimit -f 4096; trap '' XFSZ; exec {PROGRAM} pull user/model"],
            env=self.environment(), capture_output=True, text=True, timeout=60)
        self.assertEqual(process.returncode, 3, process.stderr)
        self.assertIn("free some space", process.stderr)
        self.whole_or_absent()
        self.pull("user/model")
        self.whole_or_absent()

    def test_a_disk_that_fills_up_keeps_what_was_fetched(self):
        self.hub.faults = Faults(delay_s=0.15, piece=MIB // 4)
        disk = self.home / "disk"
        disk.mkdir()
        pull = f"{PROGRAM} pull -v --chunk-mib 1 --connections 2 user/model -o {disk}/"
        script = f"""mount -t tmpfs -o size=12m none {disk} || exit 77
            {pull} & sleep 1.2; head -c 12M /dev/zero > {disk}/fill 2> /dev/null
            wait $!; echo "status $?"; ls {disk}; rm {disk}/fill; {pull} && cmp {disk}/*.gguf $WHOLE"""
        whole = self.home / "whole"
        whole.write_bytes(self.hub.files["model-Q4_K_M.gguf"])
        done = subprocess.run(["unshare", "-m", "bash", "-c", script], capture_output=True, text=True,
                              env=self.environment(WHOLE=str(whole)), timeout=60)
        if "status" not in done.stdout:
            self.skipTest("mounting a small tmpfs is not allowed here")
        self.assertIn("status 3\nfill\nmodel-Q4_K_M.gguf.part\n", done.stdout, done.stderr)
        self.assertIn("free some space", done.stderr)
        self.assertIn("goes on at", done.stderr)
        self.assertEqual(done.returncode, 0, done.stderr)

    # --- servers that misbehave -------------------------------------------------------------------

    def test_a_server_without_ranges_gives_one_stream(self):
        self.hub.faults = Faults(ignores_range=True)
        self.assertIn("one stream", self.pull("user/model")[1])
        self.whole_or_absent()
        self.assertIsNone(self.hub.fetched()[-1])

    def test_a_stream_that_is_cut_goes_on_too(self):
        self.hub.faults = Faults(ignores_range=True, cuts=4, piece=4096)
        self.pull("user/model", "--retries", "20", "--connections", "1")
        self.whole_or_absent()
        self.assertTrue(self.snapshot("model-Q4_K_M.gguf").exists())

    def test_a_stalled_connection_is_dropped(self):
        self.hub.faults = Faults(stalls=2)
        self.pull("user/model")
        self.whole_or_absent()

    def test_wrong_bytes_are_removed(self):
        self.hub.faults = Faults(wrong_bytes=True)
        self.refused("user/model", says="where the repository says", status=3)
        self.assertEqual(self.parts(), [])
        self.assertFalse(self.snapshot("model-Q4_K_M.gguf").exists())

    def test_lies_about_the_length_are_named(self):
        for more in (5, -5):
            self.hub.faults = Faults(said_length=more)
            self.refused("user/model", says="by the server's answer and", status=3)
            self.hub.faults = Faults(said_length=more, ignores_range=True)
            self.refused("user/model", says="by the server's answer and", status=3)
            self.hub.faults = Faults(list_length=more)
            self.refused("user/model", says="by the list of files", status=3)

    def test_a_web_page_is_no_file(self):
        self.hub.faults = Faults(page=True)
        self.refused("user/model", says="web page instead of 'model-Q4_K_M.gguf'", status=3)

    def test_each_refusal_has_its_sentence(self):
        for status, says in ((401, "private, gated or not there (401)"),
                             (403, "is not granted (403)"), (404, "(404)")):
            self.hub.faults = Faults(status_for_all=status)
            self.refused("user/model", says=says, status=2)
            self.hub.faults = Faults(api_status=status)
            self.refused("user/model", says=says, status=2)
        self.hub.faults = Faults(api_status=401)
        self.refused("user/model", says="token refused", status=2, HF_TOKEN=TOKEN)
        self.refused("user/model", says="set HF_TOKEN", status=2)
        self.hub.faults = Faults(status_for_all=500)
        self.refused("user/model", "--retries", "1", says="answered 500", status=3)

    def test_a_busy_server_is_asked_again_when_it_says(self):
        self.hub.faults = Faults(statuses=[(429, [("Retry-After", "1")]), (503, [])])
        begin = time.monotonic()
        self.pull("user/model")
        self.assertGreater(time.monotonic() - begin, 1.0)
        self.whole_or_absent()
        self.hub.faults = Faults(statuses=[(429, [("Retry-After", "4000")])] * 20)
        self.refused("user/model:Q8_0", says="asks to wait 4000 s", status=3)

    def test_a_server_that_is_not_there_is_an_error_of_the_environment(self):
        self.refused("user/model", "--endpoint", "http://127.0.0.1:1", "--retries", "0",
                     says="could not be fetched from http://127.0.0.1:1", status=3)

    # --- redirects and the token ------------------------------------------------------------------

    def test_other_schemes_are_refused(self):
        for place in ("file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x"):
            self.hub.faults = Faults(redirect=place)
            self.refused("user/model", says="to something else than http", status=3)
        self.refused("user/model", "--endpoint", "file:///etc", says="no address of a server",
                     status=2)

    def test_the_token_goes_to_the_endpoint_alone(self):
        for host in (f"localhost:{self.other.port}", f"127.0.0.1:{self.other.port}"):
            self.hub.faults = Faults(redirect=f"http://{host}{{path}}", needs_token=TOKEN)
            out = self.home / host.replace(":", "-")
            self.pull("user/model", "-o", f"{out}/", HF_TOKEN=TOKEN)
        self.whole_or_absent()
        self.assertEqual(self.hub.tokens(), {f"Bearer {TOKEN}"})
        self.assertGreater(len(self.other.seen), 10)
        self.assertEqual(self.other.tokens(), set())

    def test_the_token_file_of_the_tools_serves(self):
        (self.home / "token").write_text(TOKEN + "\n")
        self.hub.faults = Faults(needs_token=TOKEN)
        self.pull("user/model")
        self.assertEqual(self.hub.tokens(), {f"Bearer {TOKEN}"})

    def test_a_place_that_expires_is_asked_for_again(self):
        self.hub.faults = Faults(redirect=f"{self.other.endpoint}{{path}}?signature=s3cr3t")
        self.other.faults = Faults(expires_after=5)
        out, err = self.pull("user/model", "--connections", "2")
        self.assertNotIn("s3cr3t", out + err)
        self.assertLess(len(self.hub.fetched()), 6)
        self.whole_or_absent()

    def test_names_that_leave_the_folder_are_refused(self):
        for name in ("../model-Q4_K_M.gguf", "/tmp/model-Q4_K_M.gguf"):
            hub = HubServer({name: b"x"})
            self.addCleanup(hub.close)
            self.refused("user/model", "--endpoint", hub.endpoint, says="is no usable path", status=2)


if __name__ == "__main__":
    PROGRAM = str(Path(sys.argv.pop(1)).resolve())
    unittest.main()
