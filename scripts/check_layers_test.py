#!/usr/bin/env python3
"""check_layers.py finds what it should in small trees made for each claim."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import check_layers


class Layers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)

    def write(self, path: str, text: str):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def violations(self) -> list:
        return [str(violation) for violation in check_layers.check_tree(self.root)]

    def assert_one(self, *parts: str):
        found = self.violations()
        self.assertEqual(len(found), 1, found)
        for part in parts:
            self.assertIn(part, found[0])

    def test_the_table_of_the_project_is_sound(self):
        self.assertEqual(list(check_layers.table_errors()), [])

    def test_a_room_may_use_base_itself_and_what_its_line_grants(self):
        self.write("src/engine/model.cpp",
                   '#include "engine/model.h"\n#include "base/files.h"\n#include "gguf/reader.h"\n'
                   '#include "bitgauge/gguf.h"\n#include <vector>\n#include <llama.h>\n')
        self.assertEqual(self.violations(), [])

    def test_rooms_of_the_same_row_do_not_see_each_other(self):
        self.write("src/stats/quantile.cpp", '#include <vector>\n\n#include "text/windows.h"\n')
        self.assert_one("src/stats/quantile.cpp:3:", "stats", "text")

    def test_a_lower_room_does_not_see_a_higher_one_through_its_public_header(self):
        self.write("src/gguf/reader.cpp", '#include "bitgauge/engine.h"\n')
        self.assert_one("src/gguf/reader.cpp:1:", "engine")

    def test_record_belongs_to_store(self):
        self.write("src/report/table.cpp", '#include "bitgauge/record.h"\n')
        self.assertEqual(self.violations(), [])
        self.write("src/text/windows.cpp", '#include "bitgauge/record.h"\n')
        self.assert_one("src/text/windows.cpp:1:", "store")

    def test_only_the_engine_sees_llama(self):
        self.write("src/eval/divergence.cpp", "#include <llama.h>\n")
        self.assert_one("src/eval/divergence.cpp:1:", "<llama.h>", "engine")

    def test_an_unknown_library_is_a_violation(self):
        self.write("src/base/files.cpp", "#include <folly/File.h>\n")
        self.assert_one("<folly/File.h>")

    def test_test_libraries_stay_in_tests(self):
        self.write("src/base/files_test.cpp", "#include <gtest/gtest.h>\n")
        self.assertEqual(self.violations(), [])
        self.write("src/base/files.cpp", "#include <gtest/gtest.h>\n")
        self.assert_one("src/base/files.cpp:1:")

    def test_a_public_header_shows_the_standard_library_only(self):
        self.write("include/bitgauge/text.h", '#include <span>\n#include <fmt/format.h>\n')
        self.assert_one("include/bitgauge/text.h:2:", "<fmt/format.h>")

    def test_a_public_header_needs_a_room(self):
        self.write("include/bitgauge/misc.h", "#include <span>\n")
        self.assert_one("include/bitgauge/misc.h", "no room")

    def test_an_include_that_is_not_written_from_the_top_is_a_violation(self):
        self.write("src/base/files.cpp", '#include "files.h"\n')
        self.assert_one("belongs to no room")

    def test_a_folder_that_is_no_room_is_a_violation(self):
        self.write("src/utils/all.h", "#include <span>\n")
        self.assert_one("'utils' is no room")

    def test_the_build_file_obeys_the_same_table(self):
        self.write("src/store/CMakeLists.txt",
                   "bitgauge_domain(store\n    SOURCES a.cpp\n    USES gguf\n    LIBS x)\n")
        self.assert_one("src/store/CMakeLists.txt:3:", "store may not use gguf")

    def test_a_file_of_500_lines_is_too_long(self):
        self.write("src/base/a.cpp", "int x;\n" * 499)
        self.assertEqual(self.violations(), [])
        self.write("src/base/a.cpp", "int x;\n" * 500)
        self.assert_one("src/base/a.cpp:500:", "500 lines")


if __name__ == "__main__":
    unittest.main()
