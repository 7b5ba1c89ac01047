// Variants measured in one pass against files that hold the same tensors, measured one by one.

#include "eval/variants.h"

#include <gtest/gtest.h>

#include "eval/baseline_testing.h"
#include "gguf/data.h"
#include "gguf/writer.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

// The original with the variant's tensors: as a quantizer would write them, or with what they
// decode to.
fs::path file_of(const fs::path& original, const VariantSpec& variant, const fs::path& path) {
    const StagedModel model(original, one_thread(), {});
    const TensorEncoder encoder(model, {});
    const GgufFile& file = model.anatomy().file();
    const GgufData data(file);
    GgufWriter writer;
    writer.copy_keys(file);
    std::vector<EncodedTensor> kept;
    kept.reserve(variant.types.size());
    for (const TensorInfo& tensor : file.tensors()) {
        const auto changed = variant.types.find(tensor.name);
        if (changed == variant.types.end()) {
            writer.add_tensor(tensor.name, tensor.type_id, tensor.shape, data.tensor_bytes(tensor));
            continue;
        }
        kept.push_back(encoder.encode(tensor.name, changed->second, variant.use));
        writer.add_tensor(tensor.name, kept.back().type_id, tensor.shape,
                          std::span<const std::byte>(kept.back().bytes));
    }
    writer.write(path);
    return path;
}

MeasureOptions options_with(int32_t stages) {
    MeasureOptions options{.engine = one_thread()};
    options.engine.stages = stages;
    return options;
}

struct Case {
    fs::path original;
    std::vector<VariantSpec> variants;
};

Case tiny_moe_case(VariantUse use) {
    return {tiny_moe(),
            {{"attention", {{"blk.1.attn_qkv.weight", "q4_K"}}, use},
             {"experts", {{"blk.5.ffn_down_exps.weight", "q3_K"}}, use},
             {"two layers",
              {{"blk.0.ssm_out.weight", "q5_K"}, {"blk.6.ffn_up_exps.weight", "q4_K"}},
              use},
             {"head", {{"output.weight", "q4_K"}}, use}}};
}

Case baby_case(VariantUse use) {
    return {baby_llama(),
            {{"first", {{"blk.0.attn_q.weight", "q4_0"}}, use},
             {"last", {{"blk.4.ffn_down.weight", "iq4_nl"}}, use},
             {"tied head", {{"token_embd.weight", "q8_0"}}, use}}};
}

class Bench {
  public:
    explicit Bench(const Case& what)
        : case_(what), folder_(fresh_folder("variants")), baseline_(folder_ / "base") {
        make_baseline(what.original, baseline_, small_baseline(story(folder_, 400)),
                      silent_progress());
    }
    ~Bench() { fs::remove_all(folder_); }

    std::vector<MeasureRecord> variants(int32_t stages) const {
        return measure_variants(case_.original, case_.variants, {}, baseline_, options_with(stages),
                                {}, silent_progress());
    }
    MeasureRecord file(const VariantSpec& variant) const {
        const fs::path path = file_of(case_.original, variant, folder_ / "variant.gguf");
        const fs::path paths[] = {path};
        return measure(paths, baseline_, options_with(kStagesOff), {}, silent_progress())
            .records.front();
    }

  private:
    Case case_;
    fs::path folder_;
    fs::path baseline_;
};

void expect_same_numbers(const MeasureRecord& a, const MeasureRecord& b) {
    EXPECT_EQ(a.kld_nats.mean.value, b.kld_nats.mean.value);
    EXPECT_EQ(a.kld_nats.maximum, b.kld_nats.maximum);
    EXPECT_EQ(a.ppl.value, b.ppl.value);
    EXPECT_EQ(a.same_top.value, b.same_top.value);
    EXPECT_EQ(a.clusters.kld_sum, b.clusters.kld_sum);
}

void expect_the_numbers_of_files(const Case& what) {
    const Bench bench(what);
    const auto records = bench.variants(100);
    ASSERT_EQ(records.size(), what.variants.size());
    for (size_t i = 0; i < records.size(); ++i) {
        SCOPED_TRACE(what.variants[i].name);
        EXPECT_EQ(records[i].model.file, what.variants[i].name);
        EXPECT_GT(records[i].kld_nats.mean.value, 0);
        expect_same_numbers(records[i], bench.file(what.variants[i]));
    }
}

