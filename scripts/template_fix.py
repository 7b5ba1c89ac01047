"""Corrections of chat templates: tool-call arguments that are JSON text instead of an object.

Hugging Face's environment has no filter that parses JSON. So text goes in as it is where the format
has JSON in that place; where the format writes one parameter after the other, a model has never
seen JSON there, and the template says clearly what is wrong. (llama.cpp's engine and Hugging Face's
users parse such text before they render; for them nothing changes.)
"""

import re

import template_features

MESSAGE = "Tool call arguments are JSON text, but this format needs them as an object: parse the text first."
NOTHING = "['', '{}']"  # text that stands for no arguments


def corrected(env, source):
    """The corrected source and one sentence per change; the same source where nothing is known.
    Whoever calls this holds the result against what the template did before."""
    changes = []
    arguments = argument_pattern(env.parse(source))
    source = written_as_it_is(source, arguments, changes)
    source = said_clearly(source, arguments, changes)
    return source, changes


def argument_pattern(tree):
    aliases = sorted(template_features.argument_aliases(tree))
    own = r"\w+(?:\.\w+|\[['\"]\w+['\"]\])*(?:\.arguments|\[['\"]arguments['\"]\])"
    return "(?:" + "|".join([own, *(rf"\b{re.escape(name)}\b" for name in aliases)]) + ")"


def written_as_it_is(source, arguments, changes):
    """{{ call.arguments | tojson }}: text is JSON already."""
    pattern = re.compile(rf"(?P<what>{arguments})\s*\|\s*tojson(?P<how>\([^()]*\))?")

    def replacement(match):
        what, how = match["what"], match["how"] or ""
        changes.append(f"line {line_at(source, match)}: arguments given as JSON text are written as "
                       "they are")
        return f"({what} if {what} is string else {what}|tojson{how})"

    return pattern.sub(replacement, source)


def said_clearly(source, arguments, changes):
    """{% for name, value in call.arguments|items %}, {% if call.arguments is mapping %}: an error
    with a message for text; nothing else changes."""
    loop = (rf"\{{%(?P<dash>[-+]?)\s*for\s+(?P<names>\w+\s*,\s*\w+)\s+in\s+(?P<what>{arguments})\s*"
            r"(?:\|\s*items|\.items\(\))\s*(?P<end>[-+]?)%\}")
    test = rf"\{{%(?P<tdash>[-+]?)\s*if\s+(?P<twhat>{arguments})\s+is\s+mapping\s*(?P<tend>[-+]?)%\}}"

    def replacement(match):
        dash, what = (match["dash"], match["what"]) if match["what"] else (match["tdash"], match["twhat"])
        changes.append(f"line {line_at(source, match)}: arguments given as JSON text end in a message "
                       "that says so")
        guard = (f"{{%{dash} if {what} is string and {what}|trim not in {NOTHING} %}}"
                 f"{{{{- raise_exception('{MESSAGE}') }}}}{{%- endif %}}")
        if match["twhat"]:
            return guard + match[0]
        return (f"{guard}{{%{dash} for {match['names']} in ({what} if {what} is mapping else {{}})|items "
                f"{match['end']}%}}")

    return re.sub(f"{loop}|{test}", replacement, source)


def line_at(source, match):
    return source.count("\n", 0, match.start()) + 1
