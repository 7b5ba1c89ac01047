#include "store/record_json.h"

#include <cmath>
#include <concepts>
#include <limits>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

#include <fmt/format.h>

#include "bitgauge/error.h"

namespace bitgauge {
namespace {

// describe(field, value) lists each key of a struct once; writing and reading both walk that list,
// so they cannot drift apart.
template <class T, class U>
concept Either = std::same_as<std::remove_const_t<T>, U>;  // U or const U

void describe(auto& field, Either<Estimate> auto& e) {
    field("value", e.value);
    field("low", e.low);
    field("high", e.high);
}

void describe(auto& field, Either<ModelIdentity> auto& m) {
    field("file", m.file);
    field("name", m.name);
    field("publisher", m.publisher);
    field("label", m.label);
    field("architecture", m.architecture);
    field("content_hash", m.content_hash);
    field("size_bytes", m.size_bytes);
    field("parameters", m.parameters);
    field("bits_per_weight", m.bits_per_weight);
    field("type_bytes", m.type_bytes);
}

void describe(auto& field, Either<BaselineIdentity> auto& b) {
    field("key", b.key);
    field("kind", b.kind);
    field("precision", b.precision);
    field("original", b.original);
    field("self_kld_nats", b.self_kld_nats);
    field("head_check_max_abs_logit", b.head_check_max_abs);
    field("head_check_outcome", b.head_check_outcome);
    field.later("evaluation", b.evaluation);
}

void describe(auto& field, Either<ProtocolIdentity> auto& p) {
    field("name", p.name);
    field("window_tokens", p.window_tokens);
    field("warmup_tokens", p.warmup_tokens);
    field("adds_bos", p.adds_bos);
    field("sequences_per_batch", p.sequences_per_batch);
    field("tokens_per_ubatch", p.tokens_per_ubatch);
}

void describe(auto& field, Either<CorpusIdentity::File> auto& f) {
    field("name", f.name);
    field("stratum", f.stratum);
    field("content_hash", f.content_hash);
    field("documents", f.documents);
}

void describe(auto& field, Either<CorpusIdentity> auto& c) {
    field("key", c.key);
    field("files", c.files);
    field("documents", c.documents);
    field("windows", c.windows);
    field("scored_tokens", c.scored_tokens);
    field("cluster_unit", c.cluster_unit);
}

void describe(auto& field, Either<DivergenceSummary> auto& d) {
    field("mean", d.mean);
    field("median", d.median);
    field("p90", d.p90);
    field("p95", d.p95);
    field("p99", d.p99);
    field("p99_9", d.p999);
    field("maximum", d.maximum);
    field("naive_standard_error", d.naive_standard_error);
}

void describe(auto& field, Either<StratumSummary> auto& s) {
    field("name", s.name);
    field("scored_tokens", s.scored_tokens);
    field("documents", s.documents);
    field("kld_nats", s.kld_nats);
    field("ppl_ratio", s.ppl_ratio);
    field("same_top_share", s.same_top);
}

void describe(auto& field, Either<PositionBucket> auto& b) {
    field("first", b.first);
    field("last", b.last);
    field("scored_tokens", b.scored_tokens);
    field("kld_nats", b.kld_nats);
}

void describe(auto& field, Either<LogHistogram> auto& h) {
    field("log10_edges", h.log10_edges);
    field("counts", h.counts);
}

void describe(auto& field, Either<ClusterSeries> auto& c) {
    field("stratum", c.stratum);
    field("tokens", c.tokens);
    field("kld_sum_nats", c.kld_sum);
    field("nll_sum_nats", c.nll_sum);
    field("nll_original_sum_nats", c.nll_original_sum);
    field("same_top_sum", c.same_top_sum);
}

void describe(auto& field, Either<BuildIdentity> auto& b) {
    field("bitgauge", b.bitgauge);
    field("llama", b.llama);
    field("ggml", b.ggml);
    field("backend", b.backend);
    field("cpu", b.cpu);
    field("threads", b.threads);
    field.later("evaluation", b.evaluation);
}

void describe(auto& field, Either<MeasureRecord> auto& r) {
    field("key", r.key);
    field("created_utc", r.created_utc);
    field("model", r.model);
    field("baseline", r.baseline);
    field("protocol", r.protocol);
    field("corpus", r.corpus);
    field("scored_positions", r.scored_positions);
    field("nonfinite_positions", r.nonfinite_positions);
    field("complete", r.complete);
    field("kld_nats", r.kld_nats);
    field("noise_floor_nats", r.noise_floor_nats);
    field("ppl", r.ppl);
    field("ppl_original", r.ppl_original);
    field("ppl_ratio", r.ppl_ratio);
    field("ln_ppl_ratio", r.ln_ppl_ratio);
    field("same_top_share", r.same_top);
    field("mean_delta_p", r.mean_delta_p);
    field("rms_delta_p", r.rms_delta_p);
    field("strata", r.strata);
    field("by_position", r.by_position);
    field("histogram_of_log10_kld", r.histogram);
    field("clusters", r.clusters);
    field("build", r.build);
    field("elapsed_s", r.elapsed_s);
    field("peer_statistics", r.peer_statistics);
}

// ------------------------------------------------------------------------------------- writing

template <class T>
Json encode(const T& value);

struct Writer {
    Json json = Json::object();
    void operator()(const char* name, const auto& value) { json[name] = encode(value); }
    void later(const char* name, const std::string& value) {
        if (!value.empty()) (*this)(name, value);
    }
};

Json encode_number(double value) {
    if (std::isnan(value)) return nullptr;
    if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
    return value;
}

template <class T>
Json encode_list(const std::vector<T>& list) {
    Json json = Json::array();
    for (const T& value : list) json.push_back(encode(value));
    return json;
}

template <class T>
Json encode_map(const std::map<std::string, T>& map) {
    Json json = Json::object();
    for (const auto& [name, value] : map) json[name] = encode(value);
    return json;
}

template <class T>
Json encode(const T& value) {
    if constexpr (std::same_as<T, double>) {
        return encode_number(value);
    } else if constexpr (std::integral<T> || std::same_as<T, std::string>) {
        return value;
    } else if constexpr (requires { typename T::mapped_type; }) {
        return encode_map(value);
    } else if constexpr (requires { value.data(); }) {
        return encode_list(value);
    } else {
        Writer writer;
        describe(writer, value);
        return std::move(writer.json);
    }
}

// ------------------------------------------------------------------------------------- reading

[[noreturn]] void fail(const std::string& path, const std::string& problem) {
    throw Error(ErrorKind::kInput, fmt::format("the record's \"{}\" {}", path, problem),
                "the text was damaged or written by another program; measure again");
}

template <class T>
void decode(const Json& json, T& value, const std::string& path);

struct Reader {
    const Json& json;
    std::string path;

