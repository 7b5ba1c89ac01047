#pragma once

// Texts into windows of tokens, as a protocol wants them.

#include "bitgauge/engine.h"
#include "bitgauge/text.h"

namespace bitgauge {

// Renders chats with the model's template, tokenizes, cuts. The protocol's window is shortened to
// the model's trained context, and that is written back into `protocol`.
Windows encode_corpus(Corpus& corpus, const Model& model, Protocol& protocol);

}  // namespace bitgauge
