#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/units.h"
#include "report/escape.h"
#include "report/numbers.h"
#include "report/plots.h"
#include "report/sweep_columns.h"

namespace bitgauge {
namespace {

constexpr double kLeastNats = 1e-9;  // where logarithmic axes begin
constexpr size_t kRowHeight = 26, kCellWidth = 44, kRoleWidth = 150;

using RoleInType = SweepReport::RoleInType;

// Two significant digits, in as few characters as that takes.
std::string short_number(double value) {
    if (value >= 10) return fmt::format("{:.0f}", value);
    return fmt::format("{:.2g}", value);
}

// What a cell shows: divergence in thousandths of a nat, or nats per GiB saved.
double divergence_of(const RoleInType& cell) {
    return 1000 * cell.nats.value;
}
double cost_of(const RoleInType& cell) {
    return cell.nats_per_gib;
}
using Value = double (*)(const RoleInType&);

Json cell_json(const SweepReport::Role& role, const RoleInType& cell, Value value) {
    return {{"role", printable(role.name)},          {"type", cell.type},
            {"bits", cell.bits_per_weight},          {"nats", std::max(value(cell), kLeastNats)},
            {"label", short_number(value(cell))},    {"nats_text", format_estimate(cell.nats)},
            {"saved", saved_text(cell.saved_bytes)}, {"per_gib", format_number(cell.nats_per_gib)}};
}

// Letters are white on the darker half of the logarithmic scale.
void mark_dark(Json& cells) {
    if (cells.empty()) return;
    double least = HUGE_VAL, most = 0;
    for (const Json& cell : cells) {
        least = std::min(least, cell["nats"].get<double>());
        most = std::max(most, cell["nats"].get<double>());
    }
    const double middle = std::sqrt(least * most);
    for (Json& cell : cells) cell["dark"] = cell["nats"].get<double>() > middle;
}

Json cells_of(const SweepReport& report, const std::vector<std::string>& types, Value value) {
    Json cells = Json::array();
    for (const SweepReport::Role& role : report.roles) {
        for (const std::string& type : types) {
            const RoleInType* cell = find_type_of(role, type);
            if (cell == nullptr || std::isnan(value(*cell))) continue;
            cells.push_back(cell_json(role, *cell, value));
        }
    }
    mark_dark(cells);
    return cells;
}

Json role_names(const SweepReport& report) {
    Json names = Json::array();
    for (const SweepReport::Role& role : report.roles) names.push_back(printable(role.name));
    return names;
}

Plot type_plot(const SweepReport& report, const char* title, const char* caption, Value value) {
    const std::vector<std::string> types = shown_types(report);
    Plot plot = plot_with("page/role_type.vl.json", title, caption,
                          {{"cells", cells_of(report, types, value)}});
    plot.wide = true;
    plot.spec["height"] = kRowHeight * report.roles.size();
    plot.spec["usermeta"]["least_width"] = kRoleWidth + kCellWidth * types.size();
    plot.spec["encoding"]["x"]["sort"] = types;
    plot.spec["encoding"]["y"]["sort"] = role_names(report);
    return plot;
}

Json depth_point(const SweepReport::Tensor& tensor) {
    const Estimate& nats = tensor.nats_per_percent;
    Json point = {
        {"role", printable(tensor.role)},
        {"layer", tensor.layer},
        {"tensor", printable(tensor.name)},
        {"nats", std::max(nats.value, kLeastNats)},
        {"nats_text", nats.has_interval() ? format_estimate(nats) : format_number(nats.value)},
        {"how", source_text(tensor)},
        {"measured", source_text(tensor) == "measured"}};
    if (nats.has_interval()) {
        point["low"] = std::max(nats.low, kLeastNats);
        point["high"] = std::max(nats.high, kLeastNats);
    }
    return point;
}

Plot depth_plot(const SweepReport& report) {
    Json points = Json::array();
    for (const SweepReport::Tensor& tensor : report.tensors) {
        if (tensor.layer >= 0) points.push_back(depth_point(tensor));
    }
    Plot plot = plot_with("page/depth.vl.json", "Sensitivity by depth",
                          "Divergence per 1 % of relative error of a tensor's outputs, over the "
                          "layer. Filled: measured, the tensor alone in a type of about 2 % error, "
                          "with its 95 % interval. Hollow: derived from measured neighbours of the "
                          "same role, without an interval.",
                          {{"tensors", std::move(points)}});
    plot.wide = true;
    plot.spec["facet"]["sort"] = role_names(report);
    return plot;
}

bool has_layers(const SweepReport& report) {
    return std::ranges::any_of(report.tensors,
                               [](const auto& tensor) { return tensor.layer >= 0; });
}

}  // namespace

std::vector<Plot> plots_of(const SweepReport& report) {
    std::vector<Plot> plots;
    if (!shown_types(report).empty()) {
        plots.push_back(type_plot(
            report, "Divergence by role and type",
            "Thousandths of a nat, predicted, with all tensors of a role in one type and the rest "
            "as in the original; darker is dearer, on a logarithmic scale. Roles with most weights "
            "first, types from many bits to few. Intervals and savings: point at a cell, or see "
            "the table of all roles and types.",
            divergence_of));
        plots.push_back(type_plot(
            report, "Price of a GiB by role and type",
            "Nats per GiB saved against the original's types, predicted, for the same. What is "
            "pale is where bits can be taken from.",
            cost_of));
    }
    if (has_layers(report)) plots.push_back(depth_plot(report));
    return plots;
}

}  // namespace bitgauge
