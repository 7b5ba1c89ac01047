// CSV and JSON of a sweep: for other programs.

#include <cmath>

#include <fmt/format.h>

#include "bitgauge/report.h"

#include "base/json.h"
#include "report/escape.h"
#include "report/sweep_columns.h"
#include "store/record_json.h"

namespace bitgauge {
namespace {

Json number_or_null(double value) {
    return std::isfinite(value) ? Json(value) : Json(nullptr);
}

Json type_json(const SweepReport::RoleInType& t) {
    return {{"type", t.type},
            {"bits_per_weight", t.bits_per_weight},
            {"bytes", t.bytes},
            {"saved_bytes", t.saved_bytes},
            {"predicted_nats", to_json(t.nats)},
            {"nats_per_gib_saved", number_or_null(t.nats_per_gib)}};
}

Json role_json(const SweepReport::Role& role) {
    Json types = Json::array();
    for (const SweepReport::RoleInType& t : role.types) types.push_back(type_json(t));
    return {{"role", role.name},
            {"tensors", role.tensors},
            {"measured_tensors", role.measured},
            {"weights", role.weights},
            {"types", std::move(types)}};
}

Json tensor_json(const SweepReport::Tensor& tensor) {
    const bool has_types = !tensor.about_4_bits.type.empty();
    return {{"tensor", tensor.name},
            {"role", tensor.role},
            {"layer", tensor.layer},
            {"weights", tensor.weights},
            {"source", source_text(tensor)},
            {"nats_per_percent_of_error", to_json(tensor.nats_per_percent)},
            {"at_about_4_bits", has_types ? type_json(tensor.about_4_bits) : Json(nullptr)}};
}

Json mix_json(const SweepReport::Mix& mix) {
    return {{"mix", mix.name},
            {"bits_per_weight", number_or_null(mix.bits_per_weight)},
            {"measured_nats", to_json(mix.measured)},
            {"on_sweep_text", !mix.other_text},
            {"predicted_nats", to_json(mix.predicted)},
            {"predicted_from_others_nats", number_or_null(mix.from_others)},
            {"plain_sum_nats", number_or_null(mix.plain_sum)}};
}

Json calibration_json(const Calibration& c) {
    return {
        {"norm", c.norm}, {"scale", c.scale}, {"exponent", c.exponent}, {"floor_nats", c.floor}};
}

template <class Things>
Json list_json(const Things& things, Json (*one)(const typename Things::value_type&)) {
    Json list = Json::array();
    for (const auto& thing : things) list.push_back(one(thing));
    return list;
}

// Derived numbers, to six digits.
std::string csv_number(double value) {
    return std::isfinite(value) ? fmt::format("{:.6g}", value) : "";
}

std::string csv_line(const SweepReport& report, const SweepReport::Role& role,
                     const SweepReport::RoleInType& t) {
    return fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n",
                       csv_field(printable(role.name)), t.type, t.bits_per_weight, role.tensors,
                       role.measured, role.weights, t.bytes, t.saved_bytes,
                       csv_number(t.nats.value), csv_number(t.nats.low), csv_number(t.nats.high),
                       csv_number(t.nats_per_gib), csv_field(printable(report.sweep.original.file)),
                       csv_field(printable(report.sweep.key)));
}

}  // namespace

std::string csv(const SweepReport& report) {
    std::string text =
        "role,type,bits_per_weight,tensors,measured_tensors,weights,bytes,saved_bytes,"
        "predicted_nats,predicted_nats_low,predicted_nats_high,nats_per_gib_saved,original,"
        "sweep_key\n";
    for (const SweepReport::Role& role : report.roles) {
        for (const SweepReport::RoleInType& t : role.types) text += csv_line(report, role, t);
    }
    return text;
}

std::string json(const SweepReport& report) {
    const Json document = {{"schema", "bitgauge.sweep-report/1"},
                           {"sweep", to_json(report.sweep)},
                           {"calibration", calibration_json(report.calibration)},
                           {"roles", list_json(report.roles, role_json)},
                           {"tensors", list_json(report.tensors, tensor_json)},
                           {"mixes", list_json(report.mixes, mix_json)}};
    return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace bitgauge
