#include "store/record_json.h"

#include "store/fields_json.h"
#include "store/record_fields.h"

namespace bitgauge {

Json to_json(const MeasureRecord& record) {
    return fields::to_json(MeasureRecord::kSchema, record);
}

Json to_json(const Estimate& estimate) {
    return fields::encode(estimate);
}

MeasureRecord record_from_json(const Json& json) {
    return fields::from_json<MeasureRecord>(MeasureRecord::kSchema, json);
}

Json to_json(const TaskRecord& record) {
    return fields::to_json(TaskRecord::kSchema, record);
}

TaskRecord task_record_from_json(const Json& json) {
    return fields::from_json<TaskRecord>(TaskRecord::kSchema, json);
}

Json to_json(const DriftRecord& record) {
    return fields::to_json(DriftRecord::kSchema, record);
}

DriftRecord drift_record_from_json(const Json& json) {
    return fields::from_json<DriftRecord>(DriftRecord::kSchema, json);
}

Json to_json(const TensorCost& tensor) {
    return fields::to_json(TensorCost::kSchema, tensor);
}

TensorCost tensor_cost_from_json(const Json& json) {
    return fields::from_json<TensorCost>(TensorCost::kSchema, json);
}

Json to_json(const MeasuredMix& mix) {
    return fields::to_json(MeasuredMix::kSchema, mix);
}

MeasuredMix measured_mix_from_json(const Json& json) {
    return fields::from_json<MeasuredMix>(MeasuredMix::kSchema, json);
}

Json to_json(const SweepTable& table) {
    return fields::to_json(SweepTable::kSchema, table);
}

SweepTable sweep_table_from_json(const Json& json) {
    return fields::from_json<SweepTable>(SweepTable::kSchema, json);
}

}  // namespace bitgauge
