// The main job on the small models, against libllama's own logits and the definitions in double.

#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "eval/baseline_reader.h"
#include "eval/baseline_testing.h"
#include "eval/capture.h"
#include "eval/log_probability_rows.h"
#include "eval/positions_file.h"
#include "gguf/model_copy_testing.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

// Whole logits of every scored position, as libllama gives them, windows in order.
class LogitCollector : public PassObserver {
  public:
    void on_position(size_t window, uint32_t position, const Context& context,
                     size_t index) override {
        const auto row = context.logits(index);
        rows[{window, position}] = {row.begin(), row.end()};
    }
    std::map<std::pair<size_t, uint32_t>, std::vector<float>> rows;
};

std::vector<std::vector<float>> libllamas_logits(const fs::path& model_path,
                                                 const BaselineReader& baseline) {
    const Model model = Model::load(model_path, one_thread());
    const PassShape shape = baseline.manifest().pass_shape();
    Context context(model, {shape.window_tokens, shape.sequences, shape.ubatch_tokens},
                    one_thread());
    LogitCollector collector;
    const auto& windows = baseline.windows().windows;
    for (const WindowBatch& batch :
         batch_windows(windows, shape.sequences, baseline.manifest().windows_per_shard)) {
        run_batch(context, shape, windows, batch, Context::Depth::kLogits, collector);
    }
    std::vector<std::vector<float>> logits;
    for (auto& [place, row] : collector.rows) logits.push_back(std::move(row));
    return logits;
}

struct Truth {
    std::vector<double> kld, nll, nll_original;
    double mean_kld() const {
        return std::accumulate(kld.begin(), kld.end(), 0.0) / static_cast<double>(kld.size());
    }
};

Truth truth_of(const fs::path& original, const fs::path& candidate,
               const BaselineReader& baseline) {
    const auto l = libllamas_logits(original, baseline);
    const auto m = libllamas_logits(candidate, baseline);
    const auto next = baseline.next_tokens({0, baseline.windows().windows.size()});
    Truth truth;
    for (size_t i = 0; i < l.size(); ++i) {
        const std::vector<double> p = log_softmax_in_double(l[i]);
        const std::vector<double> q = log_softmax_in_double(m[i]);
        double kld = 0;
        for (size_t v = 0; v < p.size(); ++v) kld += std::exp(p[v]) * (p[v] - q[v]);
        truth.kld.push_back(kld);
        truth.nll.push_back(-q[static_cast<size_t>(next[i])]);
        truth.nll_original.push_back(-p[static_cast<size_t>(next[i])]);
    }
    return truth;
}

void expect_near(const std::vector<double>& got, const std::vector<double>& wanted,
                 double tolerance, const char* what) {
    ASSERT_EQ(got.size(), wanted.size());
    for (size_t i = 0; i < got.size(); ++i) {
        EXPECT_NEAR(got[i], wanted[i], tolerance) << what << " of position " << i;
    }
}

CaptureJob job_of(const fs::path& baseline, const fs::path& model, CaptureKind kind,
                  const fs::path& out) {
    const BaselineManifest manifest = read_manifest({baseline});
    make_folder(out);
    return {.kind = kind,
            .baseline = baseline,
            .model = model,
            .windows = BaselineFolder{baseline}.windows(),
            .out = out,
            .identity = "key",
            .precision = StatePrecision::kF32,
            .shape = manifest.pass_shape(),
            .windows_per_shard = manifest.windows_per_shard,
            .shards = {0},
            .engine = one_thread()};
}

// Figures of the candidate by way of its final states and its head.
PositionValues by_states(const fs::path& baseline_folder, const fs::path& candidate,
                         const fs::path& out) {
    const CaptureReport report =
        capture(job_of(baseline_folder, candidate, CaptureKind::kStates, out), silent_progress());
    EXPECT_TRUE(report.check.reproduced) << report.check.outcome;
    const BaselineReader baseline(baseline_folder);
    const ModelHead head(candidate,
                         HeadReading{.scale = report.check.scale, .softcap = report.check.softcap});
    const StatesShard shard(shard_path(CaptureKind::kStates, out, 0), StatePrecision::kF32,
                            head.head().width());
    std::vector<float> states(shard.positions() * head.head().width());
    shard.read(0, states);
    const HeadTiles tiles(head.head(), states);
    const LogitTiles* const candidates[] = {&tiles};
    const auto original = baseline.open_shard(0);
    const auto next = baseline.next_tokens(shard_range(baseline.manifest(), 0));
    return diverge(*original->range(0, shard.positions()), candidates, next, baseline.reading())
        .front();
}

