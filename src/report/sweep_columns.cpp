#include "report/sweep_columns.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/units.h"
#include "report/escape.h"
#include "report/numbers.h"

namespace bitgauge {
namespace {

// Columns of the table that is not wide.
const std::vector<std::string>& usual_types() {
    static const std::vector<std::string> types{"q6_K", "q4_K", "q3_K", "q2_K"};
    return types;
}

size_t measured_tensors(const SweepReport& report) {
    size_t measured = 0;
    for (const SweepReport::Role& role : report.roles) measured += role.measured;
    return measured;
}

std::string measured_text(const SweepReport& report) {
    size_t probes = 0;
    for (const TensorCost& tensor : report.sweep.tensors) probes += tensor.probes.size();
    const size_t measured = measured_tensors(report), all = report.sweep.tensors.size();
    return fmt::format("{} of {}, each disturbed alone{}: {}", format_count(measured),
                       counted(all, "tensor"),
                       measured < all ? "; the others come from their neighbours in depth" : "",
                       counted(probes, "measurement"));
}

std::string original_text(const ModelIdentity& original) {
    return fmt::format("{} ({}, {}, {}); content {}", printable(original.file),
                       printable(original.architecture), printable(original.label),
                       format_bytes(original.size_bytes), printable(original.content_hash));
}

std::string importance_text(const SweepTable& sweep) {
    if (sweep.importance_hash.empty()) return "none";
    return fmt::format("{}; content {}", printable(sweep.importance_file),
                       printable(sweep.importance_hash));
}

std::string calibration_text(const SweepReport& report) {
    const Calibration& c = report.calibration;
    if (report.sweep.mixes.empty()) {
        return fmt::format("none: no whole mix was measured; parts join with p = {}",
                           format_number(c.norm));
    }
    const std::string floor = c.floor > 0 ? format_number(c.floor) + " + " : "";
    const std::string power = c.exponent == 1 ? "" : "^" + format_number(c.exponent);
    return fmt::format("divergence = {}{} D{}, parts of D join with p = {}; fitted to {}", floor,
                       format_number(c.scale), power, format_number(c.norm),
                       counted(report.sweep.mixes.size(), "measurement of a whole mix"));
}

std::string keys_text(const SweepTable& sweep) {
    return fmt::format("sweep {}, text {}; begun {}", printable(sweep.key),
                       printable(sweep.corpus.key), printable(sweep.created_utc));
}

std::vector<std::string> guessed_roles(const SweepReport& report) {
    std::vector<std::string> names;
    for (const SweepReport::Role& role : report.roles) {
        if (role.measured == 0) names.push_back(printable(role.name));
    }
    return names;
}

std::string nats_cell(const SweepReport::RoleInType* in_type) {
    return in_type == nullptr ? "–" : format_estimate(in_type->nats);
}

std::vector<std::string> role_cells(const SweepReport::Role& role,
                                    const std::vector<std::string>& types) {
    std::vector<std::string> cells = {printable(role.name),
                                      fmt::format("{} of {}", role.measured, role.tensors),
                                      format_count(role.weights)};
    for (const std::string& type : types) cells.push_back(nats_cell(find_type_of(role, type)));
    return cells;
}

// Derived ones have no interval, which "known" says already.
std::string sensitivity_text(const Estimate& nats) {
    return nats.has_interval() ? format_estimate(nats) : format_number(nats.value);
}

std::string ratio_cell(double value, const Estimate& measured) {
    return format_fixed(value / measured.value, 2);
}

bool any_role_has(const SweepReport& report, const std::string& type) {
    return std::ranges::any_of(report.roles, [&](const SweepReport::Role& role) {
        return find_type_of(role, type) != nullptr;
    });
}

}  // namespace

const SweepReport::RoleInType* find_type_of(const SweepReport::Role& role,
                                            const std::string& type) {
    const auto found = std::ranges::find(role.types, type, &SweepReport::RoleInType::type);
    return found == role.types.end() ? nullptr : &*found;
}

std::vector<std::string> shown_types(const SweepReport& report) {
    std::vector<std::string> types;
    for (const std::string& type : planned_types()) {
        if (any_role_has(report, type)) types.push_back(type);
    }
    return types;
}

std::string source_text(const SweepReport::Tensor& tensor) {
    if (tensor.guessed) return "guessed";
    switch (tensor.source) {
        case Sensitivity::Source::kMeasured:
            return "measured";
        case Sensitivity::Source::kInterpolated:
            return "interpolated";
        case Sensitivity::Source::kPrior:
            return "prior";
    }
    return {};
}

std::string saved_text(int64_t bytes) {
    return bytes < 0 ? "-" + format_bytes(static_cast<uint64_t>(-bytes))
                     : format_bytes(static_cast<uint64_t>(bytes));
}

std::string title_of(const SweepReport& report) {
    return fmt::format("What quantizing each tensor of {} costs",
                       printable(report.sweep.original.file));
}

std::vector<Fact> facts_of(const SweepReport& report) {
    const SweepTable& sweep = report.sweep;
    return {
        {"original", original_text(sweep.original)}, {"imatrix", importance_text(sweep)},
        {"corpus", corpus_text(sweep.corpus)},       {"protocol", protocol_text(sweep.protocol)},
        {"measured", measured_text(report)},         {"joined", calibration_text(report)},
        {"build", build_text(sweep.build)},          {"keys", keys_text(sweep)}};
}

std::vector<std::string> footnotes_of(const SweepReport& report) {
    std::vector<std::string> notes = {
        "Measured: the mean KLD of the model with one tensor alone turned into a type and back. "
        "Derived from that, and from the error each type makes in the outputs of each tensor "
        "(encoded, not guessed): everything else here.",
        "± is half of a 95 % interval over the documents of the sweep's text. It says what other "
        "text of this kind would change; how well the derived numbers hold is what the measured "
        "mixes show.",
        "A type stands for all tensors of a role, with the rest of the model as in the original: "
        "what they disturb together, D, as single measurements have it; the calibration is that "
        "of whole mixes. GiB saved are against the original's types."};
    const std::vector<std::string> guessed = guessed_roles(report);
    if (!guessed.empty()) {
        notes.push_back(
            fmt::format("! No tensor of these roles was measured, so they are taken "
                        "for the mean of all measured ones: {}.",
                        some_of(guessed)));
    }
    return notes;
}

Grid roles_grid(const SweepReport& report, bool wide) {
    std::vector<std::string> types = shown_types(report);
    if (!wide) {
        std::erase_if(types, [](const std::string& type) {
            return std::ranges::find(usual_types(), type) == usual_types().end();
        });
    }
    Grid grid;
    grid.columns = {{"role", "", true, "what the tensors do, from their names"},
                    {"measured", "tensors", false, "disturbed alone; the others are derived"},
                    {"weights", "", false, ""}};
    for (const std::string& type : types) {
        grid.columns.push_back(
            {type, "nats", false, "predicted divergence with all tensors of the role in it"});
    }
    for (const SweepReport::Role& role : report.roles) grid.rows.push_back(role_cells(role, types));
    return grid;
}

Grid types_grid(const SweepReport& report) {
    Grid grid;
    grid.columns = {{"role", "", true, ""},
                    {"type", "", true, "of all tensors of the role"},
                    {"bits", "/weight", false, ""},
                    {"predicted", "nats", false, "divergence, lower is better"},
                    {"bytes", "", false, ""},
                    {"saves", "", false, "against the original's types"},
                    {"cost", "nats/GiB", false, "predicted divergence per GiB saved"}};
    for (const SweepReport::Role& role : report.roles) {
        for (const SweepReport::RoleInType& t : role.types) {
            grid.rows.push_back({printable(role.name), t.type, format_fixed(t.bits_per_weight, 2),
                                 format_estimate(t.nats), format_count(t.bytes),
                                 saved_text(t.saved_bytes), format_number(t.nats_per_gib)});
        }
    }
    return grid;
}

Grid dearest_grid(const SweepReport& report, size_t most, size_t name_width) {
    Grid grid;
    grid.columns = {{"tensor", "", true, ""},
                    {"known", "", true, "measured alone, or from neighbours in depth"},
                    {"weights", "", false, ""},
                    {"sensitivity", "nats/1 %", false, "per 1 % of relative error of its outputs"},
                    {"type", "", true, "its type nearest to q4_K"},
                    {"predicted", "nats", false, "alone in that type"},
                    {"saves", "", false, "in that type, against the original's"},
                    {"cost", "nats/GiB", false, "predicted divergence per GiB saved"}};
    for (size_t i = 0; i < std::min(most, report.tensors.size()); ++i) {
        const SweepReport::Tensor& t = report.tensors[i];
        const SweepReport::RoleInType& in = t.about_4_bits;
        grid.rows.push_back({shortened(printable(t.name), name_width), source_text(t),
                             format_count(t.weights), sensitivity_text(t.nats_per_percent), in.type,
                             format_estimate(in.nats), saved_text(in.saved_bytes),
                             format_number(in.nats_per_gib)});
    }
    return grid;
}

Grid mixes_grid(const SweepReport& report) {
    Grid grid;
    grid.columns = {
        {"mix", "", true, ""},
        {"bits", "/weight", false, "of the sweep's tensors"},
        {"measured", "nats", false, "mean KLD of the whole mix"},
        {"text", "", true, "the sweep's own, or another"},
        {"predicted", "nats", false, "calibrated on all these mixes, so it is no test"},
        {"predicted", "/ measured", false, "1 is exact"},
        {"from others", "/ measured", false, "calibrated on the other mixes alone: a test"},
        {"plain sum", "/ measured", false, "of what the tensors do alone: 1 is additive"}};
    for (const SweepReport::Mix& mix : report.mixes) {
        grid.rows.push_back(
            {printable(mix.name), format_fixed(mix.bits_per_weight, 2),
             format_estimate(mix.measured), mix.other_text ? "another" : "own",
             format_estimate(mix.predicted), ratio_cell(mix.predicted.value, mix.measured),
             ratio_cell(mix.from_others, mix.measured), ratio_cell(mix.plain_sum, mix.measured)});
    }
    return grid;
}

}  // namespace bitgauge
