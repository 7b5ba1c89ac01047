#include <gtest/gtest.h>

#include "bitgauge/gguf.h"

#include "gguf/gguf_test_support.h"
#include "gguf/split.h"

namespace bitgauge {
namespace {

TEST(TensorRole, DropsTheBlockAndTheWeight) {
    EXPECT_EQ(tensor_role("blk.3.ffn_down_exps.weight"), "ffn_down_exps");
    EXPECT_EQ(tensor_role("token_embd.weight"), "token_embd");
    EXPECT_EQ(tensor_role("blk.12.ssm_a"), "ssm_a");
    EXPECT_EQ(tensor_role("blk.0.ssm_dt.bias"), "ssm_dt.bias");
    EXPECT_EQ(tensor_role("enc.blk.0.attn_q.weight"), "enc.attn_q");
    EXPECT_EQ(tensor_role("blk.46.nextn.eh_proj.weight"), "nextn.eh_proj");
}

TEST(FileTypeName, IsLlamaCppsName) {
    EXPECT_EQ(file_type_name(15), "Q4_K_M");
    EXPECT_EQ(file_type_name(32), "BF16");
    EXPECT_EQ(file_type_name(38), "MXFP4_MOE");
    EXPECT_EQ(file_type_name(99), "file type 99");
}

TEST(ShardName, CountsFromOne) {
    const auto name = parse_shard_name("/models/m-00002-of-00003.gguf");
    ASSERT_TRUE(name);
    EXPECT_EQ(name->prefix, "m");
    EXPECT_EQ(name->number, 2U);
    EXPECT_EQ(name->count, 3U);
    EXPECT_EQ(sibling_shard("/models/m-00002-of-00003.gguf", 1), "/models/m-00001-of-00003.gguf");
    EXPECT_FALSE(parse_shard_name("m.gguf"));
}

struct Naming {
    const char* file;
    const char* label;
    const char* publisher;
};

class Identity : public testing::TestWithParam<Naming> {};

TEST_P(Identity, LabelAndPublisherComeFromTheFileName) {
    const auto path = fresh_folder("identity") / GetParam().file;
    write_small_model(path);
    const ModelIdentity identity = identify_model(GgufFile::open(path), false);
    EXPECT_EQ(identity.label, GetParam().label);
    EXPECT_EQ(identity.publisher, GetParam().publisher);
    EXPECT_EQ(identity.content_hash, "");
}

INSTANTIATE_TEST_SUITE_P(
    Published, Identity,
    testing::Values(Naming{"Qwen3.5-35B-A3B-Q4_K_M.gguf", "Q4_K_M", ""},
                    Naming{"Qwen3.5-35B-A3B-UD-Q4_K_XL.gguf", "UD-Q4_K_XL", "unsloth"},
                    Naming{"bartowski_Qwen_Qwen3-8B-IQ4_XS.gguf", "IQ4_XS", "bartowski"},
                    Naming{"Qwen3-8B.i1-IQ2_XXS.gguf", "IQ2_XXS", "mradermacher"},
                    Naming{"gpt-oss-20b-mxfp4_moe.gguf", "MXFP4_MOE", ""},
                    Naming{"babyllama105-f32.gguf", "F32", ""},
                    Naming{"Qwen3-30B-A3B-IQ3_S-2.66bpw.gguf", "IQ3_S-2.66bpw", ""},
                    Naming{"model.gguf", "F32", ""}));  // no label: general.file_type is 0

TEST(ModelIdentity, CountsBytesPerType) {
    const auto path = fresh_folder("identity_bytes") / "m.gguf";
    write_small_model(path);
    const ModelIdentity identity = identify_model(GgufFile::open(path), true);
    EXPECT_EQ(identity.parameters, 24U);
    EXPECT_EQ(identity.bits_per_weight, 32.0);
    EXPECT_EQ(identity.type_bytes, (std::map<std::string, uint64_t>{{"f32", 96}}));
    EXPECT_EQ(identity.content_hash.size(), 32U);
}

}  // namespace
}  // namespace bitgauge
