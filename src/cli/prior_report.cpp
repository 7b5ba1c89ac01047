#include "cli/prior_report.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "report/grid.h"

namespace bitgauge {
namespace {

std::string parameters_text(uint64_t parameters) {
    const auto n = static_cast<double>(parameters);
    return n < 1e9 ? fmt::format("{:.3g} M", n / 1e6) : fmt::format("{:.3g} B", n / 1e9);
}

std::string origin_text(const Prior& prior) {
    const std::string whose = prior.source.credit.empty() ? "" : ", " + prior.source.credit;
    return prior.source.kind + whose;
}

const PriorPoint& nearest_to(const std::vector<PriorPoint>& curve, double depth) {
    return *std::ranges::min_element(
        curve, {}, [depth](const PriorPoint& p) { return std::abs(p.depth - depth); });
}

std::string cost_text(const PriorPoint& point) {
    if (point.switching == 0) return fmt::format("{:.3g}", point.smooth);
    return fmt::format("{:.3g} + {:.3g} r", point.smooth, point.switching);
}

Grid roles_grid(const Prior& prior) {
    Grid grid;
    grid.columns = {{"role", "", true, ""},     {"tensors", "", false, ""},
                    {"weights", "", false, ""}, {"measured", "", false, ""},
                    {"first", "", false, ""},   {"middle", "", false, ""},
                    {"last", "", false, ""}};
    for (const auto& [name, role] : prior.roles) {
        grid.rows.push_back(
            {name, std::to_string(role.tensors), parameters_text(role.weights),
             std::to_string(role.curve.size()), cost_text(nearest_to(role.curve, 0)),
             cost_text(nearest_to(role.curve, 0.5)), cost_text(nearest_to(role.curve, 1))});
    }
    return grid;
}

}  // namespace

std::string prior_title(const Prior& prior) {
    return fmt::format("{} ({}, {} parameters; {})", prior.name, prior.architecture,
                       parameters_text(prior.parameters), origin_text(prior));
}

std::string priors_text(std::span<const Prior> priors) {
    Grid grid;
    grid.columns = {{"model", "", true, ""},   {"architecture", "", true, ""},
                    {"experts", "", true, ""}, {"parameters", "", false, ""},
                    {"layers", "", false, ""}, {"source", "", true, ""},
                    {"file", "", true, ""}};
    for (const Prior& prior : priors) {
        grid.rows.push_back({prior.name, prior.architecture, prior.experts ? "yes" : "no",
                             parameters_text(prior.parameters), std::to_string(prior.layers),
                             origin_text(prior), prior.origin});
    }
    return text_of(grid);
}

std::string prior_page(const Prior& prior) {
    const PriorSource& s = prior.source;
    const Calibration& c = prior.calibration;
    std::string text = prior_title(prior) + "\n";
    text += fmt::format("measured  {}\n", s.about);
    if (!s.link.empty()) text += fmt::format("link      {}\n", s.link);
    text += fmt::format("text      {}{}\n", s.corpus,
                        s.tokens > 0 ? fmt::format(", {} scored tokens", s.tokens) : "");
    text += fmt::format("with      {} ({})\n", s.build, s.date);
    text += fmt::format("whole     {:.3g} + {:.3g} D^{:.3g}, norm {:.3g}\n\n", c.floor, c.scale,
                        c.exponent, c.norm);
    return text + text_of(roles_grid(prior)) +
           "\nnats of one tensor per unit of relative error, + those per its root (r)\n";
}

}  // namespace bitgauge
