#include <filesystem>

#include <SQLiteCpp/SQLiteCpp.h>
#include <gtest/gtest.h>

#include "bitgauge/error.h"
#include "bitgauge/store.h"

#include "store/example_record.h"
#include "store/record_json.h"
#include "store/store_testing.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

// As bitgauge left it before there were sweeps.
void make_layout_1(const fs::path& path) {
    Store(path).put(example_record());
    run_sql(path,
            "DROP TABLE sweep; DROP TABLE sweep_tensor; DROP TABLE sweep_mix; DROP TABLE tasks;"
            "DROP TABLE drift; PRAGMA user_version = 1");
}

std::vector<std::string> names_of(const SweepTable& sweep) {
    std::vector<std::string> names;
    for (const TensorCost& tensor : sweep.tensors) names.push_back(tensor.tensor);
    return names;
}

TensorCost unprobed(TensorCost tensor) {
    tensor.probes.clear();
    return tensor;
}

// --- text ---------------------------------------------------------------------------------------

TEST(SweepJson, EveryFieldSurvivesTheTripThroughText) {
    const auto again = [](const Json& json) { return Json::parse(json.dump()); };
    const Json tensor = to_json(example_tensor()), mix = to_json(example_mix()),
               sweep = to_json(example_sweep());
    EXPECT_EQ(to_json(tensor_cost_from_json(again(tensor))), tensor);
    EXPECT_EQ(to_json(measured_mix_from_json(again(mix))), mix);
    EXPECT_EQ(to_json(sweep_table_from_json(again(sweep))), sweep);
}

TEST(SweepJson, FieldsOfATensorAreThoseThatWerePut) {
    const TensorCost put = example_tensor();
    const TensorCost got = tensor_cost_from_json(Json::parse(to_json(put).dump()));
    EXPECT_EQ(got.tensor, put.tensor);
    EXPECT_EQ(got.role, put.role);
    EXPECT_EQ(got.layer, put.layer);
    EXPECT_EQ(got.weights, put.weights);
    EXPECT_EQ(got.errors, put.errors);  // to the last bit
    ASSERT_EQ(got.probes.size(), put.probes.size());
    EXPECT_EQ(got.probes[1].type, put.probes[1].type);
    EXPECT_EQ(got.probes[1].error, put.probes[1].error);
    EXPECT_EQ(got.probes[1].kld_nats.low, put.probes[1].kld_nats.low);
    EXPECT_EQ(got.probes[1].cluster_kld, put.probes[1].cluster_kld);
}

TEST(SweepJson, FieldsOfAMixAreThoseThatWerePut) {
    const MeasuredMix put = example_mix();
    const MeasuredMix got = measured_mix_from_json(Json::parse(to_json(put).dump()));
    EXPECT_EQ(got.name, put.name);
    EXPECT_EQ(got.types, put.types);
    EXPECT_EQ(got.record_key, put.record_key);
    EXPECT_EQ(got.corpus_key, put.corpus_key);
    EXPECT_EQ(got.probes_text, put.probes_text);
    EXPECT_EQ(got.kld_nats.value, put.kld_nats.value);
    EXPECT_EQ(got.kld_nats.high, put.kld_nats.high);
}

TEST(SweepJson, ATensorOfNoLayerAndAProbeWithoutIntervalAreKept) {
    TensorCost tensor = example_tensor();
    tensor.layer = -1;
    tensor.probes[0].kld_nats = {0.5};
    const TensorCost got = tensor_cost_from_json(Json::parse(to_json(tensor).dump()));
    EXPECT_EQ(got.layer, -1);
    EXPECT_FALSE(got.probes[0].kld_nats.has_interval());
    EXPECT_EQ(got.probes[0].kld_nats.value, 0.5);
}

TEST(SweepJson, AnotherSchemaAndAMissingKeyAreRefusedByName) {
    const auto message_of = [](const auto& step) -> std::string {
        try {
            step();
        } catch (const Error& error) {
            EXPECT_EQ(error.kind(), ErrorKind::kInput);
            return error.what();
        }
        return "no error";
    };
    const std::string schema = message_of([] { tensor_cost_from_json(to_json(example_mix())); });
    EXPECT_NE(schema.find("bitgauge.sweep-mix/1"), std::string::npos);
    EXPECT_NE(schema.find("bitgauge.sweep-tensor/1"), std::string::npos);
    Json json = to_json(example_tensor());
    json["probes"][0].erase("error");
    const std::string missing = message_of([&] { tensor_cost_from_json(json); });
    EXPECT_NE(missing.find("error\" is missing"), std::string::npos) << missing;
    json = to_json(example_tensor());
    json["layer"] = 5'000'000'000;
    const std::string range = message_of([&] { tensor_cost_from_json(json); });
    EXPECT_NE(range.find("\"layer\" is not a whole number in its range"), std::string::npos);
}

