#pragma once

// `bitgauge quantize --rounding feedback`: tensors are rounded over a text before the file is
// written.

#include <string>

#include <CLI/CLI.hpp>

#include "bitgauge/feedback.h"
#include "bitgauge/quantize.h"

#include "base/json.h"
#include "cli/console.h"

namespace bitgauge {

struct FeedbackArguments {
    std::string rounding = "nearest";
    FeedbackOptions options;

    bool wanted() const { return rounding == "feedback"; }
};

// In a build without the engine only "nearest" is there (no_engine.cpp).
void add_feedback_options(CLI::App& command, FeedbackArguments& a);

// Rounds the job's tensors beside its output, and tells the job of it. The folder is kept until
// remove_rounded(): the same command goes on with it.
FeedbackOutcome round_for(QuantizeJob& job, FeedbackArguments& a, Console& console);
void remove_rounded(const QuantizeJob& job);

std::string feedback_text(const FeedbackOutcome& outcome);
Json feedback_json(const FeedbackOutcome& outcome);

}  // namespace bitgauge
