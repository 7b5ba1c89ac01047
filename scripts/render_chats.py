#!/usr/bin/env python3
"""Renders chats with a model's own Jinja template, as Hugging Face's apply_chat_template does.

    render_chats.py JOB
    render_chats.py -        as many conversations as come, one at a time

JOB is a JSON file:
    {"template": str, "bos_token": str, "eos_token": str,
     "conversations": [{"messages": [...], "tools": [...] or null}, ...],
     "answer": bool, "thinking": bool}   (both optional: the text ends where an answer begins,
                                          which may begin with thinking)
Writes one JSON line per conversation, {"text": str} or {"error": str}, or a single line
{"template_error": str}.

With '-' the first line of standard input is such a job without conversations, and each further line a
conversation, which may have "thinking" itself; each of them is answered at once, as above.

Exit status: 0 all lines were written, 3 this Python has no Jinja2.

What a template may do: chat_templates.py.
"""

import json
import resource
import sys

from chat_templates import environment, limit, parse_failure, words_of, write_line

MEMORY_BYTES = 2 << 30
CPU_SECONDS = 60


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


def allow_seconds(seconds):
    """Of processor time from now on."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + 1 + seconds)


def answer_lines(env, lines):
    job = json.loads(next(lines))
    failure = None
    try:
        template = env.from_string(job["template"])
    except Exception as error:
        failure = {"template_error": parse_failure(error)}
    for line in lines:
        allow_seconds(CPU_SECONDS)
        conversation = json.loads(line)
        more = {key: conversation[key] for key in ("thinking",) if key in conversation}
        write_line(failure or render(template, {**job, **more}, conversation))
    return 0


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


def main():
    limit(resource.RLIMIT_AS, MEMORY_BYTES)
    limit(resource.RLIMIT_CPU, CPU_SECONDS)
    try:
        env = environment()
    except ImportError as error:
        print(error, file=sys.stderr)
        return 3
    if sys.argv[1] == "-":
        return answer_lines(env, iter(sys.stdin.readline, ""))
    with open(sys.argv[1], encoding="utf-8") as file:
        job = json.load(file)
    try:
        template = env.from_string(job["template"])
    except Exception as error:
        write_line({"template_error": parse_failure(error)})
        return 0
    for conversation in job["conversations"]:
        write_line(render(template, job, conversation))
    return 0


if __name__ == "__main__":
    sys.exit(main())
