#pragma once

// What the tables show: which columns, in which words, and the lines above and below them.

#include <string>
#include <vector>

#include "bitgauge/report.h"

#include "report/grid.h"
#include "report/sections.h"

namespace bitgauge {

// Longer cells are cut to `name_width` code points.
Grid grid_of(const Leaderboard& board, bool wide, size_t name_width);
Grid grid_of(const PublishedTable& table);

// One line about the whole table.
std::string title_of(const Leaderboard& board);
std::string title_of(const PublishedTable& table);

std::vector<Fact> facts_of(const Leaderboard& board);
std::vector<Fact> facts_of(const PublishedTable& table);

// What such facts are put together from, in words.
std::string protocol_text(const ProtocolIdentity& protocol);
std::string corpus_text(const CorpusIdentity& corpus);
std::string build_text(const BuildIdentity& build);

// How to read the table: one sentence or two each.
// `wide`: under a table with all columns.
std::vector<std::string> footnotes_of(const Leaderboard& board, bool wide);
std::vector<std::string> footnotes_of(const PublishedTable& table);

// Under a table with all figures but those of merit.
Notes plain_notes_of(const Leaderboard& board);

// "unsloth UD-Q4_K_XL".
std::string name_of(const PublishedRow& row);

}  // namespace bitgauge
