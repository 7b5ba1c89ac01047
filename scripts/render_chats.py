#!/usr/bin/env python3
"""Renders chats with a model's own Jinja template, as Hugging Face's apply_chat_template does.

    render_chats.py JOB

JOB is a JSON file:
    {"template": str, "bos_token": str, "eos_token": str,
     "conversations": [{"messages": [...], "tools": [...] or null}, ...],
     "answer": bool, "thinking": bool}   (both optional: the text ends where an answer begins,
                                          which may begin with thinking)
Writes one JSON line per conversation, {"text": str} or {"error": str}, or a single line
{"template_error": str}.

Exit status: 0 all lines were written, 3 this Python has no Jinja2.

A template is foreign code: it runs in Jinja2's immutable sandbox, in a process with limits on
memory and processor time. `strftime_now` gives a fixed day, so that the same chats give the same
text tomorrow.
"""

import datetime
import json
import resource
import sys

MEMORY_BYTES = 2 << 30
CPU_SECONDS = 60
FIXED_NOW = datetime.datetime(2025, 1, 1)


def limit(kind, value):
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, hard))


def to_json(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    """The filter of Hugging Face: plain JSON, nothing escaped for HTML."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators,
                      sort_keys=sort_keys)


def environment():
    import jinja2.ext
    import jinja2.sandbox

    class Generation(jinja2.ext.Extension):
        """{% generation %} marks what the model wrote; the text passes unchanged."""

        tags = {"generation"}

        def parse(self, parser):
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    env = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
    env.filters["tojson"] = to_json
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = FIXED_NOW.strftime
    return env


def with_decoded_arguments(messages):
    """Tool calls whose arguments are JSON text (as the OpenAI API has them) get the object itself."""
    messages = json.loads(json.dumps(messages))
    for message in messages:
        for call in message.get("tool_calls") or []:
            function = call.get("function", call) if isinstance(call, dict) else {}
            arguments = function.get("arguments")
            if isinstance(arguments, str):
                try:
                    function["arguments"] = json.loads(arguments)
                except ValueError:
                    pass
    return messages


def thinking(job):
    """Templates that know the word take it as a variable; to others it is nothing."""
    return {"enable_thinking": job["thinking"]} if "thinking" in job else {}


def render(template, job, conversation):
    """Objects as arguments first, which most templates expect; then the messages as given."""
    failure = None
    for messages in (with_decoded_arguments(conversation["messages"]), conversation["messages"]):
        try:
            text = template.render(
                messages=messages, tools=conversation.get("tools"), documents=None,
                bos_token=job["bos_token"], eos_token=job["eos_token"],
                add_generation_prompt=job.get("answer", False), **thinking(job))
            text.encode("utf-8")  # fails for half a surrogate pair
            return {"text": text}
        except Exception as error:  # whatever foreign code raises is its message to the user
            failure = failure or error
    return {"error": words_of(failure)}


def words_of(error):
    """The template's own message; for Python's errors with the name, without which they say little."""
    import jinja2
    if isinstance(error, jinja2.TemplateError):
        return str(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def write_line(value):
    print(json.dumps(value), flush=True)


def main():
    limit(resource.RLIMIT_AS, MEMORY_BYTES)
    limit(resource.RLIMIT_CPU, CPU_SECONDS)
    try:
        env = environment()
    except ImportError as error:
        print(error, file=sys.stderr)
        return 3
    with open(sys.argv[1], encoding="utf-8") as file:
        job = json.load(file)
    try:
        template = env.from_string(job["template"])
    except Exception as error:
        line = getattr(error, "lineno", None)
        write_line({"template_error": f"{error}" + (f" (line {line})" if line else "")})
        return 0
    for conversation in job["conversations"]:
        write_line(render(template, job, conversation))
    return 0


if __name__ == "__main__":
    sys.exit(main())
