// The page of a sweep.

#include <fmt/format.h>

#include "bitgauge/report.h"

#include "report/html_parts.h"
#include "report/sweep_columns.h"

namespace bitgauge {
namespace {

constexpr size_t kDearest = 20, kNameWidth = 80;

constexpr const char* kLead =
    "One tensor at a time was quantized and turned back, and the model asked what it says now. "
    "From that: what each kind of tensor costs in each type, where in depth it matters, and which "
    "bytes buy most.";

constexpr const char* kMixesNote =
    "Predicted from single tensors, measured as whole mixes. The first ratio is no test, as the "
    "calibration was fitted to these mixes; the second one was fitted to the others alone. The "
    "plain sum of what the tensors do alone shows how additive the model is.";

std::string titled(const char* title, const std::string& html) {
    return fmt::format("<h3>{}</h3>\n", title) + html;
}

std::string mixes_html(const SweepReport& report) {
    if (report.mixes.empty()) return {};
    return titled("Whole mixes: predicted and measured",
                  scrolling(html_of(mixes_grid(report))) + notes_html({kMixesNote}));
}

std::string body_html(const SweepReport& report) {
    return "<section id=\"sweep\">\n" + facts_html(facts_of(report)) +
           notes_html(footnotes_of(report)) + plots_html(plots_of(report), "sweep") +
           titled("Roles", scrolling(html_of(roles_grid(report, false)))) +
           details_html("All roles and types, with intervals and savings", types_grid(report)) +
           titled("The dearest tensors: divergence per GiB saved at about 4 bits",
                  scrolling(html_of(dearest_grid(report, kDearest, kNameWidth)))) +
           details_html("All tensors", dearest_grid(report, report.tensors.size(), kNameWidth)) +
           mixes_html(report) + "</section>\n";
}

}  // namespace

std::string html_page(const SweepReport& report) {
    return filled_page(title_of(report), kLead, body_html(report));
}

}  // namespace bitgauge
