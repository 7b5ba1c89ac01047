#pragma once

// The parts that pages are put together from: HTML, with all text escaped here.

#include <string>
#include <vector>

#include "report/columns.h"
#include "report/grid.h"
#include "report/plots.h"

namespace bitgauge {

std::string facts_html(const std::vector<Fact>& facts);         // https://... becomes a link
std::string notes_html(const std::vector<std::string>& notes);  // "! ...": a warning

// Figures whose elements are called "SECTION-plot-N"; without the plot library they say so.
std::string plots_html(const std::vector<Plot>& plots, const std::string& section);

// A table that scrolls by itself, and one that is folded away under `summary`.
std::string scrolling(const std::string& table);
std::string details_html(const char* summary, const Grid& grid);

// page/page.html with its parts; `body` is HTML.
std::string filled_page(const std::string& title, const std::string& lead, const std::string& body);

}  // namespace bitgauge
