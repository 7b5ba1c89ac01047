"""The conversations a chat template is tried with, and what is wrong with what comes out.

Every content, argument name and argument value of a conversation has a word of its own
("mark_paris"), which must come back in the text.
"""

import json
import re
import signal
from dataclasses import dataclass, field
from pathlib import Path

import jinja2
from jinja2 import meta

import template_features
from chat_templates import words_of

CONVERSATIONS = Path(__file__).resolve().parent / "template_conversations.json"
RENDER_SECONDS = 5
LONGEST_TEXT = 4 << 20  # characters
LONGEST_WORDS = 200
MARK = re.compile(r"mark_\w+")
THINKING_WORDS = ("reasoning_content", "<think>", "enable_thinking")
LOST = {  # kind of content -> id and sentence of its loss
    "system": ("drops-system-message", "a system message does not appear in the text"),
    "user": ("drops-user-message", "a user message does not appear in the text"),
    "assistant": ("drops-answer", "an answer does not appear in the text"),
    "tool": ("drops-tool-result", "the result of a tool does not appear in the text"),
    "beside": ("drops-content-beside-call", "content beside a tool call does not appear in the text"),
    "call": ("drops-call-name", "the name of a called tool does not appear in the text"),
    "argument": ("drops-arguments", "arguments of a tool call do not appear in the text"),
    "definition": ("drops-tool-definition", "a tool's name or description does not appear in the text"),
    "parameter": ("drops-tool-parameter", "a tool's parameter does not appear in the text"),
    "reasoning": ("drops-reasoning", "reasoning_content of the last answer does not appear in the text"),
    "think": ("drops-think-block", "a thought in <think> of the last answer does not appear in the text"),
    "signs": ("changes-signs", "signs that are no letters do not appear as they are"),
}


class Unusable(Exception):
    """The template does harm: nothing more is tried."""

    def __init__(self, check, sentence):
        super().__init__(sentence)
        self.check = check


class TooLong(BaseException):
    """Not an Exception: nothing between the alarm and us may catch it."""


@dataclass
class Outcome:
    text: str = ""
    failure: str = ""  # what was raised; "" when nothing was
    refused: bool = False  # by the template's own raise_exception
    changed: str = ""  # the method that changes a value, which the sandbox forbids


@dataclass
class Finding:
    check: str
    severity: str
    sentence: str
    conversations: list = field(default_factory=list)


class Findings:
    """One of each kind; the conversations where it was seen are added up."""

    def __init__(self):
        self.all = []

    def add(self, severity, check, sentence, conversation=None):
        same = [f for f in self.all if (f.check, f.sentence) == (check, sentence)]
        if not same:
            same = [Finding(check, severity, sentence)]
            self.all += same
        if conversation:
            same[0].conversations.append(conversation)


# --- rendering ------------------------------------------------------------------------------------


def stop(signum, frame):
    raise TooLong()


def shortened(words):
    line = " ".join(words.split())
    return line if len(line) <= LONGEST_WORDS else line[:LONGEST_WORDS] + "..."


def render(template, tokens, conversation, prompt=False, messages=None):
    """An Outcome; Unusable where the template does harm."""
    where = f"in the conversation '{conversation['name']}'"
    signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, RENDER_SECONDS)
    try:
        text = template.render(
            messages=messages or conversation["messages"], tools=conversation.get("tools"),
            documents=None, add_generation_prompt=prompt, **tokens,
            **conversation.get("variables", {}))
    except TooLong:
        raise Unusable("runs-too-long",
                       f"it ran longer than {RENDER_SECONDS} s of processor time {where}") from None
    except MemoryError:
        raise Unusable("takes-too-much-memory", f"it ran out of memory {where}") from None
    except RecursionError:
        raise Unusable("recurses-without-end", f"it calls itself without end {where}") from None
    except Exception as error:  # whatever foreign code raises
        return outcome_of(error, where)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    if len(text) > LONGEST_TEXT:
        raise Unusable("writes-too-much", f"it wrote {len(text)} characters {where}")
    if not text.isascii() and re.search("[\ud800-\udfff]", text):
        return Outcome(failure="the text has half a surrogate pair")
    return Outcome(text)


def outcome_of(error, where):
    words = shortened(words_of(error))
    if isinstance(error, OverflowError) and "Range too big" in words:
        raise Unusable("range-too-large", f"it counts further than the sandbox lets it {where}")
    if isinstance(error, jinja2.exceptions.SecurityError):
        changed = re.search(r"attribute '([a-z]\w*)' of '(?:list|dict|set)'", words)
        if not changed:
            raise Unusable("leaves-the-sandbox", f"it reaches out of the sandbox {where}: {words}")
        return Outcome(failure=words, changed=changed.group(1))
    return Outcome(failure=words, refused=type(error) is jinja2.exceptions.TemplateError)


