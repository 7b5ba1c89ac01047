#pragma once

// What tables, pages and JSON of answers to questions show.

#include "bitgauge/task_report.h"

#include "base/json.h"
#include "report/grid.h"
#include "report/sections.h"

namespace bitgauge {

// `wide`: all columns, and one for each set of questions. Longer names are cut.
Grid grid_of(const TaskReport& report, bool wide);

// "750 questions of 'published-750'".
std::string questions_text(const TaskReport& report);
std::string title_of(const TaskReport& report);
Facts facts_of(const TaskReport& report);
Notes footnotes_of(const TaskReport& report);

// "bitgauge.task-report/1".
Json document_of(const TaskReport& report);

}  // namespace bitgauge
