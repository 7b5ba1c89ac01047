#pragma once

// How a placement is said and asked for.

#include <string>
#include <vector>

#include "bitgauge/placement.h"

namespace bitgauge {

// "on the cards", "in unified memory".
std::string cards_word(const Machine& machine);

// "all on the card", "experts of 12 of 40 layers in RAM"; "no" where it fits nowhere.
std::string placement_words(const Machine& machine, const ModelParts& parts,
                            const Placement& placement);

// " -ngl 999 --n-cpu-moe 12 -ts 21,20": llama.cpp's spellings, each after a blank.
std::string placement_options(const ModelParts& parts, const Placement& placement);

}  // namespace bitgauge
