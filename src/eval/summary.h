#pragma once

// Per-position figures into the figures of a record.

#include "bitgauge/record.h"
#include "bitgauge/text.h"

#include "eval/divergence_pass.h"

namespace bitgauge {

// Where each evaluated position stands; same order as the values.
struct PositionPlaces {
    std::vector<uint32_t> cluster;
    std::vector<uint32_t> stratum;
    std::vector<uint32_t> position;  // within its window
};

// Of the scored positions of windows [range.first, range.last), appended.
void append_places(const Windows& windows, size_t first_window, size_t last_window,
                   PositionPlaces& places);

// Fills every measured figure of `record` (which holds the identities already) from finite
// positions.
void summarize(const PositionValues& values, const PositionPlaces& places, const Windows& windows,
               MeasureRecord& record);

// Sums over the finite positions of each cluster of all windows.
ClusterSeries cluster_series(const PositionValues& values, const PositionPlaces& places,
                             const Windows& windows);

}  // namespace bitgauge
