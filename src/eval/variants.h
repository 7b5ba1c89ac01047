#pragma once

// Many variants of one model measured in one pass: what the sweep of sensitivities is made of.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "bitgauge/eval.h"

#include "eval/variant_pass.h"

namespace bitgauge {

struct VariantSpec {
    std::string name;                          // in the record, in place of a file's
    std::map<std::string, std::string> types;  // tensor -> ggml's name of the type it gets
    VariantUse use = VariantUse::kBlocks;
};

// A record for each variant of `original`, as measure() would give for the file that a quantizer
// makes with these types (of kDequantized, nearly: docs/stages.md). `importance` may be empty.
// The baseline must hold states. Variants that `find_record` knows are not evaluated again. Errors
// as measure()'s and capture_variants()'.
std::vector<MeasureRecord> measure_variants(const std::filesystem::path& original,
                                            std::span<const VariantSpec> variants,
                                            const std::filesystem::path& importance,
                                            const std::filesystem::path& baseline,
                                            const MeasureOptions& options,
                                            const FindRecord& find_record, Progress& progress);

}  // namespace bitgauge