# --- what must come back --------------------------------------------------------------------------


def marks_of(value):
    return set(MARK.findall(json.dumps(value, ensure_ascii=False)))


def message_marks(message):
    """(kind, marks) of the parts of a message."""
    content = message.get("content") or ""
    if isinstance(content, str) and "</think>" in content:
        thought, content = content.split("</think>")
        yield "think", marks_of(thought)
    yield "beside" if message.get("tool_calls") else message["role"], marks_of(content)
    yield "reasoning", marks_of(message.get("reasoning_content", ""))
    for call in message.get("tool_calls", []):
        yield "call", marks_of(call["function"]["name"])
        arguments = call["function"]["arguments"]
        yield "argument", marks_of(json.loads(arguments) if isinstance(arguments, str) else arguments)


def tool_marks(tools):
    for tool in tools or []:
        function = tool["function"]
        yield "definition", marks_of([function["name"], function["description"]])
        yield "parameter", marks_of(function["parameters"]["properties"])


def lost_kinds(conversation, text):
    """Kinds of content that are in the conversation but not in the text, in order."""
    shown, lost = set(MARK.findall(text)), []
    parts = list(tool_marks(conversation.get("tools")))
    for message in conversation["messages"]:
        parts += message_marks(message)
    for kind, marks in parts:
        if marks - shown and kind not in lost:
            lost.append(kind)
    if any(words not in text for words in conversation.get("shows", [])):
        lost.append("signs")
    return lost


# --- the checks -----------------------------------------------------------------------------------


