#include "bitgauge/task_report.h"

#include <algorithm>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "report/names.h"

namespace bitgauge {
namespace {

std::vector<uint8_t> bits(const TaskRecord& record) {
    return {record.answers.right.begin(), record.answers.right.end()};
}

// A damaged text may hold what no run writes.
void require_whole(const TaskRecord& record) {
    const TaskSeries& a = record.answers;
    const size_t n = a.right.size();
    const auto below = [](const std::vector<uint32_t>& values, size_t limit) {
        return std::ranges::all_of(values, [&](uint32_t value) { return value < limit; });
    };
    const bool whole = a.question.size() == n && a.set.size() == n && a.cluster.size() == n &&
                       below(a.set, record.sets.size()) && below(a.cluster, record.clusters) &&
                       below(a.right, 2);
    if (whole) return;
    throw Error(ErrorKind::kInput,
                fmt::format("the answers of '{}' are damaged: their parts do not fit together",
                            record.model.file),
                "ask again: bitgauge tasks");
}

void require_alike(const TaskRecord& a, const TaskRecord& b) {
    const bool alike = a.questions_key == b.questions_key && a.settings == b.settings &&
                       a.sets == b.sets && a.answers.question.size() == b.answers.question.size();
    if (!alike) {
        throw Error(ErrorKind::kInput,
                    fmt::format("'{}' and '{}' were not asked the same questions in the same way",
                                a.model.file, b.model.file),
                    "show them one mix at a time");
    }
}

uint64_t right_of(const TaskRecord& record) {
    return static_cast<uint64_t>(
        std::count(record.answers.right.begin(), record.answers.right.end(), 1U));
}

std::vector<Estimate> by_set(const TaskRecord& record) {
    std::vector<uint64_t> asked(record.sets.size());
    std::vector<uint64_t> right(record.sets.size());
    for (size_t i = 0; i < record.answers.set.size(); ++i) {
        ++asked[record.answers.set[i]];
        right[record.answers.set[i]] += record.answers.right[i];
    }
    std::vector<Estimate> shares;
    for (size_t s = 0; s < asked.size(); ++s) shares.push_back(wilson_interval(right[s], asked[s]));
    return shares;
}

double discordance(const PairedAnswers& answers) {
    return static_cast<double>(answers.discordant()) / static_cast<double>(answers.n());
}

std::optional<uint64_t> needed(const AccuracyComparison& found, double alpha) {
    if (found.decided || found.answers.only_candidate == found.answers.only_original) return {};
    return questions_to_separate(found.candidate.value, found.original.value,
                                 discordance(found.answers), {.alpha = alpha});
}

TaskRow row_of(const TaskRecord& record, const TaskRecord* original, double alpha) {
    const std::vector<uint8_t> right = bits(record);
    TaskRow row = {.record = record,
                   .accuracy = wilson_interval(right_of(record), right.size()),
                   .clustered = clustered_accuracy(right, record.answers.cluster, record.clusters),
                   .by_set = by_set(record)};
    if (original != nullptr && original != &record) {
        row.against =
            compare_answers(right, bits(*original), record.answers.cluster, record.clusters, alpha);
        row.questions_needed = needed(*row.against, alpha);
    }
    return row;
}

bool is_original(const TaskRecord& record, std::string_view original_hash) {
    return !original_hash.empty() && record.model.content_hash == original_hash;
}

// The original first, then the largest.
std::vector<const TaskRecord*> in_order(std::span<const TaskRecord> records,
                                        std::string_view original_hash) {
    std::vector<const TaskRecord*> order;
    for (const TaskRecord& record : records) order.push_back(&record);
    std::ranges::stable_sort(order, [&](const TaskRecord* a, const TaskRecord* b) {
        const bool is_original_a = is_original(*a, original_hash);
        const bool is_original_b = is_original(*b, original_hash);
        if (is_original_a != is_original_b) return is_original_a;
        return a->model.size_bytes > b->model.size_bytes;
    });
    return order;
}

void name_rows(TaskReport& report) {
    std::vector<ModelIdentity> models;
    for (const TaskRow& row : report.rows) models.push_back(row.record.model);
    const auto names = short_names(models);
    for (size_t i = 0; i < names.size(); ++i) report.rows[i].name = names[i];
}

std::optional<double> detectable(const TaskReport& report) {
    double most = 0;
    for (const TaskRow& row : report.rows) {
        if (row.against) most = std::max(most, discordance(row.against->answers));
    }
    return detectable_difference(report.questions, most, {.alpha = report.alpha});
}

}  // namespace

TaskReport build_task_report(std::span<const TaskRecord> records, std::string_view original_hash,
                             double alpha) {
    const auto order = in_order(records, original_hash);
    const TaskRecord& first = *order.front();
    TaskReport report;
    report.has_original = is_original(first, original_hash);
    report.sets = first.sets;
    report.questions = first.answers.right.size();
    report.clusters = first.clusters;
    report.alpha = alpha;
    for (const TaskRecord* record : order) {
        require_whole(*record);
        require_alike(first, *record);
        report.rows.push_back(row_of(*record, report.has_original ? &first : nullptr, alpha));
    }
    name_rows(report);
    report.detectable = detectable(report);
    return report;
}

}  // namespace bitgauge
