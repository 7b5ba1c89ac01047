// The page: one template (page/page.html) filled with sections.

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "bitgauge/report.h"

#include "base/units.h"
#include "report/assets.h"
#include "report/columns.h"
#include "report/escape.h"
#include "report/plots.h"

namespace bitgauge {
namespace {

constexpr size_t kNameWidth = 32;  // longer names are cut

struct Field {
    std::string_view marker;  // "{{css}}"
    std::string_view text;
};

// Replaces each marker; what is put in is not looked at again.
std::string filled(std::string_view text, std::initializer_list<Field> fields) {
    std::string result;
    while (!text.empty()) {
        const size_t begin = std::min(text.find("{{"), text.size());
        result += text.substr(0, begin);
        text.remove_prefix(begin);
        const auto field = std::find_if(fields.begin(), fields.end(),
                                        [&](const Field& f) { return text.starts_with(f.marker); });
        if (field != fields.end()) result += field->text;
        text.remove_prefix(field != fields.end() ? field->marker.size() : text.size());
    }
    return result;
}

bool has_plot_library() {
    return !asset("vega.js").empty();
}

std::string facts_html(const std::vector<Fact>& facts) {
    std::string html = "<dl class=\"facts\">\n";
    for (const Fact& fact : facts) {
        const bool link = fact.text.starts_with("https://");
        const std::string text = html_escaped(fact.text);
        html += fmt::format("<dt>{}</dt><dd>{}</dd>\n", html_escaped(fact.name),
                            link ? fmt::format("<a href=\"{0}\">{0}</a>", text) : text);
    }
    return html + "</dl>\n";
}

std::string notes_html(const std::vector<std::string>& notes) {
    std::string html = "<ul class=\"notes\">\n";
    for (const std::string& note : notes) {
        html += fmt::format("<li{}>{}</li>\n", note.starts_with('!') ? " class=\"warning\"" : "",
                            html_escaped(note));
    }
    return html + "</ul>\n";
}

std::string figure_html(const Plot& plot, const std::string& id, bool wide) {
    const std::string data = plot.spec.dump(-1, ' ', false, Json::error_handler_t::replace);
    const std::string drawing =
        has_plot_library()
            ? fmt::format(
                  "<div class=\"plot\" id=\"{0}\"></div>\n<script "
                  "type=\"application/json\" data-target=\"{0}\">{1}</script>\n",
                  id, script_escaped(data))
            : "<p class=\"absent\">This plot needs the plot library, which this build of bitgauge "
              "does not have; the tables hold the same numbers.</p>\n";
    return fmt::format("<figure{}>\n<figcaption><h3>{}</h3><p>{}</p></figcaption>\n{}</figure>\n",
                       wide ? " class=\"wide\"" : "", html_escaped(plot.title),
                       html_escaped(plot.caption), drawing);
}

std::string plots_html(const std::vector<Plot>& plots, const std::string& section) {
    std::string html = "<div class=\"plots\">\n";
    for (size_t i = 0; i < plots.size(); ++i) {
        const bool wide = i < 2;  // size and strata need the room
        html += figure_html(plots[i], fmt::format("{}-plot-{}", section, i + 1), wide);
    }
    return html + "</div>\n";
}

std::string scrolling(const std::string& table) {
    return "<div class=\"scroll\">\n" + table + "</div>\n";
}

// Where the numbers come from, file by file.
Grid provenance_grid(const Leaderboard& board) {
    Grid grid;
    for (const char* title :
         {"name", "file", "content hash", "record", "measured (UTC)", "build", "processor"}) {
        grid.columns.push_back({title, "", true, ""});
    }
    grid.columns.push_back({"time", "s", false, ""});
    for (const LeaderboardRow& row : board.rows) {
        const MeasureRecord& record = row.record;
        grid.rows.push_back(
            {row.name, record.model.file, record.model.content_hash, record.key, record.created_utc,
             fmt::format("bitgauge {}, llama.cpp {}, ggml {}, {}", record.build.bitgauge,
                         record.build.llama, record.build.ggml, record.build.backend),
             record.build.cpu, fmt::format("{:.1f}", record.elapsed_s)});
    }
    return grid;
}

std::string details_html(const char* summary, const Grid& grid) {
    return fmt::format("<details><summary>{}</summary>\n{}</details>\n", summary,
                       scrolling(html_of(grid)));
}

std::string section_html(const Leaderboard& board, const std::string& id) {
    return fmt::format("<section id=\"{}\">\n<h2>{}</h2>\n", id, html_escaped(title_of(board))) +
           facts_html(facts_of(board)) + scrolling(html_of(grid_of(board, false, kNameWidth))) +
           notes_html(footnotes_of(board)) +
           details_html("All columns", grid_of(board, true, kNameWidth)) +
           details_html("Records: files, hashes, builds", provenance_grid(board)) +
           plots_html(plots_of(board), id) + "</section>\n";
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
    if (!report.published.empty()) return "Published: " + report.published.front().model;
    return "No measurements";
}

std::string lead_text(const Report& report) {
    if (report.leaderboards.empty()) return "What others have printed, with sources.";
    return "Quantized files, ranked by how far their next-token predictions lie from the "
           "original's. Every number has an interval; files that no comparison tells apart share a "
           "rank.";
}

}  // namespace

std::string html_page(const Report& report) {
    return filled(asset("page/page.html"), {{"{{title}}", html_escaped(page_title(report))},
                                            {"{{lead}}", html_escaped(lead_text(report))},
                                            {"{{css}}", asset("page/page.css")},
                                            {"{{body}}", body_html(report)},
                                            {"{{vega}}", asset("vega.js")},
                                            {"{{js}}", asset("page/page.js")}});
}

}  // namespace bitgauge