// ... and from whole logits at once.
PositionValues by_logits(const fs::path& baseline, const fs::path& candidate, const fs::path& out) {
    capture(job_of(baseline, candidate, CaptureKind::kDivergence, out), silent_progress());
    return read_positions(shard_path(CaptureKind::kDivergence, out, 0));
}

struct Pair {
    std::string name;
    fs::path original;
    const char* type;
};

class CaptureKinds : public testing::TestWithParam<Pair> {};

// The baseline's states stand in the precision its head reads or in F32, so nothing but the order
// of sums lies between the three.
TEST_P(CaptureKinds, AgreeWithOneAnotherAndWithLibllamasLogits) {
    const auto& [name, original, type] = GetParam();
    const fs::path folder = fresh_folder("capture_" + name);
    BaselineOptions options = small_baseline(story(folder, 300), 48);
    options.precision = original == tiny_moe() ? "bf16" : "f32";
    make_baseline(original, folder / "base", options, silent_progress());
    const fs::path candidate = quantized(original, type, folder);
    const Truth truth = truth_of(original, candidate, BaselineReader(folder / "base"));
    const PositionValues states = by_states(folder / "base", candidate, folder / "states");
    const PositionValues logits = by_logits(folder / "base", candidate, folder / "logits");
    EXPECT_GT(truth.mean_kld(), 1e-4) << "a candidate that differs";
    for (const PositionValues* values : {&states, &logits}) {
        expect_near(values->kld, truth.kld, 1e-5, "kld");
        expect_near(values->nll, truth.nll, 2e-5, "nll");
        expect_near(values->nll_original, truth.nll_original, 2e-5, "the original's nll");
    }
    expect_near(states.kld, logits.kld, 1e-5, "kld by two ways");
    EXPECT_EQ(states.same_top, logits.same_top);
    EXPECT_EQ(states.finite, logits.finite);
}

INSTANTIATE_TEST_SUITE_P(Models, CaptureKinds,
                         testing::Values(Pair{"llama_q8_0", baby_llama(), "Q8_0"},
                                         Pair{"llama_q4_0", baby_llama(), "Q4_0"},
                                         Pair{"moe_q4_0", tiny_moe(), "Q4_0"}),
                         [](const auto& pair) { return pair.param.name; });

TEST(Capture, OfLogProbabilitiesHoldsLibllamasToHalfAStep) {
    const fs::path folder = fresh_folder("capture_rows");
    make_baseline(baby_llama(), folder / "base", small_baseline(story(folder, 300), 48),
                  silent_progress());
    capture(job_of(folder / "base", baby_llama(), CaptureKind::kLogProbabilities, folder / "rows"),
            silent_progress());
    const ShardReader file(shard_path(CaptureKind::kLogProbabilities, folder / "rows", 0),
                           shard_schema(CaptureKind::kLogProbabilities));
    const auto rows = file.values<uint16_t>("rows");
    const auto logits = libllamas_logits(baby_llama(), BaselineReader(folder / "base"));
    const size_t values = log_probability_row_values(105);
    ASSERT_EQ(rows.size(), logits.size() * values);
    std::vector<float> got(105);
    for (size_t i = 0; i < logits.size(); ++i) {
        decode_log_probabilities(rows.subspan(i * values, values), 0, got);
        const std::vector<double> wanted = log_softmax_in_double(logits[i]);
        const auto [least, most] = std::ranges::minmax(wanted);
        for (size_t v = 0; v < 105; ++v) {
            ASSERT_NEAR(got[v], wanted[v], (most - least) / 65535 / 2 + 1e-5);
        }
    }
}

