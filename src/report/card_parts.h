#pragma once

// The parts of a model card; private to this room. Texts are Markdown, escaped.

#include <string>
#include <vector>

#include "bitgauge/card.h"
#include "bitgauge/report.h"

#include "report/grid.h"

namespace bitgauge {

// Files with what is recorded of them.
struct CardView {
    std::vector<CardFile> files;      // measured ones first, nearest first; then the largest first
    std::vector<Leaderboard> boards;  // each of one text; that of most files first, then the newest
    std::vector<TaskReport> tasks;
    std::vector<DriftRecord> drifted;
    CardOptions options;

    // Of the first leaderboard; nullptr where that has no record of the file.
    const LeaderboardRow* row_of(const CardFile& file) const;
    const CardFile& file_of(const LeaderboardRow& row) const;
    bool is_original(const CardFile& file) const;
    // Neither measured nor the original.
    std::vector<const CardFile*> not_measured() const;
};

// Errors as model_card()'s.
CardView card_view(const std::vector<CardFile>& files, const CardRecords& records,
                   const CardOptions& options);

// "files.gguf" without its own folder, '\n' or whatever else its name may hold.
std::string card_name(const CardFile& file);

std::string card_head(const CardView& view);
std::string card_files(const CardView& view);
std::string card_advice(const CardView& view);
std::string card_recipes(const CardView& view);
std::string card_measured(const CardView& view);
std::string card_running(const CardView& view);
std::string card_repeating(const CardView& view);

}  // namespace bitgauge