// --- the store ----------------------------------------------------------------------------------

TEST(StoredSweep, IsFoundWithItsTensorsAndMixes) {
    const fs::path path = fresh_folder("found") / "s.db";
    {
        Store store(path);
        store.put_sweep(example_sweep());
        store.put_tensor("sweep-key", example_tensor());
        store.put_mix("sweep-key", example_mix());
    }
    const auto found = Store(path, Store::Access::kReadOnly).find_sweep("sweep-key");
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(to_json(*found), to_json(example_sweep()));
    ASSERT_EQ(found->tensors.size(), 1U);
    EXPECT_EQ(to_json(found->tensors[0]), to_json(example_tensor()));
    ASSERT_EQ(found->mixes.size(), 1U);
    EXPECT_EQ(to_json(found->mixes[0]), to_json(example_mix()));
    EXPECT_FALSE(Store(path).find_sweep("other").has_value());
}

TEST(StoredSweep, TensorsComeByLayerAndNameAndMixesByName) {
    Store store(fresh_folder("order") / "s.db");
    store.put_sweep(example_sweep());
    for (const int32_t layer : {10, 2}) {
        for (const char* role : {"ffn_up", "attn_k"}) {
            store.put_tensor("sweep-key", example_tensor(role, layer));
        }
    }
    TensorCost embeddings = example_tensor("token_embd", -1);
    embeddings.tensor = "token_embd.weight";
    store.put_tensor("sweep-key", embeddings);
    for (const char* name : {"Q6_K", "IQ2_S"}) store.put_mix("sweep-key", example_mix(name));
    const auto found = store.find_sweep("sweep-key");
    EXPECT_EQ(
        names_of(*found),
        (std::vector<std::string>{"token_embd.weight", "blk.2.attn_k.weight", "blk.2.ffn_up.weight",
                                  "blk.10.attn_k.weight", "blk.10.ffn_up.weight"}));
    EXPECT_EQ(found->mixes[0].name, "IQ2_S");
    EXPECT_EQ(found->mixes[1].name, "Q6_K");
}

TEST(StoredSweep, ATensorReplacesItsLikeAndTheHeadStays) {
    Store store(fresh_folder("replace") / "s.db");
    store.put_sweep(example_sweep("k", "2026-01-01T00:00:00Z"));
    store.put_sweep(example_sweep("k", "2026-01-02T00:00:00Z"));
    store.put_tensor("k", unprobed(example_tensor()));
    store.put_tensor("k", example_tensor());
    store.put_mix("k", example_mix());
    MeasuredMix again = example_mix();
    again.kld_nats.value = 0.5;
    store.put_mix("k", again);
    ASSERT_EQ(store.all_sweeps().size(), 1U);
    const SweepTable sweep = store.all_sweeps()[0];
    EXPECT_EQ(sweep.created_utc, "2026-01-01T00:00:00Z");
    ASSERT_EQ(sweep.tensors.size(), 1U);
    EXPECT_EQ(sweep.tensors[0].probes.size(), 2U);
    ASSERT_EQ(sweep.mixes.size(), 1U);
    EXPECT_EQ(sweep.mixes[0].kld_nats.value, 0.5);
}

TEST(StoredSweep, SweepsDoNotMixAndAreListedOldestFirst) {
    Store store(fresh_folder("list") / "s.db");
    store.put_sweep(example_sweep("b", "2026-01-02T00:00:00Z"));
    store.put_sweep(example_sweep("a", "2026-01-03T00:00:00Z"));
    store.put_sweep(example_sweep("c", "2026-01-01T00:00:00Z"));
    store.put_tensor("a", example_tensor());
    const auto sweeps = store.all_sweeps();
    ASSERT_EQ(sweeps.size(), 3U);
    EXPECT_EQ(sweeps[0].key, "c");
    EXPECT_EQ(sweeps[1].key, "b");
    EXPECT_EQ(sweeps[2].key, "a");
    EXPECT_TRUE(sweeps[1].tensors.empty());
    EXPECT_EQ(sweeps[2].tensors.size(), 1U);
    EXPECT_TRUE(store.all().empty());
}

