// What stands above and below the tables.

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/units.h"
#include "report/columns.h"
#include "report/escape.h"
#include "report/numbers.h"

namespace bitgauge {
namespace {

const MeasureRecord& any_record(const Leaderboard& board) {
    return board.rows.front().record;
}

std::string unit_of(const CorpusIdentity& corpus) {
    return corpus.cluster_unit.empty() ? "cluster" : printable(corpus.cluster_unit);
}

std::string original_text(const MeasureRecord& record) {
    const BaselineIdentity& baseline = record.baseline;
    return fmt::format("PPL {}; baseline {} of {}, stored as {} (self-KLD {} nats)",
                       format_number(record.ppl_original), printable(baseline.key).substr(0, 12),
                       printable(baseline.kind), printable(baseline.precision),
                       format_number(baseline.self_kld_nats));
}

std::string floor_text(const Leaderboard& board) {
    if (board.noise_floor_nats == 0) return "not measured for this baseline";
    return fmt::format(
        "{} nats: what the original differs from itself in batches of another shape (order of "
        "sums, routing of experts); smaller differences of mean KLD mean nothing",
        format_number(board.noise_floor_nats));
}

bool anywhere(const Leaderboard& board, auto&& holds) {
    return std::any_of(board.rows.begin(), board.rows.end(), holds);
}

std::string interval_note(const Leaderboard& board) {
    const std::string unit = unit_of(any_record(board).corpus);
    return fmt::format(
        "± is half of a 95 % interval over {}, not over tokens: those of one {} are "
        "not independent.",
        counted(board.shared_clusters, unit), unit);
}

std::string rank_note(const Leaderboard& board) {
    return fmt::format(
        "rank is 1 + the number of files that are better beyond doubt (paired over "
        "the same text, error {} % over all pairs, by no less than the floor); "
        "\"=\" marks a shared one.",
        format_number(100 * board.alpha));
}

std::string merit_note(const std::string& reference) {
    return fmt::format(
        "score is the published efficiency score √(size² + KLD²), both scaled to "
        "[0, 1] within this table: it changes with the files compared. × front is "
        "KLD over that of the front ({}) at this size: 1 is on it. * marks files "
        "that no other beats in both size and KLD.",
        printable(reference));
}

std::string answers_note(const Leaderboard& board) {
    return fmt::format(
        "right is the share of {} answered rightly, ± half of Wilson's 95 % interval over "
        "questions.",
        board.answers_of);
}

std::string drift_note(const Leaderboard& board) {
    return fmt::format(
        "same to {} is the share of {} that are the original's word for word to this token; first "
        "different is the median over them ({} where half never differ). The original itself, one "
        "at a time: {} %.",
        board.drift_token, board.drift_of, board.drift_tokens + 1, format_share(board.drift_floor));
}

// Of columns that are there only where something was recorded.
void add_usage_notes(std::vector<std::string>& notes, const Leaderboard& board) {
    if (!board.answers_of.empty()) notes.push_back(answers_note(board));
    if (!board.drift_of.empty()) notes.push_back(drift_note(board));
}

void add_warnings(std::vector<std::string>& notes, const Leaderboard& board) {
    for (const LeaderboardRow& row : board.rows) {
        if (row.record.nonfinite_positions == 0) continue;
        notes.push_back(fmt::format("! {}: {} not finite, left out of every mean.", row.name,
                                    counted(row.record.nonfinite_positions, "position")));
    }
    if (anywhere(board, [](const auto& row) { return !row.record.complete; })) {
        notes.push_back(
            "! Measuring was stopped when the ranking was decided; the intervals of "
            "files measured on less text are wider.");
    }
}

}  // namespace

std::string protocol_text(const ProtocolIdentity& protocol) {
    return fmt::format("{}: windows of {}, scored from position {} on{}; batches of {} and {}",
                       printable(protocol.name), counted(protocol.window_tokens, "token"),
                       format_count(protocol.warmup_tokens),
                       protocol.adds_bos ? ", each begun with BOS" : "",
                       counted(protocol.sequences_per_batch, "sequence"),
                       counted(protocol.tokens_per_ubatch, "token"));
}

std::string corpus_text(const CorpusIdentity& corpus) {
    std::string files;
    constexpr size_t kNamed = 3;
    for (size_t i = 0; i < std::min(kNamed, corpus.files.size()); ++i) {
        files += (i > 0 ? ", " : "") + printable(corpus.files[i].name);
    }
    if (corpus.files.size() > kNamed) {
        files += fmt::format(" and {} more", corpus.files.size() - kNamed);
    }
    return fmt::format("{}: {}, {}, {}", files, counted(corpus.documents, unit_of(corpus)),
                       counted(corpus.windows, "window"),
                       counted(corpus.scored_tokens, "scored position"));
}

std::string build_text(const BuildIdentity& build) {
    return fmt::format("bitgauge {}, llama.cpp {}, ggml {}, {}, {}", printable(build.bitgauge),
                       printable(build.llama), printable(build.ggml), printable(build.backend),
                       counted(build.threads, "thread"));
}

std::string title_of(const Leaderboard& board) {
    const ModelIdentity& original = any_record(board).baseline.original;
    return fmt::format("KL divergence of {} from {} ({}, {})", counted(board.rows.size(), "file"),
                       printable(original.file), printable(original.label),
                       format_bytes(original.size_bytes));
}

std::string title_of(const PublishedTable& table) {
    return fmt::format("Published: {}", table.title);
}

std::vector<Fact> facts_of(const Leaderboard& board) {
    const MeasureRecord& record = any_record(board);
    return {{"protocol", protocol_text(record.protocol)},
            {"corpus", corpus_text(record.corpus)},
            {"original", original_text(record)},
            {"floor", floor_text(board)},
            {"build", build_text(record.build)}};
}

std::vector<Fact> facts_of(const PublishedTable& table) {
    return {{"by", fmt::format("{}, {}", table.author, table.date)},
            {"source", table.source},
            {"protocol", table.protocol},
            {"original", table.original}};
}

std::vector<std::string> footnotes_of(const Leaderboard& board, bool wide) {
    std::vector<std::string> notes = {interval_note(board), rank_note(board),
                                      merit_note(board.reference_name)};
    if (wide) add_usage_notes(notes, board);
    add_warnings(notes, board);
    return notes;
}

Notes plain_notes_of(const Leaderboard& board) {
    Notes notes = {interval_note(board), rank_note(board)};
    add_usage_notes(notes, board);
    add_warnings(notes, board);
    return notes;
}

std::vector<std::string> footnotes_of(const PublishedTable& table) {
    std::vector<std::string> notes = {
        "The source prints no uncertainty; perplexities of different set-ups do not compare."};
    if (!table.notes.empty()) notes.push_back(table.notes);
    notes.push_back(merit_note("these rows"));
    return notes;
}

}  // namespace bitgauge