TEST(Variants, AsBlocksHaveTheNumbersOfTheirFiles) {
    expect_the_numbers_of_files(tiny_moe_case(VariantUse::kBlocks));
    expect_the_numbers_of_files(baby_case(VariantUse::kBlocks));
}

TEST(Variants, OfAModelThatIsNotCutHaveTheSameNumbers) {
    const Bench bench(tiny_moe_case(VariantUse::kBlocks));
    const auto staged = bench.variants(100);
    const auto whole = bench.variants(kStagesOff);
    for (size_t i = 0; i < staged.size(); ++i) expect_same_numbers(staged[i], whole[i]);
}

TEST(Variants, ExchangedInPlaceHaveTheNumbersOfFilesOfTheirValues) {
    expect_the_numbers_of_files(tiny_moe_case(VariantUse::kDequantized));
    expect_the_numbers_of_files(baby_case(VariantUse::kDequantized));
}

// A file of the original's values in F32.
fs::path widened_file(const fs::path& original, const fs::path& path) {
    EngineOptions wide = one_thread();
    wide.single_precision = true;
    const StagedModel model(original, wide, {});
    GgufWriter writer;
    writer.copy_keys(model.anatomy().file());
    std::vector<std::vector<std::byte>> kept;
    kept.reserve(model.anatomy().file().tensors().size());
    for (const TensorInfo& tensor : model.anatomy().file().tensors()) {
        kept.push_back(model.loaded_bytes(tensor.name));
        writer.add_tensor(tensor.name, model.loaded_type(tensor.name), tensor.shape,
                          std::span<const std::byte>(kept.back()));
    }
    writer.write(path);
    return path;
}

// What a baseline and dequantized variants of it come to.
std::vector<MeasureRecord> dequantized_records(const Case& what, const fs::path& folder,
                                               bool single_precision, int32_t stages) {
    BaselineOptions options = small_baseline(story(folder, 400));
    options.precision = "f32";
    options.engine.single_precision = single_precision;
    const fs::path baseline = folder / (what.original.filename().string() + std::to_string(stages));
    make_baseline(what.original, baseline, options, silent_progress());
    MeasureOptions measuring = options_with(stages);
    measuring.engine.single_precision = single_precision;
    return measure_variants(what.original, what.variants, {}, baseline, measuring, {},
                            silent_progress());
}

TEST(Variants, InSinglePrecisionHaveTheNumbersOfAnF32File) {
    const fs::path folder = fresh_folder("single-precision");
    Case what = tiny_moe_case(VariantUse::kDequantized);
    const auto staged = dequantized_records(what, folder, true, 100);
    const auto whole = dequantized_records(what, folder, true, kStagesOff);
    what.original = widened_file(what.original, folder / "f32.gguf");
    const auto f32 = dequantized_records(what, folder, false, 100);
    ASSERT_EQ(staged.size(), what.variants.size());
    for (size_t i = 0; i < staged.size(); ++i) {
        SCOPED_TRACE(what.variants[i].name);
        expect_same_numbers(staged[i], f32[i]);
        expect_same_numbers(whole[i], f32[i]);
    }
    fs::remove_all(folder);
}

TEST(Variants, LeaveTheBaseAsItWas) {
    Case what = baby_case(VariantUse::kDequantized);
    what.variants.push_back(what.variants.front());
    what.variants.back().name = "the first again";
    const Bench bench(what);
    const auto records = bench.variants(100);
    expect_same_numbers(records.front(), records.back());
}

TEST(Variants, OfTensorsThatAreNotThereAreRefused) {
    const Bench bench({baby_llama(), {{"none", {{"blk.9.attn_q.weight", "q4_0"}}}}});
    const Error error = error_of([&] { bench.variants(100); });
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_NE(std::string(error.what()).find("has no tensor 'blk.9.attn_q.weight'"),
              std::string::npos);
}

}  // namespace
}  // namespace bitgauge