TEST(StoredSweep, MergeTakesAbsentTensorsAndThoseWithMoreProbes) {
    const fs::path folder = fresh_folder("merge");
    Store here(folder / "here.db");
    here.put_sweep(example_sweep());
    here.put_tensor("sweep-key", unprobed(example_tensor("fewer_here", 0)));
    here.put_tensor("sweep-key", example_tensor("more_here", 0));
    here.put_mix("sweep-key", example_mix("both"));
    {
        Store there(folder / "there.db");
        there.put_sweep(example_sweep());
        there.put_tensor("sweep-key", example_tensor("fewer_here", 0));
        there.put_tensor("sweep-key", unprobed(example_tensor("more_here", 0)));
        there.put_tensor("sweep-key", unprobed(example_tensor("absent_here", 0)));
        MeasuredMix both = example_mix("both");
        both.kld_nats.value = 9;
        there.put_mix("sweep-key", both);
        there.put_mix("sweep-key", example_mix("absent here"));
        there.put_sweep(example_sweep("another"));
        there.put_tensor("another", example_tensor());
    }
    EXPECT_EQ(here.merge(folder / "there.db"), 4U);
    EXPECT_EQ(here.merge(folder / "there.db"), 0U);
    const SweepTable sweep = *here.find_sweep("sweep-key");
    EXPECT_EQ(names_of(sweep),
              (std::vector<std::string>{"blk.0.absent_here.weight", "blk.0.fewer_here.weight",
                                        "blk.0.more_here.weight"}));
    EXPECT_EQ(sweep.tensors[1].probes.size(), 2U);
    EXPECT_EQ(sweep.tensors[2].probes.size(), 2U);
    ASSERT_EQ(sweep.mixes.size(), 2U);
    EXPECT_EQ(sweep.mixes[1].kld_nats.value, example_mix().kld_nats.value);
    EXPECT_EQ(here.find_sweep("another")->tensors.size(), 1U);
}

TEST(StoredSweep, AMergeThatFailsTakesNothing) {
    const fs::path folder = fresh_folder("damaged");
    Store here(folder / "here.db");
    {
        Store there(folder / "there.db");
        there.put(example_record());
        there.put_sweep(example_sweep());
        there.put_tensor("sweep-key", example_tensor());
    }
    run_sql(folder / "there.db", "UPDATE sweep_tensor SET json = '{'");
    EXPECT_THROW(here.merge(folder / "there.db"), Error);
    EXPECT_TRUE(here.all().empty());
    EXPECT_TRUE(here.all_sweeps().empty());
}

// --- layouts ------------------------------------------------------------------------------------

TEST(StoreLayout, OneIsUpgradedWhenItIsOpenedForWriting) {
    const fs::path path = fresh_folder("upgrade") / "s.db";
    make_layout_1(path);
    Store store(path);
    EXPECT_EQ(user_version(path), 4);
    EXPECT_EQ(store.all().size(), 1U);
    EXPECT_TRUE(store.all_sweeps().empty());
    store.put_sweep(example_sweep());
    EXPECT_TRUE(store.find_sweep("sweep-key").has_value());
}

TEST(StoreLayout, OneIsReadWithoutSweepsAndNotTouched) {
    const fs::path path = fresh_folder("read") / "s.db";
    make_layout_1(path);
    const Store store(path, Store::Access::kReadOnly);
    EXPECT_EQ(store.all().size(), 1U);
    EXPECT_TRUE(store.all_sweeps().empty());
    EXPECT_FALSE(store.find_sweep("sweep-key").has_value());
    EXPECT_EQ(user_version(path), 1);
}

TEST(StoreLayout, OneIsMerged) {
    const fs::path folder = fresh_folder("merge_layouts");
    make_layout_1(folder / "old.db");
    Store here(folder / "here.db");
    EXPECT_EQ(here.merge(folder / "old.db"), 1U);
    EXPECT_EQ(user_version(folder / "old.db"), 1);
}

TEST(StoreLayout, FiveIsRefusedByReadersAndWriters) {
    const fs::path path = fresh_folder("newer") / "s.db";
    make_layout_1(path);
    run_sql(path, "PRAGMA user_version = 5");
    for (const auto access : {Store::Access::kReadOnly, Store::Access::kReadWrite}) {
        try {
            const Store store(path, access);
            FAIL() << "a store of layout 5 was opened";
        } catch (const Error& error) {
            EXPECT_EQ(error.kind(), ErrorKind::kInput);
            EXPECT_NE(
                std::string(error.what()).find("layout version 5, this program knows up to 4"),
                std::string::npos);
        }
    }
    EXPECT_EQ(user_version(path), 5);
}

}  // namespace
}  // namespace bitgauge
