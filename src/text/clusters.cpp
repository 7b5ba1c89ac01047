#include "text/clusters.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace bitgauge {
namespace {

constexpr size_t kEnoughClusters = 10;

// Sizes of the runs of windows that share a document.
std::vector<size_t> document_runs(const std::vector<Window>& windows) {
    std::vector<size_t> runs;
    for (size_t i = 0; i < windows.size(); ++i) {
        const bool same = i > 0 && windows[i].cluster == windows[i - 1].cluster;
        if (!same) runs.push_back(0);
        ++runs.back();
    }
    return runs;
}

size_t block_windows(size_t windows) {
    const auto best = static_cast<size_t>(std::lround(std::cbrt(static_cast<double>(windows))));
    return std::max<size_t>(1, std::min(best, windows / kEnoughClusters));
}

// Cuts every run into pieces of at most `most` windows that differ by one at most.
std::vector<size_t> balanced_pieces(const std::vector<size_t>& runs, size_t most) {
    std::vector<size_t> pieces;
    for (const size_t run : runs) {
        const size_t count = (run + most - 1) / most;
        for (size_t i = 0; i < count; ++i) {
            pieces.push_back((i + 1) * run / count - i * run / count);
        }
    }
    return pieces;
}

void assign(Windows& windows, const std::vector<size_t>& runs) {
    size_t next = 0;
    for (uint32_t cluster = 0; cluster < runs.size(); ++cluster) {
        for (size_t i = 0; i < runs[cluster]; ++i) windows.windows[next++].cluster = cluster;
    }
    windows.n_clusters = static_cast<uint32_t>(runs.size());
}

}  // namespace

void number_clusters(Windows& windows) {
    const size_t n = windows.windows.size();
    const std::vector<size_t> documents = document_runs(windows.windows);
    if (documents.size() >= kEnoughClusters) {
        assign(windows, documents);
        windows.cluster_unit = "document";
        return;
    }
    const std::vector<size_t> blocks = balanced_pieces(documents, block_windows(n));
    assign(windows, blocks);
    const size_t typical = blocks.empty() ? 1 : (n + blocks.size() / 2) / blocks.size();
    windows.cluster_unit = fmt::format("block of {} window{}", typical, typical == 1 ? "" : "s");
}

}  // namespace bitgauge
