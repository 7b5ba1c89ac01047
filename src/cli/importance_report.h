#pragma once

// What `bitgauge imatrix --audit` says of an importance file, as text and as JSON.

#include <string>
#include <vector>

#include "bitgauge/importance.h"
#include "bitgauge/text.h"

#include "base/json.h"
#include "cli/page.h"

namespace bitgauge {

// A text that an importance file was made from.
struct SourceText {
    enum class State {
        kSame,       // there, with the content that was measured
        kUnchecked,  // there; the file does not say what it held
        kChanged,    // there, with another content
        kGone,
    };
    std::string path;
    State state = State::kGone;
};

struct OverlapWithText {
    std::string name;  // as it was given
    TextOverlap overlap;
};

struct ImportanceReport {
    const Importance* file = nullptr;
    std::string model;  // base name
    size_t to_encode = 0;
    int64_t fewest_tokens = 0;      // below it an expert is rare
    int64_t first_prediction = -1;  // layer that predicts further tokens; -1: none
    ImportanceAudit audit;
    ImportanceContents contents;
    std::vector<RareExpert> rare;
    std::vector<SourceText> sources;
    size_t gram_words = 0;
    std::vector<OverlapWithText> overlaps;
};

std::string importance_text(const ImportanceReport& report, Page::Form form);

// `bitgauge.imatrix-audit/1`; every tensor and every rare expert.
Json importance_json(const ImportanceReport& report);

}  // namespace bitgauge
