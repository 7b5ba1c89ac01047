"""What all programs that run a chat template share: Hugging Face's environment, limits, words.

A template is foreign code: it runs in Jinja2's immutable sandbox, in a process with limits on
memory and processor time. `strftime_now` gives a fixed day, so that the same chats give the same
text tomorrow.
"""

import datetime
import json
import resource

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
    """ImportError where this Python has no Jinja2."""
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


def words_of(error):
    """The template's own message; for Python's errors with the name, without which they say little."""
    import jinja2
    if isinstance(error, jinja2.TemplateError):
        return str(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def parse_failure(error):
    line = getattr(error, "lineno", None)
    return f"{error}" + (f" (line {line})" if line else "")


def write_line(value):
    print(json.dumps(value), flush=True)
