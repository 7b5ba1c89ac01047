#include <map>

#include <fmt/format.h>

#include "cli/importance_report.h"

namespace bitgauge {
namespace {

const char* name_of(SourceText::State state) {
    switch (state) {
        case SourceText::State::kSame:
            return "same";
        case SourceText::State::kUnchecked:
            return "unchecked";
        case SourceText::State::kChanged:
            return "changed";
        case SourceText::State::kGone:
            break;
    }
    return "gone";
}

Json file_json(const ImportanceReport& report) {
    const Importance& file = *report.file;
    Json sources = Json::array();
    for (const SourceText& source : report.sources) {
        sources.push_back({{"path", source.path}, {"state", name_of(source.state)}});
    }
    Json strata = Json::array();
    for (const auto& stratum : file.made().strata) {
        strata.push_back({{"name", stratum.name},
                          {"documents", stratum.documents},
                          {"windows", stratum.windows},
                          {"tokens", stratum.tokens}});
    }
    return {{"path", file.path().string()},
            {"hash", file.content_hash()},
            {"format", file.is_gguf() ? "gguf" : "dat"},
            {"chunks", file.chunks()},
            {"chunk_tokens", file.chunk_size()},
            {"bitgauge", file.made().bitgauge},
            {"llama", file.made().llama},
            {"model", file.made().model},
            {"model_hash", file.made().model_hash},
            {"protocol", file.made().protocol},
            {"texts", sources},
            {"strata", strata}};
}

Json tensors_json(const ImportanceReport& report) {
    std::map<std::string, Json> tensors;
    for (const ImportanceCoverage& one : report.audit.coverage) {
        tensors[one.tensor]["tokens"] = one.rows;
        tensors[one.tensor]["effective_tokens"] = one.effective_rows;
    }
    for (const ImportanceEnergy& one : report.contents.energy) {
        Json& tensor = tensors[one.tensor];
        tensor["channels"] = one.channels;
        tensor["mean_square"] = one.mean_square;
        tensor["top_hundredth_share"] = one.top_share;
        tensor["effective_channels"] = one.effective_channels;
        tensor["silent_channels"] = one.silent;
    }
    Json all = Json::array();
    for (const auto& [name, values] : tensors) {
        Json tensor = {{"tensor", name}, {"role", tensor_role(name)}};
        tensor.update(values);
        all.push_back(std::move(tensor));
    }
    return all;
}

Json findings_json(const ImportanceReport& report) {
    Json mismatched = Json::array();
    for (const auto& one : report.audit.mismatched) {
        mismatched.push_back(
            {{"tensor", one.tensor}, {"values", one.values}, {"expected", one.channels}});
    }
    Json bad = Json::array();
    for (const BadImportance& one : report.contents.bad) {
        bad.push_back({{"tensor", one.tensor},
                       {"values", one.values},
                       {"first", fmt::format("{}", one.value)},
                       {"matrix", one.matrix},
                       {"channel", one.channel}});
    }
    Json rare = Json::array();
    for (const RareExpert& one : report.rare) {
        rare.push_back({{"tensor", one.tensor},
                        {"expert", one.expert},
                        {"tokens", one.rows},
                        {"share", one.share}});
    }
    return {{"missing", report.audit.missing},           {"mismatched", mismatched},
            {"strangers", report.audit.strangers},       {"bad", bad},
            {"min_expert_tokens", report.fewest_tokens}, {"rare_experts", rare}};
}

Json overlaps_json(const ImportanceReport& report) {
    Json all = Json::array();
    for (const OverlapWithText& one : report.overlaps) {
        all.push_back({{"text", one.name},
                       {"words", report.gram_words},
                       {"share", one.overlap.share},
                       {"grams", one.overlap.grams},
                       {"shared", one.overlap.shared},
                       {"examples", one.overlap.examples}});
    }
    return all;
}

}  // namespace

Json importance_json(const ImportanceReport& report) {
    Json record = {{"schema", "bitgauge.imatrix-audit/1"},
                   {"file", file_json(report)},
                   {"model", report.model},
                   {"tensors_to_encode", report.to_encode}};
    record.update(findings_json(report));
    record["tensors"] = tensors_json(report);
    record["overlaps"] = overlaps_json(report);
    return record;
}

}  // namespace bitgauge
