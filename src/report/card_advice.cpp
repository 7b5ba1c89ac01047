// Which file for which need, as far as the records decide it.

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/units.h"
#include "report/card_parts.h"
#include "report/escape.h"
#include "report/numbers.h"
#include "report/sections.h"
#include "report/task_columns.h"

namespace bitgauge {
namespace {

using Rows = std::vector<const LeaderboardRow*>;

double gib_of(const LeaderboardRow& row) {
    return static_cast<double>(row.record.model.size_bytes) / kGiB;
}

std::string kld_of(const LeaderboardRow& row) {
    return format_estimate(row.record.kld_nats.mean);
}

// "a", "a and b", "a, b and c".
std::string listed(const std::vector<std::string>& names) {
    std::string text;
    for (size_t i = 0; i < names.size(); ++i) {
        if (i > 0) text += i + 1 == names.size() ? " and " : ", ";
        text += names[i];
    }
    return text;
}

class Advice {
  public:
    explicit Advice(const CardView& view) : view_(view), board_(view.boards.front()) {
        for (const LeaderboardRow& row : board_.rows) {
            if (row.rank > 0) ranked_.push_back(&row);
        }
    }

    std::string text() const {
        if (ranked_.empty()) return "No file has a finite divergence: none can be advised.\n";
        const std::string text = nearest() + smallest() + "\n" + markdown_of(by_size());
        std::string rest;
        for (const LeaderboardRow* row : ranked_) rest += passed_over(*row);
        for (const TaskReport& tasks : view_.tasks) rest += answers(tasks);
        return rest.empty() ? text : text + "\n" + rest;
    }

  private:
    std::string name_of(const LeaderboardRow& row) const {
        return markdown_escaped(card_name(view_.file_of(row)));
    }

    std::string names_of(const Rows& rows) const {
        std::vector<std::string> names;
        for (const LeaderboardRow* row : rows) names.push_back(name_of(*row));
        return listed(names);
    }

    bool is_behind(const LeaderboardRow& row, const LeaderboardRow& other) const {
        const auto index = static_cast<size_t>(&other - board_.rows.data());
        return std::ranges::find(row.behind, index) != row.behind.end();
    }

    bool are_apart(const LeaderboardRow& a, const LeaderboardRow& b) const {
        return is_behind(a, b) || is_behind(b, a);
    }

    static const LeaderboardRow& smallest_of(const Rows& rows) {
        return **std::ranges::min_element(
            rows, {}, [](const LeaderboardRow* row) { return row->record.model.size_bytes; });
    }

    // Those that no file is ahead of beyond doubt.
    Rows first_places() const {
        Rows rows;
        std::ranges::copy_if(ranked_, std::back_inserter(rows),
                             [](const LeaderboardRow* row) { return row->rank == 1; });
        return rows;
    }

    std::string nearest() const {
        const Rows first = first_places();
        if (ranked_.size() == 1) {
            return fmt::format("- Measured: **{}** alone ({} nats); there is nothing to compare.\n",
                               name_of(*ranked_.front()), kld_of(*ranked_.front()));
        }
        if (first.size() == 1) {
            return fmt::format("- Nearest to the original: **{}** ({} nats, {} GiB).\n",
                               name_of(*first.front()), kld_of(*first.front()),
                               format_size(gib_of(*first.front())));
        }
        const LeaderboardRow& least = smallest_of(first);
        return fmt::format(
            "- Nearest to the original: {}; for none of them is another file nearer beyond doubt. "
            "The smallest of them is **{}** ({} nats, {} GiB).\n",
            names_of(first), name_of(least), kld_of(least), format_size(gib_of(least)));
    }

    std::string smallest() const {
        if (ranked_.size() == 1) return "";
        const LeaderboardRow& least = smallest_of(ranked_);
        return fmt::format("- Smallest: **{}** ({} GiB, {} nats).\n", name_of(least),
                           format_size(gib_of(least)), kld_of(least));
    }

