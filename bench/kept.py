"""What a long benchmark measured, in a file, so that the same call goes on where one was stopped."""

import json
import sys
from pathlib import Path


class Kept:
    """What was measured, written after each measurement."""

    def __init__(self, path: Path, setting: dict):
        self.path = path
        self.data = json.loads(path.read_text()) if path.exists() else {"setting": setting}
        if self.data["setting"] != setting:
            sys.exit(f"{path} has results of another setting; give another --work")

    def once(self, section: str, name: str, measure) -> dict:
        rows = self.data.setdefault(section, {})
        if name not in rows:
            rows[name] = measure()
            unfinished = self.path.with_suffix(".new")
            unfinished.write_text(json.dumps(self.data, indent=1) + "\n", encoding="utf-8")
            unfinished.replace(self.path)
        return rows[name]
