#include "eval/candidate.h"

#include <gtest/gtest.h>

#include "bitgauge/qtype.h"

#include "eval/eval_testing.h"
#include "gguf/model_copy_testing.h"
#include "gguf/writer.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOwnOriginal =
    "make a baseline from this file's own original: bitgauge baseline ORIGINAL.gguf -t TEXT -o DIR";

// A baseline of the small Llama, as far as a candidate is compared with it.
BaselineManifest baseline_of_baby() {
    const GgufFile file = GgufFile::open(baby_llama());
    BaselineManifest m;
    m.identity.baseline.original = identify_model(file, /*with_hash=*/false);
    m.identity.baseline.key = "key of the baseline";
    m.tokenizer_hash = file.tokenizer_hash();
    m.tensors = tensor_shapes(file);
    m.vocabulary = file.vocabulary();
    return m;
}

class RequireComparable : public testing::Test {
  protected:
    void SetUp() override { path_ = fresh_folder("candidate") / "candidate.gguf"; }

    void check() {
        copy_.write(path_);
        require_comparable(GgufFile::open(path_), baseline_, path_);
    }
    void expect_refused(const std::string& message, const std::string& hint = kOwnOriginal) {
        const Error error = error_of([&] { check(); });
        EXPECT_EQ(error.kind(), ErrorKind::kInput);
        EXPECT_EQ(error.what(), "'" + path_.string() + "' " + message);
        EXPECT_EQ(error.hint(), hint);
    }

    fs::path path_;
    ModelCopy copy_{baby_llama()};
    BaselineManifest baseline_ = baseline_of_baby();
};

TEST_F(RequireComparable, TakesTheOriginalItself) {
    EXPECT_NO_THROW(check());
}

TEST_F(RequireComparable, TakesAHeadOfItsOwnWhereTheOriginalsIsTied) {
    copy_.repeat_tensor("token_embd.weight", "output.weight");
    EXPECT_NO_THROW(check());
}

TEST_F(RequireComparable, TakesWhatTheQuantizerMakes) {
    for (const char* type : {"Q8_0", "Q4_K_M", "IQ4_XS"}) {
        const fs::path path = quantized(baby_llama(), type, path_.parent_path(), /*pure=*/false);
        EXPECT_NO_THROW(require_comparable(GgufFile::open(path), baseline_, path)) << type;
    }
}

TEST_F(RequireComparable, RefusesAnotherArchitecture) {
    copy_.set_text("general.architecture", "qwen2");
    expect_refused(
        "is not a quantization of the baseline's original: its architecture is 'qwen2'; "
        "the original's is 'llama'");
}

TEST_F(RequireComparable, RefusesAnotherVocabulary) {
    copy_.set_texts("tokenizer.ggml.tokens", std::vector<std::string>(106, "x"));
    expect_refused("has a vocabulary of 106 tokens; the baseline was made with 105");
}

TEST_F(RequireComparable, RefusesAnotherTokenizer) {
    copy_.set_flag("tokenizer.ggml.add_bos_token", false);
    copy_.write(path_);
    const std::string other = GgufFile::open(path_).tokenizer_hash();
    expect_refused(
        "has another tokenizer than the baseline's original (" + other.substr(0, 8) + " and " +
            baseline_.tokenizer_hash.substr(0, 8) + ")",
        "bitgauge inspect shows both; the original may have been updated since: make the "
        "baseline from the same version");
}

TEST_F(RequireComparable, RefusesAnotherShape) {
    copy_.put_tensor("blk.3.ffn_up.weight", {128, 384}, std::vector<float>(128 * 384));
    expect_refused(
        "is not a quantization of the baseline's original: blk.3.ffn_up.weight is 128 x "
        "384 in it and 128 x 352 in the original");
}

TEST_F(RequireComparable, RefusesATensorThatIsMissing) {
    copy_.drop_tensor("blk.4.attn_k.weight");
    expect_refused(
        "is not a quantization of the baseline's original: it lacks the original's tensor "
        "blk.4.attn_k.weight");
}

TEST_F(RequireComparable, RefusesATensorTooMany) {
    copy_.put_tensor("blk.5.attn_k.weight", {128, 64}, std::vector<float>(128 * 64));
    expect_refused(
        "is not a quantization of the baseline's original: it has a tensor "
        "blk.5.attn_k.weight that the original lacks");
}

TEST_F(RequireComparable, LooksAtTheVocabularyAloneWhereNothingElseIsKnown) {
    baseline_.identity.baseline.original = {};
    baseline_.tensors.clear();
    baseline_.tokenizer_hash.clear();
    copy_.set_text("general.architecture", "qwen2");
    copy_.drop_tensor("blk.4.attn_k.weight");
    EXPECT_NO_THROW(check());
}

TEST_F(RequireComparable, OpensEachFileUnderAKeyOfItsOwn) {
    const fs::path folder = path_.parent_path();
    const Candidate a = open_candidate(quantized(baby_llama(), "Q8_0", folder), baseline_, folder);
    const Candidate b = open_candidate(quantized(baby_llama(), "Q4_0", folder), baseline_, folder);
    EXPECT_NE(a.key, b.key);
    EXPECT_EQ(a.work, folder / a.key);
    BaselineManifest other = baseline_;
    other.identity.baseline.key = "another baseline";
    EXPECT_NE(open_candidate(a.path, other, folder).key, a.key);
    EXPECT_EQ(open_candidate(a.path, baseline_, folder).key, a.key);
    EXPECT_EQ(a.identity.label, "Q8_0");
}

}  // namespace
}  // namespace bitgauge