class Linter:
    """One template, all conversations; `findings` when run() has ended."""

    def __init__(self, env, source, tokens, at=lambda name: None):
        self.tree = env.parse(source)
        self.lexed = list(env.lex(source))
        self.template = env.from_string(source)
        self.source, self.tokens, self.at = source, tokens, at
        self.variables = meta.find_undeclared_variables(self.tree)
        self.uses = template_features.argument_uses(self.tree)
        self.findings = Findings()
        self.conversations = json.loads(CONVERSATIONS.read_text(encoding="utf-8"))
        self.outcomes = {}
        self.prompted = {}

    @property
    def knows_calls(self):
        return "tool_calls" in self.source

    def run(self):
        for name, line in template_features.forbidden_names(self.tree):
            raise Unusable("leaves-the-sandbox", f"it reaches for '{name}' of Python (line {line})")
        self.render_all()
        self.check_tools()
        for conversation in self.conversations:
            self.check(conversation)
        self.check_text_arguments()
        self.check_prompt()
        self.check_thinking()
        self.check_features()
        return self.findings.all

    def render_all(self):
        for conversation in self.conversations:
            self.at(conversation["name"])
            self.outcomes[conversation["name"]] = render(self.template, self.tokens, conversation)
            if conversation.get("prompt"):
                self.prompted[conversation["name"]] = render(self.template, self.tokens,
                                                             conversation, prompt=True)

    def check_tools(self):
        if "tools" in self.variables:
            return
        if not self.knows_calls:
            self.findings.add("warning", "knows-no-tools",
                              "it knows neither tool definitions nor tool calls")
        else:
            self.findings.add("warning", "shows-no-tool-definitions", "it shows tool calls but no "
                              "tool definitions; they must be written into the system message")

    def check(self, conversation):
        name = conversation["name"]
        outcome = self.outcomes[name]
        if "tools" in conversation and not self.knows_calls and "tools" not in self.variables:
            return
        if name == "arguments as JSON text":
            return
        if outcome.failure:
            return self.check_failure(conversation, outcome)
        for kind in lost_kinds(conversation, outcome.text):
            self.check_lost(conversation, kind)
        self.check_words(conversation, outcome.text)

    def check_failure(self, conversation, outcome):
        name = conversation["name"]
        if outcome.changed:
            self.findings.add("error", "changes-a-value", f"it calls '{outcome.changed}' on a value, "
                              "which Hugging Face's sandbox forbids and llama.cpp's engine allows",
                              name)
        elif "assumes" in conversation:
            if not self.fails_anyway(outcome):
                self.findings.add("note", "assumes", f"it assumes that {conversation['assumes']}: "
                                  f"{outcome.failure}", name)
        else:
            verb = "refuses" if outcome.refused else "fails"
            self.findings.add("error", verb, f"it {verb}: {outcome.failure}", name)

    def fails_anyway(self, outcome):
        """In the same way where nothing is unusual: it is a "fails" or "refuses" already."""
        return any(self.outcomes[each["name"]].failure == outcome.failure
                   for each in self.conversations if "assumes" not in each)

    def check_lost(self, conversation, kind):
        severity = "warning" if "assumes" in conversation else "error"
        if kind in ("definition", "parameter") and "tools" not in self.variables:
            return
        if kind == "reasoning":
            knows = any(word in self.source for word in THINKING_WORDS)
            severity = "warning" if knows else "note"
        if kind == "think":
            severity = "note"
        self.findings.add(severity, *LOST[kind], conversation["name"])

    def check_words(self, conversation, text):
        """Python's words where JSON's or nothing should stand."""
        name = conversation["name"]
        if name == "null content beside a call" and self.more("None", text, "arguments as an object"):
            self.findings.add("error", "writes-none", "content null comes out as the word None", name)
        if name != "arguments as an object":
            return
        arguments = conversation["messages"][1]["tool_calls"][0]["function"]["arguments"]
        if repr(arguments) in text:
            self.findings.add("error", "writes-arguments-as-python",
                              "arguments given as an object come out as Python writes them, not as "
                              "JSON", name)
        elif self.more("True", text, "tool definitions"):
            self.findings.add("warning", "writes-python-values",
                              "an argument true comes out as Python's True", name)

    def more(self, word, text, name):
        """The word stands in the text more often than in that of another conversation."""
        pattern = rf"\b{word}\b"
        return len(re.findall(pattern, text)) > len(re.findall(pattern, self.outcomes[name].text))

    # --- arguments as text ---

    def line_of(self, *uses):
        lines = [line for use in uses for line in self.uses.get(use, [])]
        return f" (line {lines[0]})" if lines else ""

    def check_text_arguments(self):
        name = "arguments as JSON text"
        conversation = next(c for c in self.conversations if c["name"] == name)
        outcome, other = self.outcomes[name], self.outcomes["arguments as an object"]
        if not self.knows_calls or outcome.changed:
            return
        if outcome.failure:
            if outcome.failure != other.failure:
                self.check_text_failure(outcome, name)
            return
        text = conversation["messages"][1]["tool_calls"][0]["function"]["arguments"]
        lost = "argument" in lost_kinds(conversation, outcome.text)
        if json.dumps(text, ensure_ascii=False)[1:-1] in outcome.text:
            self.findings.add("error", "encodes-text-arguments-twice", "a tool call's arguments "
                              "given as JSON text, as the OpenAI API has them, come out as an "
                              f"escaped string inside JSON{self.line_of('tojson')}", name)
        elif lost and self.shows_objects():
            self.findings.add("error", "loses-text-arguments", "a tool call's arguments given as "
                              "JSON text, as the OpenAI API has them, vanish without a word: only a "
                              f"mapping is written{self.line_of('mapping', 'items')}", name)

    def shows_objects(self):
        conversation = next(c for c in self.conversations if c["name"] == "arguments as an object")
        outcome = self.outcomes[conversation["name"]]
        return not outcome.failure and "argument" not in lost_kinds(conversation, outcome.text)

    def check_text_failure(self, outcome, name):
        if outcome.refused:
            self.findings.add("warning", "refuses-text-arguments", "it refuses a tool call's "
                              f"arguments given as JSON text: {outcome.failure}", name)
            return
        self.findings.add("error", "fails-on-text-arguments", "a tool call's arguments given as JSON "
                          "text, as the OpenAI API has them, end in an error, because they are taken "
                          f"for a mapping{self.line_of('items', 'keys')}: {outcome.failure}", name)

    # --- where an answer begins, thinking, other engines ---

    def check_prompt(self):
        known = "add_generation_prompt" in self.variables or "add_generation_prompt" in self.source
        for name, with_prompt in self.prompted.items():
            without = self.outcomes[name]
            if with_prompt.failure or without.failure or "enable_thinking" in name:
                continue
            if name == "a result at the end" and not self.knows_calls:
                continue
            if with_prompt.text == without.text:
                self.findings.add("warning" if known else "note", "adds-no-prompt",
                                  "add_generation_prompt changes nothing" +
                                  ("" if known else ", nor does the template know it"), name)
            elif not with_prompt.text.startswith(without.text):
                self.findings.add("note", "prompt-changes-the-text", "add_generation_prompt changes "
                                  "what stands before it", name)

    def check_thinking(self):
        on, off = (self.prompted[f"enable_thinking {word}"] for word in ("true", "false"))
        if "enable_thinking" in self.source and not on.failure and on == off:
            self.findings.add("warning", "thinking-changes-nothing",
                              "enable_thinking is in the template but changes nothing")

    def check_features(self):
        for what, line in template_features.unknown_to_llama_cpp(self.tree, self.lexed):
            self.findings.add("warning", "unknown-to-llama.cpp",
                              f"llama.cpp's own engine does not know the {what} (line {line})")
