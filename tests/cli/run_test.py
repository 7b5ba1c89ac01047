#!/usr/bin/env python3
"""Talking to a model: through pipes, in a terminal, with Ctrl-C, for 2,000 turns, from a hub.

    run_test.py PROGRAM [TEST...]
"""

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import inputs
from hub_server import HubServer
from terminal import Terminal

PROGRAM = ""
# Without a line feed, for which the small model has no token.
TEMPLATE = ("{% for m in messages %}{{ m.role }}: {{ m.content }} {% endfor %}"
            "{% if add_generation_prompt %}assistant:{% endif %}")
TURNS = 2000
GREEDY = ("--temp", "0", "--threads", "1")


class RunTest(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="bitgauge-run-")
        self.addCleanup(self.scratch.cleanup)
        self.home = Path(self.scratch.name)
        self.template = self.home / "plain.jinja"
        self.template.write_text(TEMPLATE)

    def environment(self, **more) -> dict:
        kept = {key: value for key, value in os.environ.items()
                if not key.startswith(("HF_", "HUGGING", "http", "HTTP", "all_", "ALL_"))}
        return {**kept, "HF_HOME": str(self.home), "TERM": "xterm", "LC_ALL": "C.UTF-8", **more}

    def run_program(self, *arguments, stdin: bytes = b"", status: int = 0, **environment):
        done = subprocess.run([PROGRAM, "run", *map(str, arguments)], input=stdin, timeout=120,
                              capture_output=True, env=self.environment(**environment))
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout.decode("utf-8"), done.stderr.decode("utf-8")

    def talk(self, *arguments, **environment) -> Terminal:
        terminal = Terminal([PROGRAM, "run", *map(str, arguments)], self.environment(**environment))
        terminal.wait_for("/help names the commands")
        terminal.wait_for("> ")
        return terminal

    def with_template(self, *arguments) -> Terminal:
        return self.talk(inputs.BABY, "--chat-template", self.template, *GREEDY, *arguments)

    # --- pipes ------------------------------------------------------------------------------------

    def test_only_the_answer_goes_to_stdout(self):
        arguments = (inputs.BABY, "--chat-template", self.template, *GREEDY, "-n", "16")
        out, err = self.run_program(*arguments, stdin=b"One day\n")
        self.assertTrue(out.strip())
        self.assertEqual(out, self.run_program(*arguments, "-p", "One day", "-q")[0])
        self.assertIn("context of", err)
        self.assertRegex(err, r"prompt \d+ tokens, \d.* tokens/s; answer 16 tokens, \d.* tokens/s\n$")
        self.assertEqual(self.run_program(*arguments, "-p", "One day", "-q")[1], "")

    def test_whatever_tokens_are_drawn_the_answer_is_utf8(self):
        texts = [self.run_program(inputs.TINYMOE, "-p", "x", "-n", "60", "--temp", "20", "--top-k", "0",
                                  "--top-p", "1", "--min-p", "0", "--seed", seed, "-t", "1")[0]
                 for seed in (1, 2, 3)]  # decoded strictly above
        self.assertTrue(any(ord(c) > 127 for text in texts for c in text))
        self.assertEqual(len(set(texts)), 3)

    def test_options_of_llama_cpp_have_their_short_names(self):
        self.run_program(inputs.BABY, "--chat-template", self.template, "-sys", "Be good", "-ngl", "0",
                         "-p", "a", "-n", "-1", "-c", "64", "-t", "1", "-s", "-1")

    def test_ctrl_c_ends_a_single_answer_and_keeps_what_is_printed(self):
        process = subprocess.Popen(
            [PROGRAM, "run", inputs.TINYMOE, "--raw", "-p", "Once", "--repeat-penalty", "1.3", "-t", "1"],
            env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        first = os.read(process.stdout.fileno(), 1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 130, err)
        (first + out).decode("utf-8")
        self.assertIn(b"error: interrupted", err)

    # --- a terminal -------------------------------------------------------------------------------

    def test_a_conversation_has_a_history_and_commands(self):
        terminal = self.with_template("-n", "12")
        terminal.type("One day\n")
        terminal.wait_for("One day\r\n")
        first = terminal.wait_for("> ")
        self.assertTrue(first.strip())
        terminal.type("/clear\n")
        terminal.wait_for("(forgotten)")
        terminal.type("\x1b[A\x1b[A\n")  # the line before the last one
        terminal.wait_for("One day\r\n")
        self.assertEqual(terminal.wait_for("> "), first)
        terminal.type("The dog\n")
        terminal.wait_for("The dog\r\n")
        terminal.wait_for("> ")
        terminal.type("/nothing\n")
        terminal.wait_for("no command '/nothing'")
        terminal.type("/help\n")
        terminal.wait_for("/system TEXT")
        terminal.type("/exit\n")
        terminal.wait_for("tokens/s")
        terminal.wait_for("more were known")
        self.assertEqual(terminal.end(), 0)

    def test_a_line_that_ends_in_a_backslash_goes_on(self):
        terminal = self.talk(inputs.TINYMOE, *GREEDY, "-n", "12")
        terminal.type("One day\\\n")
        terminal.wait_for("\r\n. ")
        terminal.type("the dog\n")
        terminal.wait_for("the dog\r\n")
        together = terminal.wait_for("> ")
        terminal.type("\x04")
        self.assertEqual(terminal.end(), 0)
        out, _ = self.run_program(inputs.TINYMOE, *GREEDY, "-n", "12", "-p", "One day\nthe dog")
        self.assertEqual(together.replace("\r\n", "\n"), out)

    def test_ctrl_c_stops_the_answer_and_not_the_program(self):
        terminal = self.talk(inputs.TINYMOE, "--repeat-penalty", "1.3", "-t", "1", "-n", "900", "--seed", "1")
        terminal.type("Tell me a long story\n")
        terminal.wait_for("story\r\n")
        while len(terminal.plain()) < terminal.seen + 20:
            self.assertTrue(terminal.read(30))
        began = time.monotonic()
        terminal.send("\x03")
        terminal.wait_for("(stopped)")
        self.assertLess(time.monotonic() - began, 2)
        terminal.wait_for("> ")
        terminal.type("\x03")
        terminal.wait_for("Ctrl-C once more")
        terminal.type("/help\n")  # something else between the two
        terminal.wait_for("/system TEXT")
        terminal.type("\x03")
        terminal.wait_for("Ctrl-C once more")
        terminal.type("\x03")
        terminal.wait_for("tokens/s")
        self.assertEqual(terminal.end(), 0)

    def test_letters_of_several_bytes_are_typed_and_kept(self):
        terminal = self.talk(inputs.TINYMOE, "-t", "1", "-n", "4", "--temp", "0")
        terminal.type("caf\u00e9 \u20ac \U0001F600\x7f!\n")  # the last one is erased as a whole
        terminal.wait_for("caf\u00e9 \u20ac")
        terminal.wait_for("> ")
        terminal.type("\x1b[A")
        terminal.wait_for("caf\u00e9 \u20ac")
        terminal.wait_for("!")  # the cursor is moved over what stands there already
        terminal.type("\x03")
        terminal.wait_for("> ")
        terminal.type("\x04")
        self.assertEqual(terminal.end(), 0)

    def test_a_message_longer_than_the_context_is_one_sentence_and_the_session_goes_on(self):
        terminal = self.with_template("-n", "8", "-c", "64")
        terminal.type("a" * 200 + "\n")
        terminal.wait_for("error: the message has")
        terminal.wait_for("> ")
        terminal.type("One day\n")
        terminal.wait_for("One day\r\n")
        self.assertTrue(terminal.wait_for("> ").strip())
        os.kill(terminal.pid, signal.SIGTERM)
        self.assertEqual(terminal.end(), 130)

    def test_the_answers_alone_go_to_a_file_from_a_terminal(self):
        file = self.home / "answers"
        command = f"exec {PROGRAM} run {inputs.BABY} --chat-template {self.template} --temp 0 -t 1 -n 12 > {file}"
        terminal = Terminal(["bash", "-c", command], self.environment())
        terminal.wait_for("> ")
        terminal.type("One day\n")
        terminal.wait_for("> ")
        terminal.type("/exit\n")
        self.assertEqual(terminal.end(), 0)
        out, _ = self.run_program(inputs.BABY, "--chat-template", self.template, *GREEDY, "-n", "12",
                                  "-p", "One day")
        self.assertEqual(file.read_text(), out)

    def test_an_answer_commands_no_terminal_and_keeps_its_bytes_elsewhere(self):
        commands = r"\x1b]0;owned\x07\u009b2J\r\x08"
        h = 8  # of ", there was a little girl"; the prompt has none
        inputs.token(self.home / "commands.gguf", inputs.BABY, str(h), commands)
        arguments = (self.home / "commands.gguf", *GREEDY, "-n", "20", "-p", "Once upon a time")
        written = commands.encode("ascii").decode("unicode_escape")
        out, _ = self.run_program(*arguments)
        self.assertEqual(out, f", t{written}ere was a little\n")
        terminal = Terminal([PROGRAM, "run", *map(str, arguments)], self.environment())
        terminal.wait_for("tokens/s")
        self.assertEqual(terminal.end(), 0)
        shown = terminal.shown.decode("utf-8")
        self.assertIn(", t\u241b]0;owned\u2407\ufffd2J\u240d\u2408ere was a little\r\n", shown)
        self.assertNotIn("\x07", shown)
        self.assertNotIn("\u009b", shown)

    def test_what_a_template_says_commands_no_terminal(self):
        refusing = self.home / "refusing.jinja"
        refusing.write_text('{{ raise_exception("\\x1b[2Jno\\u009b") }}')
        _, err = self.run_program(inputs.BABY, "--chat-template", refusing, "-p", "Hi", "-q", status=2)
        self.assertIn("refuses the conversation: \u241b[2Jno\ufffd\n", err)

    # --- for long ---------------------------------------------------------------------------------

    def test_thousands_of_turns_take_no_more_memory_nor_time(self):
        terminal = self.with_template("-n", "8", "-c", "256")
        seconds, memory, said = [], [], 0
        for turn in range(TURNS):
            began = time.monotonic()
            terminal.type(f"One day {turn}\n")
            terminal.wait_for(f"One day {turn}\r\n")
            said += terminal.wait_for("> ").count("left out from here on")
            terminal.forget()
            seconds.append(time.monotonic() - began)
            memory.append(resident_mib(terminal.pid))
        terminal.type("/exit\n")
        self.assertEqual(terminal.end(), 0)
        early, late = seconds[100:500], seconds[-400:]
        print(f"{TURNS} turns: {statistics.mean(early):.4f} s each at first and "
              f"{statistics.mean(late):.4f} s at the end, at most {max(seconds[1:]):.3f} s; "
              f"{memory[200]:.1f} and {memory[-1]:.1f} MiB")
        self.assertEqual(said, 1)
        self.assertLess(statistics.mean(late), 1.5 * statistics.mean(early) + 0.01)
        self.assertLess(memory[-1], memory[200] + 4)

    # --- a hub ------------------------------------------------------------------------------------

    def test_a_repository_is_fetched_once(self):
        hub = HubServer({"model-F32.gguf": inputs.BABY.read_bytes(), "model-Q4_0.gguf": b"absent"})
        self.addCleanup(hub.close)
        arguments = ("user/model:F32", "-p", "One day", "-n", "8", *GREEDY)
        out, _ = self.run_program(*arguments, HF_ENDPOINT=hub.endpoint)
        self.assertGreater(len(hub.fetched()), 0)
        hub.seen.clear()
        self.assertEqual(self.run_program(*arguments, HF_ENDPOINT=hub.endpoint)[0], out)
        self.assertEqual(self.run_program(*arguments, "--offline", HF_ENDPOINT=hub.endpoint)[0], out)
        self.assertEqual(hub.seen, [])
        err = self.run_program("user/model:Q4_0", "-p", "a", "--offline", HF_ENDPOINT=hub.endpoint,
                               status=2)[1]
        self.assertIn("no GGUF file with the tag", err)


def resident_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    PROGRAM = str(Path(sys.argv.pop(1)).resolve())
    unittest.main()