    // Files that no other beats in both size and divergence, the smallest first.
    Rows front() const {
        Rows rows;
        std::ranges::copy_if(ranked_, std::back_inserter(rows),
                             [](const LeaderboardRow* row) { return row->on_front; });
        std::ranges::stable_sort(
            rows, {}, [](const LeaderboardRow* row) { return row->record.model.size_bytes; });
        return rows;
    }

    // No larger than `row` and not decided from it.
    Rows equals_of(const LeaderboardRow& row) const {
        Rows rows;
        for (const LeaderboardRow* other : ranked_) {
            if (other == &row || are_apart(row, *other)) continue;
            if (other->record.model.size_bytes <= row.record.model.size_bytes) {
                rows.push_back(other);
            }
        }
        return rows;
    }

    Grid by_size() const {
        Grid grid;
        grid.columns = {{"room for the file", "GiB, from"},
                        {"take", "", true},
                        {"KLD mean", "nats"},
                        {"no larger, and not told apart from it", "", true}};
        for (const LeaderboardRow* row : front()) {
            std::vector<std::string> equals;
            for (const LeaderboardRow* other : equals_of(*row)) {
                equals.push_back(card_name(view_.file_of(*other)));
            }
            grid.rows.push_back({format_size(gib_of(*row)), card_name(view_.file_of(*row)),
                                 kld_of(*row), listed(equals)});
        }
        return grid;
    }

    // Why a file is not in that table.
    std::string passed_over(const LeaderboardRow& row) const {
        if (row.on_front) return "";
        Rows ahead, undecided;
        for (const LeaderboardRow* other : ranked_) {
            const bool larger = other->record.model.size_bytes > row.record.model.size_bytes;
            if (other == &row || larger) continue;
            if (is_behind(row, *other)) {
                ahead.push_back(other);
            } else if (other->record.kld_nats.mean.value <= row.record.kld_nats.mean.value) {
                undecided.push_back(other);
            }
        }
        if (!ahead.empty()) {
            return fmt::format("- {}: no larger and nearer beyond doubt {} {}.\n", name_of(row),
                               ahead.size() == 1 ? "is" : "are", names_of(ahead));
        }
        if (undecided.empty()) return "";
        return fmt::format("- {}: not told apart from {}, which {} no larger.\n", name_of(row),
                           names_of(undecided), undecided.size() == 1 ? "is" : "are");
    }

    static std::string answers(const TaskReport& tasks) {
        std::vector<std::string> equal, worse, better;
        for (const TaskRow& row : tasks.rows) {
            if (!row.against) continue;
            const std::string name = markdown_escaped(printable(row.record.model.file));
            if (!row.against->decided) {
                equal.push_back(name);
            } else {
                (row.against->difference.value < 0 ? worse : better).push_back(name);
            }
        }
        std::string text;
        const auto add = [&](const std::vector<std::string>& names, const char* what) {
            if (names.empty()) return;
            text += fmt::format("{}{} {}", text.empty() ? "" : "; ", what, listed(names));
        };
        add(worse, "fewer right answers than the original, beyond doubt:");
        add(better, "more right answers than the original, beyond doubt:");
        add(equal, "no difference decided:");
        if (text.empty()) return "";
        return fmt::format("- {}: {}.\n", markdown_escaped(questions_text(tasks)), text);
    }

    const CardView& view_;
    const Leaderboard& board_;
    Rows ranked_;
};

std::string rule_text(const Leaderboard& board) {
    return fmt::format(
        "By the records alone. \"Beyond doubt\" is decided by a paired comparison over the same "
        "text, with an error of {} % over all pairs of files; what that does not decide is called "
        "not told apart.\n\n",
        format_number(100 * board.alpha));
}

}  // namespace

std::string card_advice(const CardView& view) {
    const std::string head = "## Which file for what\n\n";
    if (view.boards.empty()) {
        return head + "No file here has been measured: nothing is said about which one to take.\n";
    }
    return head + rule_text(view.boards.front()) + Advice(view).text();
}

}  // namespace bitgauge
