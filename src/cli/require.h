#pragma once

// What a command cannot do without.

#include <filesystem>
#include <string>
#include <vector>

#include "bitgauge/error.h"

namespace bitgauge {

inline void require(bool given, const std::string& message, const std::string& hint) {
    if (!given) throw Error(ErrorKind::kInput, message, hint);
}

inline void require_texts(const std::vector<std::filesystem::path>& texts) {
    require(!texts.empty(), "no text was given",
            "add -t FILE: plain text, JSONL or a folder of them");
}

}  // namespace bitgauge
