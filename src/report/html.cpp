// The page of records: a section per leaderboard and per published table.

#include <fmt/format.h>

#include "bitgauge/report.h"

#include "report/columns.h"
#include "report/escape.h"
#include "report/html_parts.h"
#include "report/plots.h"
#include "report/task_columns.h"

namespace bitgauge {
namespace {

constexpr size_t kNameWidth = 32;  // longer names are cut

// Where the numbers come from, file by file.
template <class Table>
Grid provenance_grid(const Table& table) {
    Grid grid;
    for (const char* title :
         {"name", "file", "content hash", "record", "measured (UTC)", "build", "processor"}) {
        grid.columns.push_back({title, "", true, ""});
    }
    grid.columns.push_back({"time", "s", false, ""});
    for (const auto& row : table.rows) {
        const auto& record = row.record;
        grid.rows.push_back(
            {row.name, record.model.file, record.model.content_hash, record.key, record.created_utc,
             fmt::format("bitgauge {}, llama.cpp {}, ggml {}, {}", record.build.bitgauge,
                         record.build.llama, record.build.ggml, record.build.backend),
             record.build.cpu, fmt::format("{:.1f}", record.elapsed_s)});
    }
    return grid;
}

std::string section_html(const Leaderboard& board, const std::string& id) {
    return fmt::format("<section id=\"{}\">\n<h2>{}</h2>\n", id, html_escaped(title_of(board))) +
           facts_html(facts_of(board)) + scrolling(html_of(grid_of(board, false, kNameWidth))) +
           notes_html(footnotes_of(board, true)) +
           details_html("All columns", grid_of(board, true, kNameWidth)) +
           details_html("Records: files, hashes, builds", provenance_grid(board)) +
           plots_html(plots_of(board), id) + "</section>\n";
}

std::string section_html(const TaskReport& tasks, const std::string& id) {
    return fmt::format("<section id=\"{}\">\n<h2>{}</h2>\n", id, html_escaped(title_of(tasks))) +
           facts_html(facts_of(tasks)) + scrolling(html_of(grid_of(tasks, false))) +
           notes_html(footnotes_of(tasks)) + details_html("All columns", grid_of(tasks, true)) +
           details_html("Records: files, hashes, builds", provenance_grid(tasks)) + "</section>\n";
}

std::string section_html(const PublishedTable& table, const std::string& id) {
    return fmt::format("<section id=\"{}\">\n<h2>{}</h2>\n", id, html_escaped(title_of(table))) +
           facts_html(facts_of(table)) + scrolling(html_of(grid_of(table))) +
           notes_html(footnotes_of(table)) + plots_html(plots_of(table), id) + "</section>\n";
}

std::string body_html(const Report& report) {
    std::string html;
    size_t sections = 0;
    for (const Leaderboard& board : report.leaderboards) {
        html += section_html(board, fmt::format("section-{}", ++sections));
    }
    for (const TaskReport& tasks : report.tasks) {
        html += section_html(tasks, fmt::format("section-{}", ++sections));
    }
    for (const PublishedTable& table : report.published) {
        html += section_html(table, fmt::format("section-{}", ++sections));
    }
    return html;
}

std::string page_title(const Report& report) {
    if (!report.leaderboards.empty()) {
        return "How faithful is each file to " +
               report.leaderboards.front().rows.front().record.baseline.original.file + "?";
    }
    if (!report.tasks.empty()) return "How often does each file answer right?";
    if (!report.published.empty()) return "Published: " + report.published.front().model;
    return "No measurements";
}

std::string lead_text(const Report& report) {
    if (report.leaderboards.empty() && !report.tasks.empty()) {
        return "Files that were asked the same questions, each compared with the original on the "
               "same ones. Every share has an interval; a difference that is not decided is called "
               "that.";
    }
    if (report.leaderboards.empty()) return "What others have printed, with sources.";
    return "Quantized files, ranked by how far their next-token predictions lie from the "
           "original's. Every number has an interval; files that no comparison tells apart share a "
           "rank.";
}

}  // namespace

std::string html_page(const Report& report) {
    return filled_page(page_title(report), lead_text(report), body_html(report));
}

}  // namespace bitgauge
