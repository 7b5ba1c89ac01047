#include "report/html_parts.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "base/json.h"
#include "report/assets.h"
#include "report/escape.h"

namespace bitgauge {
namespace {

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

std::string figure_html(const Plot& plot, const std::string& id) {
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
                       plot.wide ? " class=\"wide\"" : "", html_escaped(plot.title),
                       html_escaped(plot.caption), drawing);
}

}  // namespace

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

std::string plots_html(const std::vector<Plot>& plots, const std::string& section) {
    std::string html = "<div class=\"plots\">\n";
    for (size_t i = 0; i < plots.size(); ++i) {
        html += figure_html(plots[i], fmt::format("{}-plot-{}", section, i + 1));
    }
    return html + "</div>\n";
}

std::string scrolling(const std::string& table) {
    return "<div class=\"scroll\">\n" + table + "</div>\n";
}

std::string details_html(const char* summary, const Grid& grid) {
    return fmt::format("<details><summary>{}</summary>\n{}</details>\n", summary,
                       scrolling(html_of(grid)));
}

std::string filled_page(const std::string& title, const std::string& lead,
                        const std::string& body) {
    return filled(asset("page/page.html"), {{"{{title}}", html_escaped(title)},
                                            {"{{lead}}", html_escaped(lead)},
                                            {"{{css}}", asset("page/page.css")},
                                            {"{{body}}", body},
                                            {"{{vega}}", asset("vega.js")},
                                            {"{{js}}", asset("page/page.js")}});
}

}  // namespace bitgauge