    void operator()(const char* name, auto& value) const {
        const std::string inner = path.empty() ? name : path + "." + name;
        const auto found = json.find(name);
        if (found == json.end()) fail(inner, "is missing");
        decode(*found, value, inner);
    }
    // What records of earlier versions do not have.
    void later(const char* name, auto& value) const {
        if (json.contains(name)) (*this)(name, value);
    }
};

void decode_number(const Json& json, double& value, const std::string& path) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    if (json.is_null())
        value = std::numeric_limits<double>::quiet_NaN();
    else if (json == "inf")
        value = kInfinity;
    else if (json == "-inf")
        value = -kInfinity;
    else if (json.is_number())
        value = json.get<double>();
    else
        fail(path, "is not a number");
}

template <std::unsigned_integral T>
void decode_count(const Json& json, T& value, const std::string& path) {
    if (!json.is_number_unsigned() || json.get<uint64_t>() > std::numeric_limits<T>::max()) {
        fail(path, "is not a whole number in its range");
    }
    value = json.get<T>();
}

template <class T>
void decode_list(const Json& json, std::vector<T>& list, const std::string& path) {
    if (!json.is_array()) fail(path, "is not a list");
    list.resize(json.size());
    for (size_t i = 0; i < list.size(); ++i) decode(json[i], list[i], path);
}

template <class T>
void decode_map(const Json& json, std::map<std::string, T>& map, const std::string& path) {
    if (!json.is_object()) fail(path, "is not an object");
    map.clear();
    for (const auto& [name, value] : json.items()) decode(value, map[name], path);
}

template <class T>
void decode(const Json& json, T& value, const std::string& path) {
    if constexpr (std::same_as<T, double>) {
        decode_number(json, value, path);
    } else if constexpr (std::same_as<T, bool>) {
        if (!json.is_boolean()) fail(path, "is neither true nor false");
        value = json.get<bool>();
    } else if constexpr (std::unsigned_integral<T>) {
        decode_count(json, value, path);
    } else if constexpr (std::same_as<T, std::string>) {
        if (!json.is_string()) fail(path, "is not a text");
        value = json.get<std::string>();
    } else if constexpr (requires { typename T::mapped_type; }) {
        decode_map(json, value, path);
    } else if constexpr (requires { value.data(); }) {
        decode_list(json, value, path);
    } else {
        if (!json.is_object()) fail(path, "is not an object");
        const Reader reader{json, path};
        describe(reader, value);
    }
}

void require_schema(const Json& json) {
    const auto found = json.is_object() ? json.find("schema") : json.end();
    const std::string schema =
        found != json.end() && found->is_string() ? found->get<std::string>() : "none";
    if (json.is_object() && schema == MeasureRecord::kSchema) return;
    throw Error(ErrorKind::kInput,
                fmt::format("the record's schema is \"{}\", this program reads \"{}\"", schema,
                            MeasureRecord::kSchema),
                "use the version of bitgauge that wrote it, or measure again");
}

}  // namespace

Json to_json(const MeasureRecord& record) {
    Writer writer;
    writer.json["schema"] = MeasureRecord::kSchema;
    describe(writer, record);
    return std::move(writer.json);
}

MeasureRecord record_from_json(const Json& json) {
    require_schema(json);
    MeasureRecord record;
    const Reader reader{json, ""};
    describe(reader, record);
    return record;
}

}  // namespace bitgauge
