#!/usr/bin/env python3
"""Chat templates: the environment is Hugging Face's, findings are those of tests/golden/templates, what
does harm is contained, corrections are sound. Exit status 77 (skipped) where Jinja2 is absent.

    tests/template_test.py             compares
    tests/template_test.py --update    rewrites the expected findings
"""

import functools
import json
import subprocess
import sys
import unittest
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = ROOT / "tests/data/templates"
GOLDEN = ROOT / "tests/golden/templates/findings.tsv"
SCRIPTS = ROOT / "scripts"
SKIPPED = 77
SEVERITIES = ("error", "warning", "note")
TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}

sys.dont_write_bytecode = True
sys.path.insert(0, str(SCRIPTS))
try:
    import jinja2.sandbox
    from jinja2.ext import loopcontrols

    import chat_templates
    import template_checks
    import template_features
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(SKIPPED)


@functools.lru_cache(maxsize=None)
def lint(source, fix=False):
    job = {"template": source, **TOKENS, "fix": fix}
    done = subprocess.run([sys.executable, SCRIPTS / "lint_template.py"], input=json.dumps(job),
                          capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise AssertionError(f"status {done.returncode}: {done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def source_of(path):
    return path.read_text(encoding="utf-8")


def templates():
    return sorted(TEMPLATES.glob("*.jinja"))


def ids(answer):
    return [finding["id"] for finding in answer["findings"]]


@functools.lru_cache(maxsize=None)
def compiled(env, source):
    return env.from_string(source)


def rendered(env, source, conversation, prompt):
    """The text, or the name of what was raised."""
    try:
        return compiled(env, source).render(
            messages=conversation["messages"], tools=conversation.get("tools"), documents=None,
            add_generation_prompt=prompt, **TOKENS, **conversation.get("variables", {}))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def plain_reference():
    """What _compile_jinja_template of transformers sets, written down independently; the day fixed."""
    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators,
                          sort_keys=sort_keys)

    env = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True,
                                                       extensions=[loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda form: datetime(2025, 1, 1).strftime(form)
    return env


def shipped_conversations():
    return [json.loads(source_of(TEMPLATES / f"{name}.json")) for name in ("simple", "system", "tool_use")]


def all_conversations():
    return json.loads(source_of(template_checks.CONVERSATIONS)) + shipped_conversations()


class Environment(unittest.TestCase):
    def test_every_template_renders_as_in_hugging_faces_settings(self):
        ours, reference = chat_templates.environment(), plain_reference()
        texts = 0
        for path in templates():
            for conversation in all_conversations():
                for prompt in (False, True):
                    text = rendered(ours, source_of(path), conversation, prompt)
                    self.assertEqual(text, rendered(reference, source_of(path), conversation, prompt))
                    texts += not text.startswith(("TypeError", "TemplateError"))
        self.assertGreater(texts, 300)


class Expected(unittest.TestCase):
    maxDiff = None

    def test_findings_of_each_template_are_those_of_the_golden_file(self):
        self.assertEqual(found_lines(), source_of(GOLDEN).splitlines())


def found_lines():
    lines = ["template\tseverity\tid\tsentence\tconversations"]
    for path in templates():
        findings = lint(source_of(path))["findings"]
        findings.sort(key=lambda finding: SEVERITIES.index(finding["severity"]))
        lines += ["\t".join([path.stem, each["severity"], each["id"], each["sentence"],
                             "; ".join(each["conversations"])]) for each in findings]
    return lines


class Faults(unittest.TestCase):
    """Small templates with one fault each, and none of the others."""

    GOOD = ("{% for m in messages %}<{{ m.role }}>{{ m.content if m.content is string else '' }}"
            "{% if m.content is iterable and m.content is not string %}{{ m.content[0].text }}{% endif %}"
            "{{ m.reasoning_content }}"
            "{% for c in m.tool_calls or [] %}{\"name\": \"{{ c.function.name }}\", \"arguments\": "
            "{{ c.function.arguments if c.function.arguments is string else c.function.arguments|tojson }}}"
            "{% endfor %}{% endfor %}{{ tools|tojson if tools }}"
            "{% if add_generation_prompt %}<assistant>{% endif %}")

    def only(self, old, new):
        self.assertIn(old, self.GOOD)
        findings = lint(self.GOOD.replace(old, new))["findings"]
        return [(finding["severity"], finding["id"]) for finding in findings]

    def test_a_template_without_fault_has_no_findings(self):
        self.assertEqual(lint(self.GOOD)["findings"], [])

    def test_arguments_that_vanish(self):
        self.assertEqual(self.only("c.function.arguments if c.function.arguments is string else "
                                   "c.function.arguments|tojson",
                                   "c.function.arguments|tojson if c.function.arguments is mapping"),
                         [("error", "loses-text-arguments")])

    def test_arguments_that_are_encoded_twice(self):
        self.assertEqual(self.only("c.function.arguments if c.function.arguments is string else ", ""),
                         [("error", "encodes-text-arguments-twice")])

    def test_arguments_as_python_writes_them(self):
        self.assertEqual(self.only("c.function.arguments|tojson", "c.function.arguments"),
                         [("error", "writes-arguments-as-python")])

    def test_tool_results_that_vanish(self):
        self.assertEqual(self.only("{{ m.content if m.content is string",
                                   "{{ m.content if m.content is string and m.role != 'tool'"),
                         [("error", "drops-tool-result")])

    def test_the_second_of_two_calls(self):
        self.assertEqual(self.only("in m.tool_calls or []", "in (m.tool_calls or [])[:1]"),
                         [("error", "drops-call-name"), ("error", "drops-arguments")])

    def test_null_content_as_a_word(self):
        self.assertEqual(self.only("m.content if m.content is string else ''",
                                   "m.content if m.content is string or m.content is none else ''"),
                         [("error", "writes-none")])

    def test_no_prompt_for_an_answer(self):
        self.assertEqual(self.only("{% if add_generation_prompt %}<assistant>{% endif %}",
                                   "{% if add_generation_prompt %}{% endif %}"),
                         [("warning", "adds-no-prompt")])

    def test_a_refused_order_is_an_assumption(self):
        self.assertEqual(self.only("{% for m in messages %}", "{% for m in messages %}{% if m.role == "
                                   "'system' and not loop.first %}{{ raise_exception('first!') }}{% endif %}"),
                         [("note", "assumes")])

    def test_thinking_that_changes_nothing(self):
        self.assertEqual(self.only("<assistant>", "<assistant>{% if enable_thinking %}{% endif %}"),
                         [("warning", "thinking-changes-nothing")])


class OtherEngines(unittest.TestCase):
    def unknown(self, source):
        env = chat_templates.environment()
        return [what for what, _ in template_features.unknown_to_llama_cpp(
            env.parse(source), list(env.lex(source)))]

    def test_what_llama_cpp_does_not_know_is_named(self):
        for source, what in (
                ("{{ a|batch(2) }}", "filter 'batch'"), ("{{ a is filter }}", "test 'filter'"),
                ("{{ a.splitlines() }}", "method 'splitlines'"), ("{{ lipsum() }}", "function 'lipsum'"),
                ("{% include 'x' %}", "tag 'include'"), ("{% raw %}{{{% endraw %}", "tag 'raw'"),
                ("{{ 3 // 2 }}", "operator '//'"), ("{% for a in b %}{{ loop.depth }}{% endfor %}", "'loop.depth'")):
            self.assertEqual(self.unknown(source), [what])

    def test_what_it_knows_is_not(self):
        self.assertEqual(self.unknown(
            "{% macro m(f) %}{{ f() }}{% endmacro %}{% set ns = namespace(a=1) %}{{ m(m) }}"
            "{% for a in b|selectattr('x', 'equalto', 1)|list %}{{ loop.index0 }}{% continue %}{% endfor %}"
            "{{ a.split('x')[-1]|trim ~ 'y'.lstrip() }}{% generation %}{% endgeneration %}{{ a is mapping }}"), [])


class Hostile(unittest.TestCase):
    CASES = {
        "runs-too-long": "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "takes-too-much-memory": "{{ 'x' * 10**9 }}",
        "range-too-large": "{% for i in range(10**9) %}x{% endfor %}",
        "leaves-the-sandbox": "{% if messages|length > 99 %}{{ ''.__class__ }}{% endif %}",
        "recurses-without-end": "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
        "writes-too-much": "{% for i in range(99999) %}" + "x" * 99 + "{% endfor %}",
        "does-not-parse": "{{ a|from_json }}"}

    def test_each_is_contained_and_named(self):
        for name, source in self.CASES.items():
            with self.subTest(name=name):
                answer = lint(source)
                self.assertEqual(ids(answer), [name])
                self.assertEqual(answer["unusable"], answer["findings"][0]["sentence"])


class Corrections(unittest.TestCase):
    CORRECTED = {"Qwen3.5-4B": 1, "Qwen3.5-4B.first-fix": 1, "Qwen3-Coder": 1, "MiniMax-M2": 1,
                 "Mistral-Small-3.2-24B-Instruct-2506": 1, "deepseek-ai-DeepSeek-V3.1": 3}

    def test_known_faults_are_corrected_and_no_others(self):
        changed = {path.stem: lint(source_of(path), fix=True) for path in templates()}
        self.assertEqual({name: len(answer["changes"]) for name, answer in changed.items()
                          if answer["changes"]}, self.CORRECTED)
        for answer in changed.values():
            self.assertTrue(answer["corrected"] is None or
                            not set(ids(answer)) & {"fails-on-text-arguments", "loses-text-arguments",
                                                    "encodes-text-arguments-twice"})

    def test_every_conversation_with_objects_gives_the_same_text(self):
        env = chat_templates.environment()
        for name in self.CORRECTED:
            source = source_of(TEMPLATES / f"{name}.jinja")
            corrected = lint(source, fix=True)["corrected"]
            for conversation in all_conversations()[:-1]:
                if conversation.get("name") != "arguments as JSON text":
                    self.assertEqual(rendered(env, source, conversation, True),
                                     rendered(env, corrected, conversation, True))

    def test_text_gives_what_the_object_gives_where_the_format_is_json(self):
        env = chat_templates.environment()
        by_name = {each.get("name"): each for each in all_conversations()}
        for name in ("deepseek-ai-DeepSeek-V3.1", "Mistral-Small-3.2-24B-Instruct-2506"):
            corrected = lint(source_of(TEMPLATES / f"{name}.jinja"), fix=True)["corrected"]
            self.assertEqual(rendered(env, corrected, by_name["arguments as JSON text"], False),
                             rendered(env, corrected, by_name["arguments as an object"], False))

    def test_text_that_stands_for_no_arguments_is_taken_everywhere(self):
        env = chat_templates.environment()
        corrected = lint(source_of(TEMPLATES / "Qwen3.5-4B.jinja"), fix=True)["corrected"]
        for arguments in ("", "{}", " {} ", {}):
            call = {"function": {"name": "now", "arguments": arguments}}
            chat = {"messages": [{"role": "user", "content": "a"},
                                 {"role": "assistant", "content": "", "tool_calls": [call]}]}
            self.assertIn("<function=now>\n</function>", rendered(env, corrected, chat, False))


if __name__ == "__main__":
    if "--update" in sys.argv:
        GOLDEN.parent.mkdir(parents=True, exist_ok=True)
        GOLDEN.write_text("\n".join(found_lines()) + "\n", encoding="utf-8")
        sys.exit(0)
    unittest.main()
