#include "engine/cut_check.h"

#include <cmath>
#include <cstring>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/hash.h"

namespace bitgauge {
namespace {

constexpr ContextShape kShape{.window_tokens = 48, .sequences = 2, .call_tokens = 96};

std::vector<BatchToken> check_tokens(uint32_t vocabulary) {
    std::vector<BatchToken> tokens;
    uint32_t x = 20261122;
    for (uint32_t sequence = 0; sequence < kShape.sequences; ++sequence) {
        for (uint32_t position = 0; position < kShape.window_tokens; ++position) {
            x = x * 1664525 + 1013904223;  // Knuth, The Art of Computer Programming 2, 1969
            tokens.push_back({.token = static_cast<TokenId>((x >> 8) % vocabulary),
                              .position = static_cast<int32_t>(position),
                              .sequence = static_cast<int32_t>(sequence),
                              .output = true});
        }
    }
    return tokens;
}

struct Outcome {
    std::vector<float> states;
    std::vector<float> logits;  // of a run that ends with the head
};

Outcome evaluate(const Model& model, const EngineOptions& options,
                 std::span<const BatchToken> tokens, std::span<const float> handed_in) {
    Context context(model, kShape, options);
    context.decode(tokens, Context::Depth::kLogits, handed_in);
    Outcome out{.states = {context.states().begin(), context.states().end()}};
    for (size_t i = 0; context.is_last_stage() && i < tokens.size(); ++i) {
        const auto row = context.logits(i);
        out.logits.insert(out.logits.end(), row.begin(), row.end());
    }
    return out;
}

// Bits, so that NaN equals itself.
bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() &&
           (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

bool same_bits(const Outcome& a, const Outcome& b) {
    const bool empty = a.states.empty() && a.logits.empty();
    return !empty && same_bits(a.states, b.states) && same_bits(a.logits, b.logits);
}

class Checker {
  public:
    Checker(const StagedModel& model, const EngineOptions& options)
        : model_(model), options_(options), tokens_(check_tokens(model.vocabulary())) {}

    CutCheck against_whole(const std::filesystem::path& path) const {
        const Outcome expected = evaluate(Model::load(path, options_), options_, tokens_, {});
        Outcome state;
        for (size_t i = 0; i < model_.stages(); ++i) {
            state = evaluate(model_.load(i), options_, tokens_, state.states);
        }
        const bool same = same_bits(expected, state);
        return {same, fmt::format("{} tokens through {} stages give {} through the whole model",
                                  tokens_.size(), model_.stages(),
                                  same ? "the same bits as" : "other numbers than")};
    }

    CutCheck pairwise() const {
        size_t pairs = 0;
        for (const size_t first : different_pairs()) {
            if (!pair_is_same(first)) {
                return {false,
                        fmt::format("stages {} and {} give other numbers than one stage made "
                                    "of both",
                                    first + 1, first + 2)};
            }
            ++pairs;
        }
        return {true, fmt::format("{} pairs of neighbouring stages give the same bits as one stage "
                                  "made of both",
                                  pairs)};
    }

  private:
    // One of each kind of neighbours, and both ends.
    std::vector<size_t> different_pairs() const {
        using Kind = std::tuple<bool, bool, bool, bool>;
        const auto kind_of = [&](uint32_t layer) {
            const LayerFacts& facts = model_.anatomy().layers()[layer];
            return Kind{facts.recurrent, facts.attention, facts.windowed, facts.sparse};
        };
        std::set<std::pair<Kind, Kind>> seen;
        std::vector<size_t> pairs;
        for (size_t i = 0; i + 1 < model_.stages(); ++i) {
            const CutStage& stage = model_.plan().stages[i];
            const bool is_new =
                seen.insert({kind_of(stage.end() - 1), kind_of(stage.end())}).second;
            if (is_new || i == 0 || i + 2 == model_.stages()) pairs.push_back(i);
        }
        return pairs;
    }

    bool pair_is_same(size_t first) const {
        const CutStage& one = model_.plan().stages[first];
        const CutStage& two = model_.plan().stages[first + 1];
        const std::vector<float> start = first == 0 ? std::vector<float>{} : some_states();
        const CutStage both = cut_run(model_.anatomy(), one.begin(), two.end());
        const Outcome expected = evaluate(model_.load_run(both), options_, tokens_, start);
        const Outcome middle = evaluate(model_.load(first), options_, tokens_, start);
        return same_bits(expected,
                         evaluate(model_.load(first + 1), options_, tokens_, middle.states));
    }

    // About as large as states are, without a pattern.
    std::vector<float> some_states() const {
        const size_t rows = model_.state_rows();
        std::vector<float> states(tokens_.size() * rows * model_.width());
        for (size_t i = 0; i < states.size(); ++i) {
            const auto x = static_cast<float>(i);
            states[i] = std::sin(x) * std::cos(0.37F * x);
        }
        return states;
    }

    const StagedModel& model_;
    const EngineOptions& options_;
    std::vector<BatchToken> tokens_;
};

std::string header_text(const GgufFile& file) {
    std::string text = fmt::format("{} {}", file.file_bytes(), file.shape_hash());
    for (const KeyValue& key : file.keys()) text += fmt::format("\n{}={}", key.key, key.value);
    for (const TensorInfo& tensor : file.tensors()) {
        text += fmt::format("\n{} {} {}", tensor.name, tensor.type, tensor.offset);
    }
    return text;
}

}  // namespace

CutCheck check_cut(const std::filesystem::path& path, const EngineOptions& options,
                   const StageChoice& choice, bool whole_fits) {
    const StagedModel model(path, options, choice);
    if (!model.plan().whole.empty()) return {false, model.plan().whole};
    const Checker checker(model, options);
    return whole_fits ? checker.against_whole(path) : checker.pairwise();
}

std::string cut_check_key(const StagedModel& model, bool whole_fits) {
    const EngineDescription engine = describe_engine();
    std::string cuts;  // what the rules make of this file
    for (const CutStage& stage : model.plan().stages) {
        const std::vector<std::byte> header = make_segment(model.anatomy(), stage, {}).header;
        cuts += hash_text({reinterpret_cast<const char*>(header.data()), header.size()});
    }
    return hash_text(fmt::format("cut/1 {} {} {} {}{} {}\n{}", engine.llama, engine.ggml,
                                 engine.backend, engine.cpu, cuts, whole_fits,
                                 header_text(model.anatomy().file())));
}

}  // namespace bitgauge
