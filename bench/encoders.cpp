// How much faster rows are encoded than by ggml: pairs of runs, ours and ggml's by turns, on one
// thread; million weights per second of the processor and the median ratio per type. The bytes are
// compared.
//
//   encoders [--no-importance] [TYPE...]

#include "qtype/encoders.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <string>
#include <vector>

#include "bitgauge/qtype.h"

namespace {

using bitgauge::QType;

constexpr size_t kRowWeights = 4096;
constexpr double kSecondsPerRun = 0.05;
constexpr int kPairs = 7;

struct Sample {
    std::vector<float> weights;
    std::vector<float> importance;
};

Sample make_sample(size_t rows, bool importance) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal(0.0F, 0.02F);
    Sample sample;
    sample.weights.resize(rows * kRowWeights);
    for (float& weight : sample.weights) weight = normal(random);
    if (!importance) return sample;
    sample.importance.resize(kRowWeights);
    for (float& value : sample.importance) value = std::abs(normal(random)) + 1e-3F;
    return sample;
}

// Time of the processor, which other programs of the machine disturb less than the clock's.
double processor_seconds() {
    timespec now = {};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

template <class Run>
double seconds(const Run& run) {
    const double start = processor_seconds();
    run();
    return processor_seconds() - start;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

class Comparison {
  public:
    Comparison(const QType& type, bool importance)
        : type_(type), sample_(make_sample(8, importance)) {
        out_.resize(type.row_bytes(sample_.weights.size()));
        reference_.resize(out_.size());
    }

    // Rows enough that ggml takes about kSecondsPerRun.
    void size_up() {
        by_ggml();  // its tables are made once
        const double once = std::max(1e-6, seconds([this] { by_ggml(); }));
        repeats_ = std::max(1, static_cast<int>(kSecondsPerRun / once));
    }

    void print() {
        std::vector<double> ours;
        std::vector<double> ggml;
        std::vector<double> ratios;
        for (int pair = 0; pair < kPairs; ++pair) {
            ours.push_back(seconds([this] { repeat([this] { by_us(); }); }));
            ggml.push_back(seconds([this] { repeat([this] { by_ggml(); }); }));
            ratios.push_back(ggml.back() / ours.back());
        }
        const double weights = 1e-6 * repeats_ * static_cast<double>(sample_.weights.size());
        std::printf("%-8s %-10s %9.1f %9.1f %7.2f  %s\n", type_.name.c_str(),
                    sample_.importance.empty() ? "none" : "importance", weights / median(ours),
                    weights / median(ggml), median(ratios),
                    out_ == reference_ ? "same bytes" : "DIFFERENT BYTES");
    }

  private:
    template <class Run>
    void repeat(const Run& run) const {
        for (int i = 0; i < repeats_; ++i) run();
    }
    void by_us() {
        bitgauge::encode_rows(type_.id, sample_.weights, kRowWeights, sample_.importance, out_);
    }
    void by_ggml() {
        bitgauge::encode_by_ggml(
            type_.id, sample_.weights.data(), sample_.weights.size() / kRowWeights, kRowWeights,
            sample_.importance.empty() ? nullptr : sample_.importance.data(), reference_.data());
    }

    const QType& type_;
    Sample sample_;
    std::vector<std::byte> out_;
    std::vector<std::byte> reference_;
    int repeats_ = 1;
};

}  // namespace

int main(int argc, char** argv) {
    std::vector<std::string> wanted(argv + 1, argv + argc);
    const bool importance = std::erase(wanted, "--no-importance") == 0;
    std::printf("%-8s %-10s %9s %9s %7s\n", "type", "", "ours Mw/s", "ggml Mw/s", "ratio");
    for (const QType& type : bitgauge::all_types()) {
        const bool named = std::find(wanted.begin(), wanted.end(), type.name) != wanted.end();
        if (!(wanted.empty() ? type.has_own_encoder : named)) continue;
        if (type.needs_importance && !importance) continue;
        Comparison comparison(type, importance);
        comparison.size_up();
        comparison.print();
    }
    return 0;
}
