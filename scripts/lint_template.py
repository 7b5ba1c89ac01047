#!/usr/bin/env python3
"""Tries a chat template with many conversations and says what is wrong with it.

    lint_template.py < JOB

JOB is JSON: {"template": str, "bos_token": str, "eos_token": str, "fix": bool}.
Writes JSON lines: {"at": conversation} before each conversation, so that it is known which one was
too much, and at the end
    {"findings": [{"id", "severity", "sentence", "conversations"}], "conversations": int,
     "unusable": str, "corrected": str or null, "changes": [str]}
`unusable` is the sentence of a finding after which nothing more was tried, else "". With "fix",
`corrected` is a template without the faults that template_fix.py knows, held against the original;
`findings` are then those of the corrected one.

Exit status: 0 all was written, 3 this Python has no Jinja2. What a template may do:
chat_templates.py.
"""

import json
import resource
import sys

from chat_templates import environment, limit, parse_failure, write_line

MEMORY_BYTES = 512 << 20
STEP_CPU_SECONDS = 7  # template_checks.RENDER_SECONDS, and what no alarm interrupts
TEXT_FAULTS = ("fails-on-text-arguments", "loses-text-arguments", "encodes-text-arguments-twice")


def at(name):
    """Begins a step: more processor time, up to a fresh limit."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + STEP_CPU_SECONDS)
    write_line({"at": name})


def answer(linter, findings, unusable="", source=None, changes=()):
    return {"findings": [{"id": each.check, "severity": each.severity, "sentence": each.sentence,
                          "conversations": each.conversations} for each in findings],
            "conversations": len(linter.conversations) if linter else 0, "unusable": unusable,
            "corrected": source, "changes": list(changes)}


def refusal(check, sentence):
    from template_checks import Finding
    return answer(None, [Finding(check, "error", sentence)], sentence)


def lint(env, source, tokens):
    """(linter, None) after all checks, or (None, the answer) for a template of no use."""
    from template_checks import Linter, Unusable
    at("")
    try:
        linter = Linter(env, source, tokens, at)
    except MemoryError:
        return None, refusal("takes-too-much-memory", "it ran out of memory while it was read")
    except RecursionError:
        return None, refusal("does-not-parse", "it cannot be parsed: it is nested too deep")
    except Exception as error:
        return None, refusal("does-not-parse", f"it cannot be parsed: {parse_failure(error)}")
    try:
        linter.run()
    except Unusable as unusable:
        return None, refusal(unusable.check, str(unusable))
    except MemoryError:
        return None, refusal("takes-too-much-memory", "it ran out of memory")
    return linter, None


def same_but_for_text(before, after):
    """Conversations whose arguments are no text give the same text as before."""
    outcomes = [(name, outcome, after.outcomes[name]) for name, outcome in before.outcomes.items()]
    outcomes += [(name, outcome, after.prompted[name]) for name, outcome in before.prompted.items()]
    return all(old == new for name, old, new in outcomes if name != "arguments as JSON text")


def fix(env, before, tokens):
    """The answer for the corrected template; without one where no correction is known or sound."""
    import template_fix
    found = [each.check for each in before.findings.all if each.check in TEXT_FAULTS]
    source, changes = template_fix.corrected(env, before.source) if found else (before.source, [])
    if not changes:
        return answer(before, before.findings.all)
    after, useless = lint(env, source, tokens)
    left = [] if useless else [each for each in after.findings.all if each.check in TEXT_FAULTS]
    if useless or left or not same_but_for_text(before, after):
        return answer(before, before.findings.all)
    return answer(after, after.findings.all, source=source, changes=changes)


def main():
    limit(resource.RLIMIT_AS, MEMORY_BYTES)
    limit(resource.RLIMIT_CORE, 0)
    try:
        env = environment()
    except ImportError as error:
        print(error, file=sys.stderr)
        return 3
    job = json.load(sys.stdin)
    tokens = {"bos_token": job["bos_token"], "eos_token": job["eos_token"]}
    linter, useless = lint(env, job["template"], tokens)
    if useless:
        write_line(useless)
    elif job.get("fix"):
        write_line(fix(env, linter, tokens))
    else:
        write_line(answer(linter, linter.findings.all))
    return 0


if __name__ == "__main__":
    sys.exit(main())
