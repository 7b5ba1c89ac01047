#include "cost/mix_items.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"

#include "base/units.h"

#include "cost/disturbance.h"
#include "recipe/matcher.h"

namespace bitgauge {
namespace {

constexpr uint64_t kAlignment = 32;  // of tensors in a GGUF file

bool is_meant(const TensorCost& tensor, const std::string& pattern) {
    return matches_pattern(pattern, tensor.role) || matches_pattern(pattern, tensor.tensor);
}

[[noreturn]] void refuse(const std::string& what, const std::string& hint) {
    throw Error(ErrorKind::kInput, what, hint);
}

void require_match(const SweepTable& table, const MixRule& rule) {
    const auto meant = [&](const TensorCost& tensor) { return is_meant(tensor, rule.pattern); };
    if (std::ranges::any_of(table.tensors, meant)) return;
    refuse(fmt::format("no tensor that is quantized matches '{}'", rule.pattern),
           "patterns are over roles (ffn_down_exps) or whole names, with * and ?");
}

const QType& known_type(const std::string& name) {
    const QType* type = find_type(name);
    if (type != nullptr && !type->ik_only) return *type;
    refuse(fmt::format("there is no type '{}'", name), "names are ggml's: q4_K, iq3_s, q8_0");
}

double number_of(const MixRule& rule) {
    char* end = nullptr;
    const double value = std::strtod(rule.value.c_str(), &end);
    if (end != rule.value.c_str() && *end == '\0' && value >= 0) return value;
    refuse(fmt::format("'{}={}' is no number", rule.pattern, rule.value), "give bits or bytes");
}

class Choices {
  public:
    Choices(const ModelHeader& model, const SweepTable& table,
            const std::vector<Sensitivity>& sensitivities, const MixOptions& options, double norm)
        : model_(model),
          table_(table),
          sensitivities_(sensitivities),
          options_(options),
          norm_(norm) {
        for (const auto* rules : {&options.pins, &options.fewest_bits, &options.pools}) {
            for (const MixRule& rule : *rules) require_match(table, rule);
        }
        for (const std::string& type : options.types.empty() ? planned_types() : options.types) {
            types_.push_back(known_type(type).name);
        }
        weigh_strata();
    }

    PlanItem item_of(size_t i) const {
        const TensorCost& tensor = table_.tensors[i];
        const TensorInfo& info = tensor_of(model_, tensor.tensor);
        PlanItem item{.name = tensor.tensor};
        for (const std::string& type : types_for(tensor, info)) {
            const uint64_t bytes = padded_bytes(info, type);
            item.options.push_back({.type = type,
                                    .bytes = bytes,
                                    .cost = factors_of(i, type),
                                    .use = uses_of(tensor, type, bytes)});
        }
        if (item.options.empty()) {
            refuse(fmt::format("no type is left for '{}'", tensor.tensor),
                   "allow more types, or fewer bits");
        }
        return item;
    }

    // Its smooth nats and switching power in a type, strata weighed.
    Disturbed parts_of(size_t i, const std::string& type) const {
        const double error = table_.tensors[i].errors.at(type);
        const double weight = weight_of(i, error);
        const Disturbed parts = disturbed(sensitivities_[i], error);
        return {weight * parts.smooth, std::pow(weight * parts.switching, norm_)};
    }

    // One factor per domain of the plan: strata only where the worst of them counts.
    std::vector<double> factors_of(size_t i, const std::string& type) const {
        if (!options_.worst_stratum) return {1.0};
        return strata_of(i, table_.tensors[i].errors.at(type));
    }

    std::vector<PlanLimit> pools() const {
        std::vector<PlanLimit> limits;
        for (const MixRule& rule : options_.pools)
            limits.push_back({rule.pattern, number_of(rule)});
        if (is_timed()) limits.push_back({"seconds per token", options_.most_seconds});
        return limits;
    }

    PlanAim aim() const { return {.worst_domain = options_.worst_stratum}; }

  private:
    bool is_timed() const { return std::isfinite(options_.most_seconds); }

    bool has_speed(const TensorCost& tensor, const std::string& type) const {
        return !is_timed() || find_seconds(options_.seconds, tensor.tensor, type).has_value();
    }

