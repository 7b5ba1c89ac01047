#pragma once

// What tells two corpora apart.

#include <span>
#include <string>

#include "bitgauge/text.h"

namespace bitgauge {

// Content hash over stratum, text, messages and tools of each document, in order.
std::string corpus_key(std::span<const Document> documents);

}  // namespace bitgauge
