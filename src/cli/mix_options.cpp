#include "cli/mix_options.h"

#include <algorithm>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "cli/sizes.h"

namespace bitgauge {
namespace {

MixRule rule_of(const std::string& text) {
    const size_t sign = text.rfind('=');
    if (sign != std::string::npos && sign > 0 && sign + 1 < text.size()) {
        return {text.substr(0, sign), text.substr(sign + 1)};
    }
    throw Error(ErrorKind::kInput, fmt::format("'{}' is not PATTERN=VALUE", text),
                "for example ffn_down_exps=q4_K");
}

std::vector<MixRule> rules_of(const std::vector<std::string>& texts) {
    std::vector<MixRule> rules;
    rules.reserve(texts.size());
    for (const std::string& text : texts) rules.push_back(rule_of(text));
    return rules;
}

double weight_of(const MixRule& rule) {
    double weight = -1;
    if (CLI::detail::lexical_cast(rule.value, weight) && weight >= 0) return weight;
    throw Error(ErrorKind::kInput, fmt::format("'{}' is no weight", rule.value),
                "weights are numbers from 0 on: code=2");
}

bool is_iq(const std::string& type) {
    return type.starts_with("iq");
}

}  // namespace

void add_mix_options(CLI::App& command, MixArguments& a) {
    command.add_option("--pin", a.pins, "A type for a role or tensor: 'output*=q6_K', '*=keep'")
        ->type_name("ROLE=TYPE")
        ->group("Types");
    command.add_option("--min-bits", a.fewest_bits, "At least so many bits per weight")
        ->type_name("ROLE=BITS")
        ->group("Types");
    command.add_option("--pool", a.pools, "All tensors of the pattern together: '*_exps*=16GiB'")
        ->type_name("ROLE=SIZE")
        ->group("Types");
    command.add_option("--types", a.types, "Only these, separated by commas")
        ->type_name("TYPE")
        ->delimiter(',')
        ->group("Types");
    command.add_flag("--no-iq", a.no_iq, "No IQ types, which are slow on CPUs")->group("Types");
    command.add_flag("--ties", a.ties, "One type for gate and up, and for q, k and v, of a layer")
        ->group("Types");
    command.add_option("--weight", a.weights, "Of a stratum of the sweep's text: 'code=2'")
        ->type_name("NAME=NUMBER")
        ->group("Types");
    command.add_flag("--worst-stratum", a.worst, "Minimise the largest divergence of any stratum")
        ->group("Types");
}

MixOptions mix_options(const MixArguments& a) {
    MixOptions options{.types = a.types.empty() ? planned_types() : a.types,
                       .pins = rules_of(a.pins),
                       .fewest_bits = rules_of(a.fewest_bits),
                       .pools = rules_of(a.pools),
                       .ties = a.ties,
                       .worst_stratum = a.worst};
    for (MixRule& pool : options.pools) pool.value = std::to_string(parse_size(pool.value));
    for (const std::string& text : a.weights) {
        const MixRule rule = rule_of(text);
        options.stratum_weights[rule.pattern] = weight_of(rule);
    }
    if (a.no_iq) std::erase_if(options.types, is_iq);
    return options;
}

}  // namespace bitgauge
