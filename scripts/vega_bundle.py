#!/usr/bin/env python3
"""Writes the plot library that the HTML page carries: Vega, Vega-Lite and Vega-Embed as one script.

    scripts/vega_bundle.py OUTPUT

The script sets window.vegaEmbed and needs no network. It comes out of the Python package
vl-convert-python, which holds the libraries; without that package the exit status is 1.
"""

import sys
from pathlib import Path


def main() -> int:
    try:
        import vl_convert
    except ImportError:
        print("vega_bundle.py: the Python package vl-convert-python is absent", file=sys.stderr)
        return 1
    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    # The bundle stands inside <script>, where these would end it or hide what follows.
    for mark in ("</script", "<!--"):
        if mark in bundle.lower():
            print(f"vega_bundle.py: the bundle holds {mark!r}", file=sys.stderr)
            return 1
    Path(sys.argv[1]).write_text(bundle, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
