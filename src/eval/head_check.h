#pragma once

// Whether a model's logits can be made again from its final states: compared with libllama's own on
// the first windows before anything is built on it.

#include <memory>
#include <string>
#include <vector>

#include "engine/state_codec.h"
#include "eval/model_head.h"
#include "eval/model_pass.h"

namespace bitgauge {

struct HeadCheck {
    bool reproduced = false;  // states + head give libllama's logits
    double scale = 1;         // found by least squares
    double softcap = 0;       // as the header states it
    double max_abs = 0;       // largest difference of two logits
    double kld_nats = 0;      // mean divergence of the rebuilt distribution from libllama's
    double self_kld_nats =
        0;                // mean divergence of states stored in `precision` from unrounded ones
    std::string outcome;  // one sentence for the record
};

// Below this mean divergence from libllama's own logits a rebuilt head counts as the same.
constexpr double kHeadCheckNats = 1e-6;

// Asks for the beginning of the first batch of windows and compares a few positions of each.
class HeadCheckUnit {
  public:
    HeadCheckUnit(const PassShape& shape, std::span<const Window> windows);
    ~HeadCheckUnit();

    // What a pass has to evaluate; it refers to this object.
    PassUnit unit();
    // Once it has: gives `head` the transform it found.
    HeadCheck finish(ModelHead& head, StatePrecision precision) const;

  private:
    class Rows;
    PassShape shape_;
    std::vector<Window> windows_;
    std::unique_ptr<Rows> rows_;
};

}  // namespace bitgauge
