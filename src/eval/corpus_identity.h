#pragma once

// What a record says of the texts it was measured on.

#include "bitgauge/record.h"
#include "bitgauge/text.h"

namespace bitgauge {

CorpusIdentity corpus_identity(const Corpus& corpus, const Windows& windows);

}  // namespace bitgauge
