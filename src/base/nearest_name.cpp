#include "base/nearest_name.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace bitgauge {

size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<size_t> before_last;
    std::vector<size_t> last(b.size() + 1);
    std::iota(last.begin(), last.end(), size_t{0});
    for (size_t i = 1; i <= a.size(); ++i) {
        std::vector<size_t> row(b.size() + 1, i);
        for (size_t j = 1; j <= b.size(); ++j) {
            const size_t substituted = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, substituted});
            const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
        }
        before_last = std::exchange(last, std::move(row));
    }
    return last.back();
}

std::string suggest(std::string_view typed, std::span<const std::string> names) {
    const size_t limit = std::max<size_t>(2, typed.size() / 3);
    const auto nearer = [typed](const std::string& a, const std::string& b) {
        return edit_distance(typed, a) < edit_distance(typed, b);
    };
    const auto best = std::min_element(names.begin(), names.end(), nearer);
    if (best == names.end() || edit_distance(typed, *best) > limit) return "";
    return *best;
}

}  // namespace bitgauge
