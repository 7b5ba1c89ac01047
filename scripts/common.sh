# What the scripts share: where things are, and how they speak. Sourced, never run.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# cmake/Dependencies.cmake looks for libllama in the same place.
cache="${XDG_CACHE_HOME:-$HOME/.cache}/bitgauge"
venv="$cache/venv"
# The source package that brings libllama and ggml: llama.cpp 0.5.0, ggml 0.25.3.
llama_package="llama-cpp-python"
llama_version="0.3.36"

# Exit statuses are the program's own: 2 usage, 3 environment.
readonly status_usage=2 status_environment=3

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

# fail STATUS MESSAGE [HINT]
fail() {
    say "error: $2"
    if [[ -n ${3:-} ]]; then printf '  hint: %s\n' "$3" >&2; fi
    exit "$1"
}

# The folder of the private environment that holds include/, lib/ and lib/cmake/; empty if none.
site_packages() {
    local folder
    for folder in "$venv"/lib/python3*/site-packages; do
        if [[ -d $folder ]]; then printf '%s' "$folder"; fi
        return
    done
}

# with_progress LOG WHAT COMMAND...: runs the command with its output in LOG and says every so often
# how far a Ninja build in there is; returns the command's status.
with_progress() {
    local log=$1 what=$2 pid step begin=$SECONDS said=0
    shift 2
    # A process group of its own, so that an interrupt ends the compilers too.
    setsid "$@" >"$log" 2>&1 </dev/null &
    pid=$!
    trap 'kill -- "-$pid" 2>/dev/null; exit 130' INT TERM
    while kill -0 "$pid" 2>/dev/null; do
        sleep 1
        if [[ -t 2 ]]; then
            step=$(last_step "$log")
            printf '\r\033[K%s: %s %s(%d s)' "${0##*/}" "$what" "${step:+$step }" $((SECONDS - begin)) >&2
        elif ((SECONDS - begin - said >= 30)); then
            said=$((SECONDS - begin))
            step=$(last_step "$log")
            say "$what ${step:+$step }($said s)"
        fi
    done
    if [[ -t 2 ]]; then printf '\r\033[K' >&2; fi
    trap - INT TERM
    wait "$pid"
}

# "[120/350]", the last step that Ninja reported in a log.
last_step() { grep -aoE '\[ *[0-9]+/[0-9]+\]' "$1" 2>/dev/null | tail -n 1 || true; }