TEST(Capture, JobsAndReportsSurviveBeingWrittenDown) {
    const fs::path folder = fresh_folder("capture_json");
    CaptureJob job{.kind = CaptureKind::kDivergence,
                   .baseline = "b",
                   .model = "m m",
                   .windows = "w",
                   .out = "o",
                   .identity = "key",
                   .precision = StatePrecision::kBf16,
                   .shape = {7, 8, 9},
                   .windows_per_shard = 10,
                   .shards = {0, 5, 3},
                   .engine = {.threads = 2, .gpu_layers = 0}};
    EXPECT_EQ(to_json(capture_job_from_json(Json::parse(to_json(job).dump()))), to_json(job));
    CaptureReport report{.check = {.reproduced = true,
                                   .scale = 0.1,
                                   .softcap = 30,
                                   .max_abs = 1e-7,
                                   .kld_nats = 1e-17,
                                   .self_kld_nats = 3e-9,
                                   .outcome = "fine"},
                         .vocabulary = 105,
                         .width = 128};
    EXPECT_EQ(to_json(capture_report_from_json(Json::parse(to_json(report).dump()))),
              to_json(report));
}

class Measure : public testing::Test {
  protected:
    void SetUp() override { folder_ = fresh_folder("measure"); }

    void make_base(const fs::path& original = baby_llama(), size_t bytes = 300) {
        BaselineOptions options = small_baseline(story(folder_, bytes), 48);
        options.precision = "f32";
        base_ = make_baseline(original, folder_ / "base", options, silent_progress());
    }
    MeasureOutcome run(const std::vector<fs::path>& files, const FindRecord& find = {},
                       MeasureOptions options = {}) {
        options.engine = one_thread();
        return measure(files, folder_ / "base", options, find, silent_progress());
    }
    fs::path candidate(const char* type, const fs::path& original = baby_llama()) {
        return quantized(original, type, folder_);
    }

    fs::path folder_;
    BaselineSummary base_;
};

TEST_F(Measure, GivesEachFileItsOwnRecordInOrder) {
    make_base();
    const std::vector<fs::path> files = {candidate("Q4_0"), candidate("Q8_0"), baby_llama()};
    const MeasureOutcome outcome = run(files);
    ASSERT_EQ(outcome.records.size(), 3U);
    const BaselineReader baseline(folder_ / "base");
    for (size_t i = 0; i < 3; ++i) {
        const MeasureRecord& record = outcome.records[i];
        const Truth truth = truth_of(baby_llama(), files[i], baseline);
        EXPECT_EQ(record.model.file, files[i].filename().string());
        EXPECT_NEAR(record.kld_nats.mean.value, truth.mean_kld(), 1e-6);
        EXPECT_EQ(record.scored_positions, base_.identity.corpus.scored_tokens);
        EXPECT_EQ(record.nonfinite_positions, 0U);
        EXPECT_EQ(record.baseline.key, base_.identity.baseline.key);
        EXPECT_TRUE(record.complete);
    }
    EXPECT_EQ(outcome.share_of_positions, 1);
    EXPECT_FALSE(fs::exists(folder_ / "base" / "work")) << "nothing is left of the work";
}

TEST_F(Measure, AsksForARecordBeforeItWorks) {
    make_base();
    const std::vector<fs::path> files = {candidate("Q8_0"), candidate("Q4_0")};
    const MeasureRecord known = run({files[0]}).records[0];
    std::vector<std::string> asked;
    const MeasureOutcome outcome = run(files, [&](const std::string& key) {
        asked.push_back(key);
        auto found = key == known.key ? std::optional(known) : std::nullopt;
        if (found) found->created_utc = "from the store";
        return found;
    });
    EXPECT_EQ(asked.size(), 2U);
    EXPECT_EQ(outcome.records[0].created_utc, "from the store");
    EXPECT_EQ(outcome.records[1].model.label, "Q4_0");
    EXPECT_EQ(outcome.share_of_positions, 1);
}

TEST_F(Measure, RefusesAFileOfAnotherModelBeforeAnyIsRead) {
    make_base();
    const Error error = error_of([&] { run({candidate("Q8_0"), tiny_moe()}); });
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_NE(std::string(error.what()).find("is not a quantization of the baseline's original"),
              std::string::npos);
    EXPECT_FALSE(fs::exists(folder_ / "base" / "work"));
}

