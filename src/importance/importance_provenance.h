#pragma once

// Where importance comes from, as key-values of its file (docs/formats/importance.md); private to
// this room.

#include "bitgauge/importance.h"

#include "gguf/writer.h"

namespace bitgauge {

// Only what is known.
void set_importance_provenance(GgufWriter& writer, const ImportanceProvenance& made);

// Lists that do not belong together (another number of paths than of hashes) are left out.
ImportanceProvenance read_importance_provenance(const GgufFile& file);

}  // namespace bitgauge
