// Which records belong in one table, and which of them is the original's; and what a leaderboard
// says of answers.

#include <algorithm>
#include <array>

#include "bitgauge/report.h"

#include "report/task_columns.h"

namespace bitgauge {
namespace {

using Group = std::vector<TaskRecord>;

// Files of one original differ by a tensor that others tie or by a prediction layer; models of one
// family differ by more.
bool may_be_of_one_model(const ModelIdentity& a, const ModelIdentity& b) {
    const uint64_t less = std::min(a.parameters, b.parameters);
    const uint64_t more = std::max(a.parameters, b.parameters);
    return a.architecture == b.architecture && 3 * less >= 2 * more;
}

bool belong_together(const TaskRecord& a, const TaskRecord& b) {
    return a.questions_key == b.questions_key && a.settings == b.settings &&
           may_be_of_one_model(a.model, b.model);
}

std::vector<Group> groups_of(std::span<const TaskRecord> records) {
    std::vector<Group> groups;
    for (const TaskRecord& record : records) {
        const auto found = std::ranges::find_if(
            groups, [&](const Group& group) { return belong_together(group.front(), record); });
        if (found == groups.end())
            groups.push_back({record});
        else
            found->push_back(record);
    }
    return groups;
}

// Content hash of the largest file of which `holds` is true; "" without one.
template <class Holds>
std::string largest(const Group& group, Holds&& holds) {
    const ModelIdentity* found = nullptr;
    for (const TaskRecord& record : group) {
        if (!holds(record.model)) continue;
        if (found == nullptr || record.model.size_bytes > found->size_bytes) found = &record.model;
    }
    return found == nullptr ? std::string() : found->content_hash;
}

bool is_unquantized(const ModelIdentity& model) {
    constexpr std::array kLabels = {"BF16", "F16", "F32"};
    return std::ranges::find(kLabels, model.label) != kLabels.end();
}

std::string original_of(const Group& group, std::span<const std::string> original_hashes) {
    const std::string known = largest(group, [&](const ModelIdentity& model) {
        return std::ranges::find(original_hashes, model.content_hash) != original_hashes.end();
    });
    return known.empty() ? largest(group, is_unquantized) : known;
}

bool is_older(const TaskRecord& a, const TaskRecord& b) {
    return a.created_utc < b.created_utc;
}

// --- leaderboards -------------------------------------------------------------------------------

const std::string& time_of(const TaskReport& report) {
    return std::ranges::max_element(
               report.rows,
               [](const TaskRow& a, const TaskRow& b) { return is_older(a.record, b.record); })
        ->record.created_utc;
}

// The file's newest answers; null without any.
const TaskRow* find_answers(const TaskReport& report, const ModelIdentity& model) {
    const TaskRow* found = nullptr;
    for (const TaskRow& row : report.rows) {
        if (model.content_hash.empty() || row.record.model.content_hash != model.content_hash) {
            continue;
        }
        if (found == nullptr || is_older(found->record, row.record)) found = &row;
    }
    return found;
}

const TaskReport* newest_with(const Leaderboard& board, std::span<const TaskReport> tasks) {
    const TaskReport* newest = nullptr;
    for (const TaskReport& report : tasks) {
        const bool answered = std::ranges::any_of(board.rows, [&](const LeaderboardRow& row) {
            return find_answers(report, row.record.model) != nullptr;
        });
        if (!answered) continue;
        if (newest == nullptr || time_of(*newest) < time_of(report)) newest = &report;
    }
    return newest;
}

}  // namespace

std::vector<TaskReport> build_task_reports(std::span<const TaskRecord> records,
                                           std::span<const std::string> original_hashes,
                                           double alpha) {
    std::vector<TaskReport> reports;
    for (Group& group : groups_of(records)) {
        // Of one file's records the newest is first, so it is the one that others are compared
        // with.
        std::ranges::stable_sort(
            group, [](const TaskRecord& a, const TaskRecord& b) { return is_older(b, a); });
        reports.push_back(build_task_report(group, original_of(group, original_hashes), alpha));
    }
    return reports;
}

void add_answers(std::vector<Leaderboard>& boards, std::span<const TaskReport> tasks) {
    for (Leaderboard& board : boards) {
        const TaskReport* report = newest_with(board, tasks);
        if (report == nullptr) continue;
        board.answers_of = questions_text(*report);
        for (LeaderboardRow& row : board.rows) {
            if (const TaskRow* found = find_answers(*report, row.record.model)) {
                row.right = found->accuracy;
            }
        }
    }
}

}  // namespace bitgauge