    void weigh_strata() {
        if (options_.stratum_weights.empty()) return;
        weights_.assign(table_.strata.size(), 1.0);
        for (const auto& [name, weight] : options_.stratum_weights) {
            const auto found = std::ranges::find(table_.strata, name);
            if (found == table_.strata.end()) {
                refuse(fmt::format("the sweep's text has no stratum '{}'", name),
                       fmt::format("it has {}", some_of(table_.strata)));
            }
            weights_[static_cast<size_t>(found - table_.strata.begin())] = weight;
        }
    }

    std::optional<std::string> pinned(const TensorCost& tensor, const TensorInfo& info) const {
        std::optional<std::string> type;
        const std::string* by = nullptr;
        for (const MixRule& pin : options_.pins) {
            if (!is_meant(tensor, pin.pattern)) continue;
            const std::string wanted = pin.value == "keep" ? info.type : known_type(pin.value).name;
            if (type && *type != wanted) {
                refuse(fmt::format("'{}' is pinned to {} by '{}' and to {} by '{}'", tensor.tensor,
                                   *type, *by, wanted, pin.pattern),
                       "leave out one of them");
            }
            type = wanted;
            by = &pin.pattern;
        }
        return type;
    }

    double fewest_bits(const TensorCost& tensor) const {
        double bits = 0;
        for (const MixRule& rule : options_.fewest_bits) {
            if (is_meant(tensor, rule.pattern)) bits = std::max(bits, number_of(rule));
        }
        return bits;
    }

    std::vector<std::string> types_for(const TensorCost& tensor, const TensorInfo& info) const {
        if (const auto pin = pinned(tensor, info)) {
            if (!has_speed(tensor, *pin)) {
                refuse(fmt::format("'{}' is pinned to {}, whose speed is not known", tensor.tensor,
                                   *pin),
                       "time it as well: bitgauge bench --types --json");
            }
            if (tensor.errors.contains(*pin)) return {*pin};
            refuse(fmt::format("'{}' cannot be {}", tensor.tensor, *pin),
                   "its rows are no whole blocks of it, or it needs importance (-i)");
        }
        const double fewest = fewest_bits(tensor);
        std::vector<std::string> allowed;
        if (has_speed(tensor, info.type)) allowed.push_back(info.type);
        for (const std::string& type : types_) {
            if (!has_speed(tensor, type)) continue;
            if (type == info.type || !tensor.errors.contains(type)) continue;
            if (find_type(type)->bits_per_weight() >= fewest) allowed.push_back(type);
        }
        return allowed;
    }

    // What the tensor does to each stratum, over what it does to the whole text.
    std::vector<double> strata_of(size_t i, double error) const {
        const auto& anchor = sensitivities_[i].anchor_near(error);
        std::vector<double> factors(table_.strata.size(), 1.0);
        if (anchor.cluster_sums.empty()) return factors;
        std::vector<double> sums(factors.size()), tokens(factors.size());
        for (size_t c = 0; c < table_.cluster_tokens.size(); ++c) {
            tokens[table_.cluster_stratum[c]] += table_.cluster_tokens[c];
            sums[table_.cluster_stratum[c]] += anchor.cluster_sums[c];
        }
        for (size_t d = 0; d < sums.size(); ++d) {
            if (tokens[d] > 0) factors[d] = std::max(0.0, sums[d] / tokens[d] / anchor.nats);
        }
        return factors;
    }

    double weight_of(size_t i, double error) const {
        if (weights_.empty()) return 1;
        const std::vector<double> factors = strata_of(i, error);
        double sum = 0, all = 0;
        for (size_t d = 0; d < weights_.size(); ++d) {
            sum += weights_[d] * factors[d];
            all += weights_[d];
        }
        return all > 0 ? sum / all : 1;
    }

    std::vector<double> uses_of(const TensorCost& tensor, const std::string& type,
                                uint64_t bytes) const {
        std::vector<double> uses;
        for (const MixRule& pool : options_.pools) {
            uses.push_back(is_meant(tensor, pool.pattern) ? static_cast<double>(bytes) : 0.0);
        }
        if (is_timed()) uses.push_back(*find_seconds(options_.seconds, tensor.tensor, type));
        return uses;
    }

