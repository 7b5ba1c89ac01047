#include "bitgauge/card.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "bitgauge/error.h"

#include "base/units.h"
#include "report/card_parts.h"
#include "report/example_records.h"
#include "report/example_tasks.h"
#include "report/report_testing.h"

namespace bitgauge {
namespace {

CardFile file_of(const ModelIdentity& model) {
    CardFile file{.path = model.file, .model = model, .tokenizer_hash = "70c3"};
    file.tensors = {{"token_embd", "q6_K", 1},
                    {"attn_q", "q4_K", 20},
                    {"attn_v", "q6_K", 20},
                    {"ffn_down", "q4_K", 12},
                    {"ffn_down", "q6_K", 8}};
    return file;
}

// The files of example_records(), their original, a planned one and one that nobody has measured.
std::vector<CardFile> example_files() {
    std::vector<CardFile> files;
    const auto records = example_records();
    for (const MeasureRecord& record : records) files.push_back(file_of(record.model));
    files[3].preset = "Q4_K_M";
    files[3].promised_nats = " 1.40000e-02";
    files[3].original_file = "Lumen-3B-BF16.gguf";
    files[3].original_hash = "5eedBF16";
    files[3].importance_file = "somewhere/Lumen-3B.imatrix.gguf";
    files.push_back(file_of(records.front().baseline.original));
    files.back().tensors = {{"attn_q", "bf16", 20}};
    ModelIdentity unknown = records.front().model;
    unknown.file = "Lumen-3B-Q2_K.gguf";
    unknown.label = "Q2_K";
    unknown.content_hash = "";
    unknown.size_bytes = static_cast<uint64_t>(1.1 * kGiB);
    unknown.bits_per_weight = 3.06;
    files.push_back(file_of(unknown));
    return files;
}

// Continuations of two of the files.
std::vector<DriftRecord> example_drifts() {
    std::vector<DriftRecord> drifts;
    const auto records = example_records();
    for (const size_t i : {size_t{0}, size_t{3}}) {
        DriftRecord& drift = drifts.emplace_back();
        drift.model = records[i].model;
        drift.baseline_key = records[i].baseline.key;
        drift.original = records[i].baseline.original;
        drift.prompt_tokens = drift.tokens = 128;
        drift.parallel = 16;
        drift.clusters = 4;
        drift.beginnings = {{0, 0, 1, 1}, {0, 1, 2, 3}, {128, 128, i == 0 ? 128U : 31U, 40}};
        drift.floor_same_tokens = {128, 128};
    }
    return drifts;
}

CardRecords all_records() {
    return {example_records(), example_tasks(), example_drifts()};
}

const CardOptions kOptions{.title = "Lumen 3B in fewer bits",
                           .repository = "someone/Lumen-3B-GGUF",
                           .license = "apache-2.0",
                           .base_model = "lumen/Lumen-3B",
                           .quantized_by = "someone",
                           .can_run = true};

std::string example_card() {
    return model_card(example_files(), all_records(), kOptions);
}

std::string refusal_of(const std::vector<CardFile>& files, const CardRecords& records) {
    try {
        model_card(files, records, {});
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kInput);
        return error.what();
    }
    return "no error";
}

// The line of the table of files that begins with this name.
std::string line_of(const std::string& card, const std::string& name) {
    const size_t begin = card.find("| " + name + " |");
    return begin == std::string::npos ? "" : card.substr(begin, card.find('\n', begin) - begin);
}

TEST(ModelCard, IsAsItWas) {
    expect_golden("card.md", example_card());
}

TEST(ModelCard, KnowsItself) {
    EXPECT_TRUE(is_model_card(example_card()));
    EXPECT_FALSE(is_model_card("# Lumen\n"));
}

TEST(ModelCard, HasNoFigureWithoutARecord) {
    const std::string card = model_card(example_files(), {}, {});
    EXPECT_EQ(card.find("±"), std::string::npos);
    EXPECT_NE(card.find("No file here has been measured"), std::string::npos);
    EXPECT_NE(line_of(card, "Lumen-3B-Q2\\_K.gguf").find("not measured"), std::string::npos);
    EXPECT_EQ(card.find("## How it was measured"), std::string::npos);
}

TEST(ModelCard, ListsWhatIsNotMeasuredWithTheCommandThatWould) {
    const std::string card = example_card();
    EXPECT_NE(line_of(card, "Lumen-3B-Q2\\_K.gguf").find("not measured"), std::string::npos);
    EXPECT_NE(card.find("bitgauge measure Lumen-3B-Q2_K.gguf -b Lumen-3B-BF16.base "
                        "--store bitgauge.db"),
              std::string::npos);
    EXPECT_NE(line_of(card, "Lumen-3B-BF16.gguf").find("the original"), std::string::npos);
}

// Q4_K_M (1.75 GiB) and UD-Q4_K_XL (1.79 GiB) differ by less than their text decides.
TEST(ModelCard, NamesTiesAsTies) {
    const std::string card = example_card();
    const auto board = build_leaderboard(example_records());
    for (const LeaderboardRow& row : board.rows) {
        const bool is_tied = row.record.model.label == "UD-Q4_K_XL";
        EXPECT_TRUE(!is_tied || row.on_front);
        EXPECT_TRUE(row.record.model.label != "MXFP4" || !row.behind.empty());
    }
    EXPECT_NE(card.find("| 1.79 | Lumen-3B-UD-Q4\\_K\\_XL.gguf | 0.01505±0.00060 | "
                        "Lumen-3B-Q4\\_K\\_M.gguf |"),
              std::string::npos);
    EXPECT_NE(card.find("- Lumen-3B-MXFP4.gguf: no larger and nearer beyond doubt are "
                        "Lumen-3B-IQ4\\_XS.gguf and Lumen-3B-UD-Q3\\_K\\_XL.gguf."),
              std::string::npos);
}

TEST(ModelCard, TakesTheNewestOfSeveralRecords) {
    std::vector<MeasureRecord> records = example_records();
    MeasureRecord again = records[0];
    again.created_utc = "2026-12-24T12:00:00Z";
    again.kld_nats.mean = {0.5, 0.4, 0.6};
    records.push_back(again);
    const std::string card = model_card(example_files(), {records, {}, {}}, kOptions);
    EXPECT_NE(line_of(card, "Lumen-3B-Q8\\_0.gguf").find("0.50±0.10"), std::string::npos);
}

TEST(ModelCard, RefusesFilesOfDifferentOriginalsByName) {
    std::vector<CardFile> files = example_files();
    files[1].model.architecture = "qwen35moe";
    EXPECT_EQ(refusal_of(files, {}),
              "the files are of different originals: 'Lumen-3B-Q8_0.gguf' has the architecture "
              "llama, 'Lumen-3B-Q6_K.gguf' has the architecture qwen35moe");
    files = example_files();
    files[5].original_file = "Other.gguf";
    files[5].original_hash = "0123456789";
    EXPECT_EQ(refusal_of(files, {}),
              "the files are of different originals: 'Lumen-3B-Q4_K_M.gguf' was made from "
              "'Lumen-3B-BF16.gguf' (5eedBF16), 'Lumen-3B-IQ4_XS.gguf' was made from 'Other.gguf' "
              "(01234567)");
}

TEST(ModelCard, RefusesRecordsOfDifferentOriginals) {
    std::vector<MeasureRecord> records = example_records();
    records[2].baseline.key = "b";
    records[2].baseline.original.content_hash = "another";
    const std::string refusal = refusal_of(example_files(), {records, {}, {}});
    EXPECT_NE(refusal.find("'Lumen-3B-Q5_K_M.gguf' was measured against"), std::string::npos)
        << refusal;
    CardOptions one = kOptions;
    one.baseline = "a1b2";
    EXPECT_NE(model_card(example_files(), {records, {}, {}}, one).find("11 files measured"),
              std::string::npos);
}

TEST(ModelCard, EscapesNamesForEachForm) {
    std::vector<CardFile> files = example_files();
    files.back().path = "it's|a\n```\nfile.gguf";
    CardOptions options = kOptions;
    options.license = "\"x\"\n- y";
    const std::string card = model_card(files, all_records(), options);
    EXPECT_NE(card.find("license: \"\\\"x\\\"\xEF\xBF\xBD- y\"\n"), std::string::npos);
    EXPECT_NE(card.find("it's\\|a"), std::string::npos);
    EXPECT_NE(card.find("'it'\\''s|a"), std::string::npos);
    EXPECT_EQ(count_of(card, "\n```\n"), count_of(card, "\n```sh\n"));
}

TEST(ShellArgument, IsOneWordAndNoOption) {
    EXPECT_EQ(shell_argument("a-b_1.gguf"), "a-b_1.gguf");
    EXPECT_EQ(shell_argument("two words"), "'two words'");
    EXPECT_EQ(shell_argument("$(x)"), "'$(x)'");
    EXPECT_EQ(shell_argument("-o"), "./-o");
    EXPECT_EQ(shell_argument(""), "''");
}

}  // namespace
}  // namespace bitgauge
