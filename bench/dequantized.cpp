// How near a variant with decoded values is to the quantized file that it stands for: each variant
// measured as blocks, which is that file bit for bit, and dequantized, over the same positions.
//
//     dequantized MODEL TEXT WORK-FOLDER WINDOWS WINDOW-TOKENS TENSOR=TYPE...
//
// Prints a Markdown table in millionths of a nat per token: mean divergences with 95 % intervals
// over documents, the paired difference with its own, and that as a share of the file's divergence.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/eval.h"

#include "eval/variants.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

struct Arguments {
    fs::path model, text, work;
    uint32_t windows = 40, window = 512;
    std::vector<VariantSpec> variants;
};

VariantSpec read_variant(const std::string& word) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos) {
        throw Error(ErrorKind::kInput, fmt::format("'{}' is no TENSOR=TYPE", word));
    }
    return {.name = word, .types = {{word.substr(0, equals), word.substr(equals + 1)}}};
}

Arguments read_arguments(int argc, char** argv) {
    Arguments a{.model = argv[1], .text = argv[2], .work = argv[3]};
    a.windows = static_cast<uint32_t>(std::strtoul(argv[4], nullptr, 10));
    a.window = static_cast<uint32_t>(std::strtoul(argv[5], nullptr, 10));
    for (int i = 6; i < argc; ++i) a.variants.push_back(read_variant(argv[i]));
    return a;
}

MeasureOptions options() {
    MeasureOptions made;
    made.engine.threads = 1;
    made.engine.stages = kStagesOff;
    return made;
}

void baseline_for(const Arguments& a) {
    fs::remove_all(a.work);
    fs::create_directories(a.work);
    BaselineOptions baseline{
        .texts = {a.text},
        .protocol = {.window_tokens = a.window, .warmup_tokens = 64, .max_windows = a.windows},
        .engine = options().engine};
    make_baseline(a.model, a.work / "base", baseline, silent_progress());
}

// Every variant in one pass, first as blocks and then dequantized.
std::vector<MeasureRecord> measured(const Arguments& a) {
    std::vector<VariantSpec> both;
    for (const VariantUse use : {VariantUse::kBlocks, VariantUse::kDequantized}) {
        for (const VariantSpec& variant : a.variants) {
            both.push_back(variant);
            both.back().use = use;
        }
    }
    return measure_variants(a.model, both, {}, a.work / "base", options(), {}, silent_progress());
}

// In millionths of a nat.
std::string text_of(const Estimate& nats) {
    return fmt::format("{:.2f} [{:.2f}, {:.2f}]", nats.value * 1e6, nats.low * 1e6,
                       nats.high * 1e6);
}

// One variant, both ways.
struct Measured {
    const VariantSpec* variant = nullptr;
    const MeasureRecord* blocks = nullptr;
    const MeasureRecord* values = nullptr;

    const std::string& tensor() const { return variant->types.begin()->first; }
};

std::string share_text(const PairedComparison& pair, double of) {
    return fmt::format("{:+.2f} [{:+.2f}, {:+.2f}]", 100 * pair.difference.value / of,
                       100 * pair.difference.low / of, 100 * pair.difference.high / of);
}

// What is left of a variant's difference once that of the tensor's last variant is taken off, whose
// own weights hardly differ: what the kernel's rounding of activations does is the same in both.
std::string rest_text(const Measured& one, const Measured& last) {
    if (one.variant == last.variant) return "";
    std::vector<double> expected = one.values->clusters.kld_sum;
    for (size_t i = 0; i < expected.size(); ++i) {
        expected[i] += last.blocks->clusters.kld_sum[i] - last.values->clusters.kld_sum[i];
    }
    const ClusterSeries& file = one.blocks->clusters;
    return share_text(compare_paired(expected, file.kld_sum, file.tokens),
                      one.blocks->kld_nats.mean.value);
}

void print_row(const Measured& one, const Measured& last) {
    const ClusterSeries& file = one.blocks->clusters;
    const PairedComparison pair =
        compare_paired(one.values->clusters.kld_sum, file.kld_sum, file.tokens);
    fmt::print("| {} | {} | {} | {} | {} | {} |\n", one.variant->name,
               text_of(one.blocks->kld_nats.mean), text_of(one.values->kld_nats.mean),
               text_of(pair.difference), share_text(pair, one.blocks->kld_nats.mean.value),
               rest_text(one, last));
}

void print_table(const std::vector<Measured>& all) {
    fmt::print(
        "| variant | as blocks | dequantized | dequantized - blocks | % | % corrected |\n"
        "|---|---:|---:|---:|---:|---:|\n");
    for (const Measured& one : all) {
        const auto last = std::find_if(all.rbegin(), all.rend(), [&](const Measured& other) {
            return other.tensor() == one.tensor();
        });
        print_row(one, *last);
    }
}

void run(const Arguments& a) {
    baseline_for(a);
    const std::vector<MeasureRecord> records = measured(a);
    const MeasureRecord& first = records.front();
    fmt::print(
        "### {}\n\n{}, {} windows of up to {} tokens, {} scored positions, noise floor {:.2f}\n\n",
        a.model.filename().string(), a.text.filename().string(), first.corpus.windows,
        first.protocol.window_tokens, first.scored_positions, first.noise_floor_nats * 1e6);
    std::vector<Measured> all;
    for (size_t i = 0; i < a.variants.size(); ++i) {
        all.push_back({&a.variants[i], &records[i], &records[a.variants.size() + i]});
    }
    print_table(all);
    fs::remove_all(a.work);
}

}  // namespace
}  // namespace bitgauge

int main(int argc, char** argv) {
    if (argc < 7) {
        std::fprintf(stderr,
                     "usage: dequantized MODEL TEXT WORK-FOLDER WINDOWS WINDOW-TOKENS "
                     "TENSOR=TYPE...\n");
        return 2;
    }
    try {
        bitgauge::run(bitgauge::read_arguments(argc, argv));
    } catch (const bitgauge::Error& error) {
        std::fprintf(stderr, "dequantized: %s\n", error.what());
        return static_cast<int>(error.kind());
    }
    return 0;
}
