#pragma once

// Whether an importance file fits the model and the types: what is wrong ends the work, what is
// only incomplete is said.

#include "bitgauge/gguf.h"
#include "bitgauge/progress.h"
#include "bitgauge/quantize.h"

#include "quantize/choice_check.h"
#include "quantize/rounded_source.h"

namespace bitgauge {

// Throws Error(kInput) for an importance file of another model and for what the job's policies
// forbid; warns of the rest by name. `importance` may be nullptr; tensors that were rounded
// beforehand need none.
void check_importance(const GgufFile& original, const TypeOfTensor& types, const QuantizeJob& job,
                      const Importance* importance, const RoundedSources& rounded,
                      Progress& progress);

// The entry that a tensor is encoded with; nullptr for none. token_embd is taken without where the
// sizes differ, as llama-quantize does.
const ImportanceEntry* entry_for(const Importance* importance, const TensorInfo& tensor);

}  // namespace bitgauge