TEST_F(Measure, CountsPositionsThatAreNotNumbers) {
    make_base();
    ModelCopy broken(baby_llama());
    std::vector<float> norm(128, 1.0F);
    norm[5] = std::nanf("");
    broken.put_tensor("output_norm.weight", {128}, norm);
    broken.write(folder_ / "broken.gguf");
    const MeasureOutcome outcome = run({folder_ / "broken.gguf", candidate("Q8_0")});
    EXPECT_EQ(outcome.records[0].scored_positions, 0U);
    EXPECT_EQ(outcome.records[0].nonfinite_positions, base_.identity.corpus.scored_tokens);
    EXPECT_EQ(outcome.records[1].nonfinite_positions, 0U) << "the file beside it is not spoiled";
    EXPECT_GT(outcome.records[1].kld_nats.mean.value, 0);
}

// libllama caps this architecture's logits at 30 although the header does not say so: states and
// head do not reproduce them, and whole logits are compared.
TEST_F(Measure, FallsBackToWholeLogitsWhereTheHeadIsNotUnderstood) {
    const fs::path original = folder_ / "gemma.gguf";
    ModelCopy copy(baby_llama());
    copy.set_architecture("gemma2");
    for (int layer = 0; layer < 5; ++layer) {
        for (const char* name : {"post_attention_norm", "post_ffw_norm"}) {
            copy.put_tensor("blk." + std::to_string(layer) + "." + name + ".weight", {128},
                            std::vector<float>(128, 1.0F));
        }
    }
    copy.write(original);
    make_base(original);
    EXPECT_EQ(base_.identity.baseline.kind, "log-probabilities");
    EXPECT_EQ(base_.identity.baseline.precision, "u16 (whole range)");
    const fs::path file = candidate("Q4_0", original);
    const MeasureRecord record = run({file}).records[0];
    const Truth truth = truth_of(original, file, BaselineReader(folder_ / "base"));
    EXPECT_GT(truth.mean_kld(), 1e-4);
    EXPECT_NEAR(record.kld_nats.mean.value, truth.mean_kld(), 1e-3 * truth.mean_kld() + 1e-6);
    EXPECT_NE(record.baseline.head_check_outcome.find("whole logits are used"), std::string::npos);
}

TEST_F(Measure, ReadsAnImportedBaseFileLikeItsOwnBaseline) {
    BaselineOptions options = small_baseline(story(folder_, 600), 32);
    options.protocol.kind = Protocol::Kind::kLlamaPerplexity;
    options.precision = "f32";
    make_baseline(baby_llama(), folder_ / "base", options, silent_progress());
    const fs::path file = candidate("Q4_0");
    const MeasureRecord own = run({file}).records[0];
    export_peer_baseline(folder_ / "base", folder_ / "peer", 16, silent_progress());
    fs::remove_all(folder_ / "base");
    import_peer_baseline(folder_ / "peer", baby_llama(), folder_ / "base", silent_progress());
    const MeasureRecord imported = run({file}).records[0];
    EXPECT_EQ(imported.scored_positions, own.scored_positions);
    EXPECT_NEAR(imported.kld_nats.mean.value, own.kld_nats.mean.value,
                0.01 * own.kld_nats.mean.value + 1e-5);
    EXPECT_NEAR(imported.ppl.value, own.ppl.value, 1e-5 * own.ppl.value);
    EXPECT_NEAR(imported.ppl_original, own.ppl_original, 1e-3 * own.ppl_original);
}

TEST_F(Measure, StopsOnceTheRankingIsDecided) {
    make_base(baby_llama(), 5000);
    const std::vector<fs::path> files = {candidate("Q8_0"), candidate("Q4_0")};
    MeasureOptions options;
    options.until_decided = SequentialPlan{};
    const MeasureOutcome outcome = run(files, {}, options);
    const MeasureRecord& first = outcome.records[0];
    const double share = outcome.share_of_positions;
    EXPECT_TRUE(outcome.settled);
    EXPECT_LT(share, 1) << "one shard of two is enough to tell these";
    EXPECT_LT(first.kld_nats.mean.value, outcome.records[1].kld_nats.mean.value);
    EXPECT_FALSE(first.complete);
    EXPECT_DOUBLE_EQ(static_cast<double>(first.scored_positions),
                     share * static_cast<double>(base_.identity.corpus.scored_tokens));
}

}  // namespace
}  // namespace bitgauge
