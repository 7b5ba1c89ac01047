// What N variants of a model cost beside one plain pass, and whether their numbers are those of the
// files they stand for.
//
//     variants MODEL TEXT WORK-FOLDER [VARIANTS=16] [WINDOWS=8] [WINDOW-TOKENS=256] [TYPE=q4_K]
//
// The variants' changed tensors (attn_output of one layer each) are spread over the depth. Prints a
// line per run; the ideal of N variants is 1 + the mean share of layers behind the changed one x N.

#include "eval/variants.h"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "bitgauge/error.h"
#include "bitgauge/eval.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

double seconds_of(const auto& work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

struct Arguments {
    fs::path model, text, work;
    uint32_t variants = 16, windows = 8, window = 256;
    std::string type = "q4_K";
};

uint32_t number_or(char** argv, int argc, int index, uint32_t otherwise) {
    if (argc <= index) return otherwise;
    return static_cast<uint32_t>(std::strtoul(argv[index], nullptr, 10));
}

Arguments read_arguments(int argc, char** argv) {
    Arguments a{.model = argv[1], .text = argv[2], .work = argv[3]};
    a.variants = number_or(argv, argc, 4, a.variants);
    a.windows = number_or(argv, argc, 5, a.windows);
    a.window = number_or(argv, argc, 6, a.window);
    if (argc > 7) a.type = argv[7];
    return a;
}

std::vector<VariantSpec> spread(const Arguments& a, VariantUse use, double& ideal) {
    const StagedModel model(a.model, {}, {});
    const uint32_t layers = model.anatomy().count();
    std::vector<VariantSpec> specs;
    ideal = 1;
    for (uint32_t v = 0; v < a.variants; ++v) {
        const uint32_t layer = layers * (2 * v + 1) / (2 * a.variants);
        ideal += static_cast<double>(layers - layer) / layers;
        specs.push_back(
            {.name = "layer " + std::to_string(layer),
             .types = {{"blk." + std::to_string(layer) + ".attn_output.weight", a.type}},
             .use = use});
    }
    return specs;
}

void run(const Arguments& a) {
    fs::remove_all(a.work);
    fs::create_directories(a.work);
    BaselineOptions baseline{
        .texts = {a.text},
        .protocol = {.window_tokens = a.window, .warmup_tokens = 16, .max_windows = a.windows}};
    make_baseline(a.model, a.work / "base", baseline, silent_progress());
    MeasureOptions options;
    options.engine.stages = 4096;
    const fs::path files[] = {a.model};
    const auto plain = [&] { measure(files, a.work / "base", options, {}, silent_progress()); };
    plain();  // the cut is checked, the file is in memory
    const double once = seconds_of(plain);
    std::printf("plain pass: %.2f s\n", once);
    for (const VariantUse use : {VariantUse::kDequantized, VariantUse::kBlocks}) {
        double ideal = 0;
        const auto specs = spread(a, use, ideal);
        const double all = seconds_of([&] {
            measure_variants(a.model, specs, {}, a.work / "base", options, {}, silent_progress());
        });
        std::printf("%u variants %s: %.2f s, %.2f plain passes (ideal %.2f)\n", a.variants,
                    use == VariantUse::kBlocks ? "as blocks" : "in place", all, all / once, ideal);
    }
}

}  // namespace
}  // namespace bitgauge

int main(int argc, char** argv) {
    if (argc < 4) {
        std::fprintf(stderr,
                     "usage: variants MODEL TEXT WORK-FOLDER [VARIANTS] [WINDOWS] "
                     "[WINDOW-TOKENS] [TYPE]\n");
        return 2;
    }
    try {
        bitgauge::run(bitgauge::read_arguments(argc, argv));
    } catch (const bitgauge::Error& error) {
        std::fprintf(stderr, "variants: %s\n", error.what());
        return static_cast<int>(error.kind());
    }
    return 0;
}