    const ModelHeader& model_;
    const SweepTable& table_;
    const std::vector<Sensitivity>& sensitivities_;
    const MixOptions& options_;
    double norm_;
    std::vector<std::string> types_;
    std::vector<double> weights_;  // of strata; empty: as the text has them
};

// Roles that share their input and are evaluated together.
std::string tie_group(const TensorCost& tensor) {
    const std::string& r = tensor.role;
    if (r == "attn_q" || r == "attn_k" || r == "attn_v") return "attn_qkv";
    if (r.starts_with("ffn_gate") || r.starts_with("ffn_up")) {
        return "ffn_gate_up" +
               r.substr(r.find('_', 4) == std::string::npos ? r.size() : r.find('_', 4));
    }
    return "";
}

std::vector<std::vector<size_t>> groups_of(const SweepTable& table, bool ties) {
    std::map<std::string, std::vector<size_t>> tied;
    std::vector<std::vector<size_t>> groups;
    for (size_t i = 0; i < table.tensors.size(); ++i) {
        const std::string group = ties ? tie_group(table.tensors[i]) : "";
        if (group.empty()) {
            groups.push_back({i});
        } else {
            tied[fmt::format("{} {}", table.tensors[i].layer, group)].push_back(i);
        }
    }
    for (auto& [name, members] : tied) groups.push_back(members);
    return groups;
}

uint64_t bytes_of_the_rest(const ModelHeader& model, const SweepTable& table) {
    uint64_t bytes = model.other_bytes;
    for (const TensorInfo& tensor : model.tensors) {
        const bool swept = std::ranges::any_of(
            table.tensors, [&](const TensorCost& one) { return one.tensor == tensor.name; });
        if (!swept) bytes += padded_bytes(tensor, tensor.type);
    }
    return bytes;
}

// What each option of the last item comes to; factors of tied tensors count by their nats.
void add_parts(MixItems& mix, const std::vector<size_t>& members, const Choices& choices,
               double norm) {
    mix.smooth.emplace_back();
    mix.switching.emplace_back();
    for (PlanOption& option : mix.items.back().options) {
        Disturbed sum;
        double whole = 0;
        std::vector<double> strata(option.cost.size());
        for (const size_t i : members) {
            const Disturbed parts = choices.parts_of(i, option.type);
            sum.smooth += parts.smooth;
            sum.switching += parts.switching;
            const double nats = parts.smooth + std::pow(parts.switching, 1 / norm);
            const std::vector<double> factors = choices.factors_of(i, option.type);
            for (size_t d = 0; d < strata.size(); ++d) strata[d] += nats * factors[d];
            whole += nats;
        }
        mix.smooth.back().push_back(sum.smooth);
        mix.switching.back().push_back(sum.switching);
        for (size_t d = 0; d < strata.size() && whole > 0; ++d) option.cost[d] = strata[d] / whole;
    }
}

}  // namespace

std::optional<double> find_seconds(const MixSeconds& seconds, const std::string& tensor,
                                   const std::string& type) {
    const auto types = seconds.find(tensor);
    if (types == seconds.end()) return std::nullopt;
    const auto found = types->second.find(type);
    if (found == types->second.end()) return std::nullopt;
    return found->second;
}

uint64_t padded_bytes(const TensorInfo& tensor, const std::string& type) {
    const uint64_t width = tensor.shape[0];
    const uint64_t bytes = tensor.elements() / width * find_type(type)->row_bytes(width);
    return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

const TensorInfo& tensor_of(const ModelHeader& model, const std::string& name) {
    const auto found = std::ranges::find(model.tensors, name, &TensorInfo::name);
    if (found != model.tensors.end()) return *found;
    refuse(fmt::format("the sweep is of another model: this one has no tensor '{}'", name),
           "sweep this model, or name the store with its sweep");
}

MixItems mix_items(const ModelHeader& model, const SweepTable& table,
                   const std::vector<Sensitivity>& sensitivities, const MixOptions& options,
                   double norm) {
    const Choices choices(model, table, sensitivities, options, norm);
    MixItems mix{.members = groups_of(table, options.ties),
                 .pools = choices.pools(),
                 .aim = choices.aim(),
                 .other_bytes = bytes_of_the_rest(model, table)};
    for (const auto& members : mix.members) {
        std::vector<PlanItem> items;
        items.reserve(members.size());
        for (const size_t i : members) items.push_back(choices.item_of(i));
        mix.items.push_back(items.size() == 1 ? items.front()
                                              : tie_items(items.front().name, items));
        add_parts(mix, members, choices, norm);
    }
    return mix;
}

}  // namespace bitgauge
