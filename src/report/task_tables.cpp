// Answers to questions as tables and JSON.

#include "base/json.h"
#include "report/sections.h"
#include "report/task_columns.h"
#include "store/record_json.h"

namespace bitgauge {
namespace {

Json comparison_json(const TaskRow& row) {
    if (!row.against) return nullptr;
    const AccuracyComparison& c = *row.against;
    return {{"both_right", c.answers.both},
            {"only_candidate", c.answers.only_candidate},
            {"only_original", c.answers.only_original},
            {"neither", c.answers.neither},
            {"difference", to_json(c.difference)},
            {"clustered_difference", to_json(c.clustered_difference)},
            {"error_increase", to_json(c.error_increase)},
            {"p_exact", c.p_exact},
            {"p_mid", c.p_mid},
            {"decided", c.decided},
            {"questions_needed", row.questions_needed ? Json(*row.questions_needed) : Json()}};
}

Json row_json(const TaskReport& report, const TaskRow& row) {
    Json sets = Json::object();
    for (size_t s = 0; s < report.sets.size(); ++s) {
        sets[report.sets[s]] = to_json(row.by_set[s]);
    }
    return {{"name", row.name},
            {"record", row.record.key},
            {"accuracy", to_json(row.accuracy)},
            {"clustered_accuracy", to_json(row.clustered)},
            {"by_set", sets},
            {"against_original", comparison_json(row)}};
}

}  // namespace

std::string terminal_table(const TaskReport& report, const TableOptions& options) {
    return terminal_section(title_of(report), facts_of(report), grid_of(report, options.wide),
                            footnotes_of(report));
}

std::string markdown_table(const TaskReport& report, const TableOptions& options) {
    return markdown_section(title_of(report), facts_of(report), grid_of(report, options.wide),
                            footnotes_of(report));
}

Json document_of(const TaskReport& report) {
    Json json = {{"schema", "bitgauge.task-report/1"},
                 {"questions", report.questions},
                 {"clusters", report.clusters},
                 {"alpha", report.alpha},
                 {"has_original", report.has_original},
                 {"detectable_difference", report.detectable ? Json(*report.detectable) : Json()},
                 {"rows", Json::array()},
                 {"records", Json::array()}};
    for (const TaskRow& row : report.rows) {
        json["rows"].push_back(row_json(report, row));
        json["records"].push_back(to_json(row.record));
    }
    return json;
}

std::string json(const TaskReport& report) {
    return document_of(report).dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace bitgauge
