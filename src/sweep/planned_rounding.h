#pragma once

// Error feedback between plan and file: what it saves on each tensor enters the plan as the price
// of the types, and the plan's tensors are rounded with it.

#include <filesystem>
#include <vector>

#include "bitgauge/cost.h"
#include "bitgauge/feedback.h"
#include "bitgauge/quantize.h"
#include "bitgauge/sweep_table.h"

namespace bitgauge {

// The table with every type's error as feedback leaves it. No gains: the table as it is.
SweepTable priced(SweepTable table, const FeedbackGains& gains);

// For measure_feedback_gains(): every tensor of the table, in a type of about four bits that it can
// have.
std::map<std::string, std::string> types_to_try(const SweepTable& table);

// Says in the file what it was rounded from. `outcome` of no tensors: in as many bytes.
void note_rounding(QuantizeJob& job, const FeedbackOutcome& outcome,
                   const std::vector<std::filesystem::path>& texts);

}  // namespace bitgauge
