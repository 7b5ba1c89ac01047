#pragma once

// The keys of records as they stand in JSON, one list per struct; private to this room.

#include <concepts>
#include <type_traits>

#include "bitgauge/drift_record.h"
#include "bitgauge/record.h"
#include "bitgauge/sweep_table.h"
#include "bitgauge/task_record.h"

namespace bitgauge {

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

void describe(auto& field, Either<TaskSettings> auto& s) {
    field("by_likelihood", s.by_likelihood);
    field("answer_tokens", s.answer_tokens);
    field("thinking", s.thinking);
    field("temperature", s.temperature);
    field("top_k", s.top_k);
    field("top_p", s.top_p);
    field("min_p", s.min_p);
    field("seed", s.seed);
    field.later("shots", s.shots);
}

void describe(auto& field, Either<TaskSeries> auto& s) {
    field("question", s.question);
    field("set", s.set);
    field("cluster", s.cluster);
    field("right", s.right);
}

void describe(auto& field, Either<TaskFailures> auto& f) {
    field("budget", f.budget);
    field("too_long", f.too_long);
    field("not_finite", f.not_finite);
    field("unreadable", f.unreadable);
}

void describe(auto& field, Either<TaskRecord> auto& r) {
    field("key", r.key);
    field("created_utc", r.created_utc);
    field("model", r.model);
    field("mix", r.mix);
    field("questions_key", r.questions_key);
    field("settings", r.settings);
    field("sets", r.sets);
    field("clusters", r.clusters);
    field("answers", r.answers);
    field("failures", r.failures);
    field("written_tokens", r.written_tokens);
    field("build", r.build);
    field("elapsed_s", r.elapsed_s);
}

void describe(auto& field, Either<DriftSeries> auto& s) {
    field("stratum", s.stratum);
    field("cluster", s.cluster);
    field("same_tokens", s.same_tokens);
}

void describe(auto& field, Either<DriftRecord> auto& r) {
    field("key", r.key);
    field("created_utc", r.created_utc);
    field("model", r.model);
    field("baseline_key", r.baseline_key);
    field("original", r.original);
    field("beginnings_key", r.beginnings_key);
    field("prompt_tokens", r.prompt_tokens);
    field("tokens", r.tokens);
    field("parallel", r.parallel);
    field("strata", r.strata);
    field("clusters", r.clusters);
    field("beginnings", r.beginnings);
    field("floor_same_tokens", r.floor_same_tokens);
    field("build", r.build);
    field("elapsed_s", r.elapsed_s);
}

void describe(auto& field, Either<Probe> auto& p) {
    field("type", p.type);
    field("error", p.error);
    field("kld_nats", p.kld_nats);
    field("cluster_kld_sum_nats", p.cluster_kld);
}

void describe(auto& field, Either<TensorCost> auto& t) {
    field("tensor", t.tensor);
    field("role", t.role);
    field("layer", t.layer);
    field("weights", t.weights);
    field("errors", t.errors);
    field("probes", t.probes);
}

void describe(auto& field, Either<MeasuredMix> auto& m) {
    field("name", m.name);
    field("types", m.types);
    field("record_key", m.record_key);
    field("corpus_key", m.corpus_key);
    field("probes_text", m.probes_text);
    field("kld_nats", m.kld_nats);
}

void describe(auto& field, Either<SweepTable> auto& s) {
    field("key", s.key);
    field("created_utc", s.created_utc);
    field("original", s.original);
    field("importance_file", s.importance_file);
    field("importance_hash", s.importance_hash);
    field("protocol", s.protocol);
    field("corpus", s.corpus);
    field("build", s.build);
    field("strata", s.strata);
    field("cluster_stratum", s.cluster_stratum);
    field("cluster_tokens", s.cluster_tokens);
}

}  // namespace bitgauge
