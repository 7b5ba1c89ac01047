// How near rounding with feedback comes to the machine's product of matrices: billions of
// floating-point operations per second of a processor's time, which other programs disturb less
// than the clock's, for the factor (width^3 / 3), the feedback of
// one matrix (rows * width^2) and the correction of its target (4 * rows * width^2), beside
// OpenBLAS's product. With one thread and with all; the median of some runs.
//
//   rounding [--rows N] [TYPE]

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <random>
#include <vector>

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/info.h>
#include <oneapi/tbb/parallel_for.h>

#include "bitgauge/qtype.h"

#include "linear/blas.h"
#include "rounding/feedback_kernel.h"
#include "rounding/rounder.h"

namespace {

using namespace bitgauge;  // NOLINT(google-build-using-namespace): a program

// As many runs at least, and as many as take so long.
constexpr size_t kRuns = 5;
constexpr double kSeconds = 0.2;

// Of all threads.
double processor_seconds() {
    timespec now = {};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// The first run is left out: memory is new to it.
template <class Run>
double median_seconds(const Run& run) {
    run();
    std::vector<double> seconds;
    for (double sum = 0; seconds.size() < kRuns || sum < kSeconds; sum += seconds.back()) {
        const double start = processor_seconds();
        run();
        seconds.push_back(processor_seconds() - start);
    }
    const auto middle = seconds.begin() + static_cast<ptrdiff_t>(seconds.size() / 2);
    std::nth_element(seconds.begin(), middle, seconds.end());
    return *middle;
}

std::vector<float> normal_values(size_t count) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    std::vector<float> values(count);
    for (float& value : values) value = normal(random);
    return values;
}

// Neighbouring channels and tokens are alike, so that feedback has something to do.
InputMoments moments_of(size_t width) {
    const size_t tokens = 2 * width;
    std::vector<float> xq = normal_values(tokens * width);
    for (size_t i = 1; i < xq.size(); ++i) xq[i] += 0.8F * xq[i - 1];
    std::vector<float> x = xq;
    for (size_t i = 1; i < x.size(); ++i) x[i] += 0.05F * xq[i - 1];
    InputMoments moments = {.width = width};
    moments.add(xq, x);
    return moments;
}

// Of a product as large as the feedback's, each thread its own.
double product_seconds(size_t rows, size_t width) {
    const std::vector<float> left = normal_values(rows * width);
    const std::vector<float> right = normal_values(width * width);
    std::vector<float> out(rows * width);
    return median_seconds([&] {
        tbb::parallel_for(size_t{0}, rows / kTileRows, [&](size_t tile) {
            const size_t at = tile * kTileRows * width;
            add_product(1, {left.data() + at, kTileRows, width, width}, Form::kPlain,
                        {right.data(), width, width, width}, Form::kPlain,
                        {out.data() + at, kTileRows, width, width});
        });
    });
}

double encoder_seconds(int type_id, const std::vector<float>& weights, size_t width,
                       std::span<const float> importance, std::vector<std::byte>& out) {
    const size_t rows = weights.size() / width;
    const size_t row_bytes = out.size() / rows;
    return median_seconds([&] {
        tbb::parallel_for(size_t{0}, rows / kTileRows, [&](size_t tile) {
            encode_rows(
                type_id, std::span(weights).subspan(tile * kTileRows * width, kTileRows * width),
                width, importance,
                std::span(out).subspan(tile * kTileRows * row_bytes, kTileRows * row_bytes));
        });
    });
}

void measure(int type_id, size_t rows, size_t width) {
    const InputMoments moments = moments_of(width);
    const std::vector<float> weights = normal_values(rows * width);
    std::vector<std::byte> out(type_by_id(type_id)->row_bytes(weights.size()));
    const auto n = static_cast<double>(width);
    const double square = static_cast<double>(rows) * n * n * 1e-9;
    const double product = 2 * square / product_seconds(rows, width);
    const double factor = median_seconds([&] { const Rounder made(moments, {.correction = 0}); });
    const Rounder rounder(moments, {.correction = 0});
    const Rounder corrector(moments, {.correction = 0.5});
    const double encode = encoder_seconds(type_id, weights, width, rounder.importance(), out);
    const double plain = median_seconds([&] { rounder.round(type_id, weights, out); });
    const double corrected = median_seconds([&] { corrector.round(type_id, weights, out); });
    std::printf("%6zu %6zu %9.1f %9.1f %9.1f %9.1f %9.1f %9.1f %6.0f %% %6.0f %%\n", width, rows,
                product, n * n * n / 3 * 1e-9 / factor, square / plain,
                square / std::max(1e-9, plain - encode), 4 * square / (corrected - plain),
                1e-6 * static_cast<double>(weights.size()) / encode,
                100 * (n * n * n / 3 * 1e-9 / factor) / product,
                100 * (square / std::max(1e-9, plain - encode)) / product);
}

void measure_all(int type_id, size_t rows) {
    std::printf("%6s %6s %9s %9s %9s %9s %9s %9s %8s %8s\n", "width", "rows", "product", "factor",
                "round", "feedback", "correct", "enc Mw/s", "factor", "feedback");
    for (const size_t width : {size_t{512}, size_t{2048}, size_t{4096}}) {
        measure(type_id, rows, width);
    }
}

}  // namespace

int main(int argc, char** argv) {
    size_t rows = 1024;
    const char* name = "q4_K";
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "--rows") == 0 && i + 1 < argc) {
            rows = std::strtoul(argv[++i], nullptr, 10) / kTileRows * kTileRows;
        } else {
            name = argv[i];
        }
    }
    const QType* type = find_type(name);
    if (type == nullptr || !can_round_with_feedback(type->id) || rows == 0) {
        std::fprintf(stderr, "rounding: no type '%s' to round to\n", name);
        return 2;
    }
    const int cores = tbb::info::default_concurrency();
    for (const int threads : {1, cores}) {
        const tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                                        static_cast<size_t>(threads));
        std::printf(
            "%s, %d thread%s, GFLOP/s of each; 'round' with and 'feedback' without the encoder\n",
            type->name.c_str(), threads, threads == 1 ? "" : "s");
        measure_all(type->id, rows);
        if (cores == 1) break;
    }
    return 0;
}
