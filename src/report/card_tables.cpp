// The tables of a model card: files, types by role, texts.

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "base/units.h"
#include "report/card_parts.h"
#include "report/columns.h"
#include "report/escape.h"
#include "report/numbers.h"
#include "report/sections.h"
#include "report/task_columns.h"

namespace bitgauge {
namespace {

constexpr size_t kWholeName = 200;

// --- files --------------------------------------------------------------------------------------

// Columns of a leaderboard that a card shows, by title and unit; all that follow "right" and
// "same to" are there only where they were recorded.
bool is_on_card(const GridColumn& column) {
    constexpr std::array<std::pair<const char*, const char*>, 7> kShown = {
        {{"rank", ""},
         {"KLD mean", "nats"},
         {"99.9 %", "nats"},
         {"PPL", "/ original"},
         {"same top", "%"},
         {"right", "%"},
         {"first different", "token"}}};
    if (column.title.starts_with("same to ")) return true;
    return std::ranges::any_of(kShown, [&](const auto& shown) {
        return column.title == shown.first && column.unit == shown.second;
    });
}

Grid measured_grid(const CardView& view) {
    Grid grid;
    if (view.boards.empty()) return grid;
    const Grid all = grid_of(view.boards.front(), true, kWholeName);
    grid.rows.resize(all.rows.size());
    for (size_t c = 0; c < all.columns.size(); ++c) {
        if (!is_on_card(all.columns[c])) continue;
        grid.columns.push_back(all.columns[c]);
        for (size_t r = 0; r < all.rows.size(); ++r) grid.rows[r].push_back(all.rows[r][c]);
    }
    return grid;
}

std::string promise_text(const CardFile& file) {
    if (file.promised_nats.empty()) return "";
    const std::string number = format_number(std::strtod(file.promised_nats.c_str(), nullptr));
    return file.guessed ? number + " (a guess)" : number;
}

std::vector<std::string> file_cells(const CardFile& file) {
    const auto bytes = static_cast<double>(file.model.size_bytes);
    return {card_name(file), format_size(bytes / kGiB), format_size(bytes / kGB),
            format_fixed(file.model.bits_per_weight, 2)};
}

// Of a file without a record only one cell says so.
std::vector<std::string> figures_of(const CardView& view, const CardFile& file,
                                    const Grid& measured) {
    if (const LeaderboardRow* row = view.row_of(file)) {
        return measured.rows[static_cast<size_t>(row - view.boards.front().rows.data())];
    }
    std::vector<std::string> cells(std::max<size_t>(measured.columns.size(), 1));
    const size_t at = cells.size() > 1 ? 1 : 0;  // below KLD, beside the rank
    cells[at] = view.is_original(file) ? "the original" : "not measured";
    return cells;
}

bool any_promise(const CardView& view) {
    return std::ranges::any_of(view.files, [](const auto& f) { return !f.promised_nats.empty(); });
}

Grid files_grid(const CardView& view) {
    const Grid measured = measured_grid(view);
    Grid grid;
    grid.columns = {{"file", "", true, ""},
                    {"size", "GiB", false, "2^30 bytes, all shards"},
                    {"size", "GB", false, "10^9 bytes, all shards"},
                    {"bits", "/weight", false, "8 x bytes of tensor data over parameters"}};
    if (measured.columns.empty()) grid.columns.push_back({"KLD mean", "nats"});
    grid.columns.insert(grid.columns.end(), measured.columns.begin(), measured.columns.end());
    const bool promises = any_promise(view);
    if (promises) {
        grid.columns.push_back({"promised KLD", "nats", false,
                                "mean divergence that the plan of the file predicted before it was "
                                "made"});
    }
    for (const CardFile& file : view.files) {
        auto& cells = grid.rows.emplace_back(file_cells(file));
        for (std::string& cell : figures_of(view, file, measured)) cells.push_back(std::move(cell));
        if (promises) cells.push_back(promise_text(file));
    }
    return grid;
}

std::string help_text(const Grid& grid) {
    std::string text;
    for (const GridColumn& column : grid.columns) {
        if (column.help.empty()) continue;
        const std::string unit = column.unit.empty() ? "" : " (" + column.unit + ")";
        text += fmt::format("- {}: {}\n", markdown_escaped(column.title + unit),
                            markdown_escaped(column.help));
    }
    return text;
}

std::string counted_text(const CardView& view) {
    const size_t measured = view.boards.empty() ? 0 : view.boards.front().rows.size();
    const size_t missing = view.not_measured().size();
    std::string text = fmt::format("{} measured against the original", counted(measured, "file"));
    if (missing > 0) text += fmt::format(", {} not measured", missing);
    return text + ".\n";
}

// --- types by role ------------------------------------------------------------------------------

constexpr std::array kGroups = {"embedding",      "output",       "attention", "experts",
                                "shared experts", "feed-forward", "recurrent", "others"};

std::string group_of(const std::string& role) {
    const auto has = [&](const char* part) { return role.find(part) != std::string::npos; };
    if (has("token_embd") || has("position_embd") || has("token_types")) return "embedding";
    if (role == "output") return "output";
    if (has("ffn_gate_inp") || has("nextn")) return "others";  // routers; further predictions
    if (has("_shexp")) return "shared experts";
    if (has("_exps")) return "experts";
    if (has("attn_")) return "attention";
    if (has("ffn_")) return "feed-forward";
    if (has("ssm_") || has("time_mix") || has("shortconv")) return "recurrent";
    return "others";
}

// "q4_K ×30, q6_K ×2", the most frequent first; "q4_K" alone.
std::string types_text(const std::map<std::string, uint64_t>& types) {
    std::vector<std::pair<std::string, uint64_t>> sorted(types.begin(), types.end());
    std::ranges::stable_sort(sorted, std::ranges::greater(),
                             [](const auto& t) { return t.second; });
    if (sorted.size() == 1) return printable(sorted.front().first);
    std::string text;
    for (const auto& [type, tensors] : sorted) {
        text += fmt::format("{}{} ×{}", text.empty() ? "" : ", ", printable(type), tensors);
    }
    return text;
}

using Groups = std::map<std::string, std::map<std::string, uint64_t>>;

Groups groups_of(const CardFile& file) {
    Groups groups;
    for (const CardTensors& tensors : file.tensors) {
        groups[group_of(tensors.role)][tensors.type] += tensors.tensors;
    }
    return groups;
}

Grid recipes_grid(const CardView& view) {
    Grid grid;
    grid.columns = {{"file", "", true}, {"preset", "", true}};
    std::vector<Groups> of_files;
    for (const CardFile& file : view.files) of_files.push_back(groups_of(file));
    std::vector<std::string> shown;
    for (const char* group : kGroups) {
        const auto has = [&](const Groups& groups) { return groups.contains(group); };
        if (std::ranges::any_of(of_files, has)) shown.emplace_back(group);
    }
    for (const std::string& group : shown) grid.columns.push_back({group, "", true});
    for (size_t f = 0; f < of_files.size(); ++f) {
        auto& cells = grid.rows.emplace_back();
        cells = {card_name(view.files[f]), view.files[f].preset};
        for (const std::string& group : shown) cells.push_back(types_text(of_files[f][group]));
    }
    return grid;
}

// --- texts --------------------------------------------------------------------------------------

Grid corpus_grid(const CorpusIdentity& corpus) {
    Grid grid;
    grid.columns = {{"text", "", true}, {"stratum", "", true}, {"documents"}, {"hash", "", true}};
    for (const CorpusIdentity::File& file : corpus.files) {
        grid.rows.push_back({printable(file.name), printable(file.stratum),
                             format_count(file.documents), printable(file.content_hash)});
    }
    return grid;
}

std::string board_text(const Leaderboard& board) {
    return markdown_head(title_of(board), facts_of(board)) + "\n" +
           markdown_of(corpus_grid(board.rows.front().record.corpus));
}

}  // namespace

std::string card_files(const CardView& view) {
    const Grid grid = files_grid(view);
    std::string text = "## Files\n\n" + markdown_of(grid) + "\n" + counted_text(view);
    if (view.boards.empty()) return text;
    text += "\nHow to read it:\n\n" + help_text(grid) + "\n";
    return text + markdown_notes(plain_notes_of(view.boards.front()));
}

std::string card_recipes(const CardView& view) {
    return "## Types by role\n\nWhich tensors have which type, by the files' headers (matrices "
           "alone):\n\n" +
           markdown_of(recipes_grid(view));
}

// The first text's figures stand in the table of files; those of further ones here.
std::string card_measured(const CardView& view) {
    if (view.boards.empty() && view.tasks.empty()) return "";
    std::string text = "## How it was measured\n";
    for (const Leaderboard& board : view.boards) {
        text += "\n" + board_text(board);
        if (&board == view.boards.data()) continue;
        text += "\n" + markdown_of(grid_of(board, false, kWholeName)) + "\n" +
                markdown_notes(footnotes_of(board, false));
    }
    for (const TaskReport& tasks : view.tasks) text += "\n" + markdown_table(tasks, {});
    return text;
}

}  // namespace bitgauge
