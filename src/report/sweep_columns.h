#pragma once

// What the tables of a sweep show.

#include <string>
#include <vector>

#include "bitgauge/report.h"

#include "report/columns.h"
#include "report/grid.h"

namespace bitgauge {

std::string title_of(const SweepReport& report);
std::vector<Fact> facts_of(const SweepReport& report);
std::vector<std::string> footnotes_of(const SweepReport& report);

// Each role with its tensors, and its divergence in a few types; `wide`: in all that plans use.
Grid roles_grid(const SweepReport& report, bool wide);
// A row per role and type, all types.
Grid types_grid(const SweepReport& report);
// The first `most` of the tensors, by what they cost per GiB saved; longer names are cut.
Grid dearest_grid(const SweepReport& report, size_t most, size_t name_width);
// The whole mixes that were measured; no rows where there are none.
Grid mixes_grid(const SweepReport& report);

// "measured", "interpolated", "guessed", "prior".
std::string source_text(const SweepReport::Tensor& tensor);
// Types of planned_types() that any role has, most bits first.
std::vector<std::string> shown_types(const SweepReport& report);
const SweepReport::RoleInType* find_type_of(const SweepReport::Role& role, const std::string& type);
// "12.5 MiB", "-3 B" for what becomes larger.
std::string saved_text(int64_t bytes);

}  // namespace bitgauge
