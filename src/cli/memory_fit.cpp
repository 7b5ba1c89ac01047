#include "cli/memory_fit.h"

#include <charconv>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/hardware.h"
#include "bitgauge/qtype.h"

#include "base/units.h"

namespace bitgauge {
namespace {

constexpr uint64_t kCallTokens = 512;  // llama.cpp's own choice
constexpr uint64_t kMostTokens = 1U << 30U;

// Numbers of 16 bits in another type.
uint64_t in_type(uint64_t bytes, const std::string& type) {
    return static_cast<uint64_t>(static_cast<double>(bytes) * find_type(type)->bits_per_weight() /
                                 16);
}

std::string rate_text(double tokens) {
    return tokens < 100 ? fmt::format("{:.3g}", tokens) : fmt::format("{:.0f}", tokens);
}

std::string beside_text(const MemoryFit& fit) {
    return fmt::format("{} of keys and values ({} tokens, {}){}, {} of one call",
                       format_bytes(fit.keys_values), format_count(fit.wish.tokens), fit.wish.type,
                       fit.recurrent > 0
                           ? fmt::format(", {} of recurrent states", format_bytes(fit.recurrent))
                           : "",
                       format_bytes(fit.compute));
}

void require_room(const MemoryFit& fit, uint64_t smallest) {
    if (fit.beside() + smallest <= fit.wish.memory) return;
    throw Error(ErrorKind::kInput,
                fmt::format("{} hold no file of this model: the smallest has {}, and beside it "
                            "are {}, so it takes {}",
                            format_bytes(fit.wish.memory), format_bytes(smallest), beside_text(fit),
                            format_bytes(fit.beside() + smallest)),
                "take a smaller --ctx, --kv q8_0, or allow smaller types");
}

}  // namespace

MemoryFit fit_memory(const GgufFile& model, const MemoryWish& wish, uint64_t smallest) {
    const EvaluationMemory needs = evaluation_memory(model, wish.tokens, 1, kCallTokens);
    MemoryFit fit{.wish = wish,
                  .keys_values = in_type(needs.keys_values, wish.type),
                  .recurrent = needs.recurrent,
                  .compute = needs.compute};
    require_room(fit, smallest);
    return fit;
}

double DecodeBytes::most_tokens(bool full_context) const {
    return *bandwidth / static_cast<double>(weights + (full_context ? keys_values : 0));
}

std::string memory_text(const MemoryFit& fit, uint64_t file_bytes) {
    return fmt::format("memory      {}: {} of weights, {}; {} are left\n",
                       format_bytes(fit.wish.memory), format_bytes(file_bytes), beside_text(fit),
                       format_bytes(fit.left() - file_bytes));
}

std::string decode_text(const DecodeBytes& decode) {
    std::string text = fmt::format("each token  reads {} of weights", format_bytes(decode.weights));
    if (decode.keys_values > 0) {
        text += fmt::format(" and up to {} of keys and values", format_bytes(decode.keys_values));
    }
    if (!decode.bandwidth) return text + "\n";
    text += fmt::format("\nestimate    at most {} tokens/s", rate_text(decode.most_tokens(false)));
    if (decode.keys_values > 0) {
        text += fmt::format(", {} at the context's end", rate_text(decode.most_tokens(true)));
    }
    return text + fmt::format(": if memory is read at {:.3g} GB/s and nothing else takes time\n",
                              *decode.bandwidth / 1e9);
}

Json memory_json(const MemoryFit& fit) {
    return {{"memory_bytes", fit.wish.memory},     {"context_tokens", fit.wish.tokens},
            {"key_value_type", fit.wish.type},     {"key_value_bytes", fit.keys_values},
            {"recurrent_bytes", fit.recurrent},    {"compute_bytes", fit.compute},
            {"left_for_weights_bytes", fit.left()}};
}

Json decode_json(const DecodeBytes& decode) {
    Json json = {{"weight_bytes_per_token", decode.weights}};
    if (decode.keys_values > 0) json["most_key_value_bytes_per_token"] = decode.keys_values;
    if (decode.bandwidth) {
        json["assumed_bandwidth_bytes_per_s"] = *decode.bandwidth;
        json["most_tokens_per_s"] = decode.most_tokens(false);
        json["most_tokens_per_s_at_full_context"] = decode.most_tokens(true);
    }
    return json;
}

uint64_t parse_tokens(const std::string& text) {
    uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [rest, failure] = std::from_chars(text.data(), end, number);
    const std::string unit(rest, end);
    const uint64_t factor = unit == "k" || unit == "K" ? 1024 : 1;
    const bool valid = failure == std::errc() && (unit.empty() || factor > 1);
    if (!valid || number == 0 || number > kMostTokens / factor) {
        throw Error(ErrorKind::kInput, fmt::format("'{}' is no number of tokens", text),
                    "for example 32768 or 32k");
    }
    return number * factor;
}

}  // namespace bitgauge
