#pragma once

// A record as JSON text and back, `bitgauge.measure/1`: every key carries its unit, an Estimate is
// {"value", "low", "high"}, and what is not a number (a missing interval) is null.

#include "bitgauge/drift_record.h"
#include "bitgauge/record.h"
#include "bitgauge/sweep_table.h"
#include "bitgauge/task_record.h"

#include "base/json.h"

namespace bitgauge {

// Doubles keep every bit through text: the shortest decimal that reads back equal. Infinities are
// the strings "inf" and "-inf".
Json to_json(const MeasureRecord& record);
Json to_json(const Estimate& estimate);

// Error(kInput) for another schema (naming both) and for a missing or mistyped key (naming it).
// Keys that are not known are ignored.
MeasureRecord record_from_json(const Json& json);

// The same of answers to questions.
Json to_json(const TaskRecord& record);
TaskRecord task_record_from_json(const Json& json);

// The same of continuations.
Json to_json(const DriftRecord& record);
DriftRecord drift_record_from_json(const Json& json);

// The same of sweeps: the table without its parts, and each tensor and mix by itself.
Json to_json(const SweepTable& table);
SweepTable sweep_table_from_json(const Json& json);
Json to_json(const TensorCost& tensor);
TensorCost tensor_cost_from_json(const Json& json);
Json to_json(const MeasuredMix& mix);
MeasuredMix measured_mix_from_json(const Json& json);

}  // namespace bitgauge
