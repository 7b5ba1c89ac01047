#pragma once

// Plots as data: Vega-Lite specifications (src/report/page/*.vl.json) with the tables they draw.

#include <string>
#include <vector>

#include "bitgauge/report.h"

#include "base/json.h"

namespace bitgauge {

struct Plot {
    std::string title;
    std::string caption;  // how to read it
    Json spec;            // Vega-Lite, complete with its data
    bool wide = false;    // takes the width of the page
};

// Those that the records have data for: KLD against size, by stratum (where there are several), by
// position, and as a distribution.
std::vector<Plot> plots_of(const Leaderboard& board);

// KLD against size, where the table has both; else none.
std::vector<Plot> plots_of(const PublishedTable& table);

// Role x type as divergence and as divergence per GiB saved; sensitivity over depth.
std::vector<Plot> plots_of(const SweepReport& report);

// A plot from src/report/page/SPEC; layers whose data set is empty are left out.
Plot plot_with(const char* spec, const char* title, const char* caption, Json datasets);

}  // namespace bitgauge
