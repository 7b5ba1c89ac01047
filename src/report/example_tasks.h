#pragma once

// Made-up answers that look like real ones: for tests and for the page's screenshot. Always the
// same.

#include <vector>

#include "bitgauge/task_record.h"

namespace bitgauge {

// 300 questions of two sets, answered by the original of example_records() and four of their files,
// who lose and gain whole numbers of questions (example_tasks.cpp). One cannot be told apart from
// the original, one answers as it does, two are worse beyond doubt.
std::vector<TaskRecord> example_tasks();

}  // namespace bitgauge
