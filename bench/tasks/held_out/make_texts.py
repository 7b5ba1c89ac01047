#!/usr/bin/env python3
"""Texts for bench/fidelity.py that share nothing: of one domain for importance, sweep and held out.

    make_texts.py --wiki wiki.test.raw --stories tiny.utf8 --characters-of babyllama105.gguf --out FOLDER

  wiki-sweep.txt, wiki-held-out.txt   halves
  stories-importance.jsonl, stories-sweep.jsonl, stories-held-out.jsonl
                                      every third story, its white space made single blanks
  wiki-in-characters.jsonl            the held-out half's articles in the characters that the model
                                      has tokens for: one of 105 characters knows no line feed
"""

import argparse
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/cli"))

from gguf_edit import Gguf  # noqa: E402

ARTICLE = r"\n \n = (?=[^=])"
SHORTEST_STORY = 300  # characters
SHORTEST_ARTICLE = 1000


def halves(text: str) -> tuple:
    """Cut before the first article of the second half: no article is in both."""
    middle = re.compile(ARTICLE).search(text, len(text) // 2).start()
    return text[:middle], text[middle:]


def stories(text: str) -> list:
    """Each once, in the order of the text."""
    cleaned = (" ".join(story.split()) for story in text.split("<|endoftext|>"))
    return list(dict.fromkeys(story for story in cleaned if len(story) > SHORTEST_STORY))


def articles(text: str, characters: set) -> list:
    parts = re.split(ARTICLE, text)
    kept = ("".join(c for c in " ".join(part.split()) if c in characters) for part in parts)
    return [article for article in kept if len(article) > SHORTEST_ARTICLE]


def characters_of(model: Path) -> set:
    return {token for token in Gguf(model).array("tokenizer.ggml.tokens") if len(token) == 1} | {" "}


def write_lines(path: Path, texts):
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--wiki", type=Path, required=True)
    parser.add_argument("--stories", type=Path, required=True)
    parser.add_argument("--characters-of", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    sweep, held_out = halves(options.wiki.read_text(encoding="utf-8"))
    (options.out / "wiki-sweep.txt").write_text(sweep, encoding="utf-8")
    (options.out / "wiki-held-out.txt").write_text(held_out, encoding="utf-8")
    every = stories(options.stories.read_text(encoding="utf-8"))
    for i, name in enumerate(("importance", "sweep", "held-out")):
        write_lines(options.out / f"stories-{name}.jsonl", every[i::3])
    write_lines(options.out / "wiki-in-characters.jsonl",
                articles(held_out, characters_of(options.characters_of)))


if __name__ == "__main__":
    main()
