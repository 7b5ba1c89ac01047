// How long planning a large model takes, and how far from the best the plans may be.
//
//     plan [SEED=1]
//
// The tensors of Qwen3.5-35B-A3B (733, of which 432 have 20 types to choose from), made-up
// sensitivities: 12 sizes from one frontier, sizes for given costs, two devices with a limit on the
// time per token, and the worst of several domains. Times are medians of some runs.

#include "bitgauge/plan.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bitgauge/error.h"

#include "plan/large_model.h"

namespace bitgauge {
namespace {

constexpr int kRuns = 9;
constexpr double kWeights = 34'660'610'688;
constexpr double kSizes[] = {2, 2.25, 2.5, 2.75, 3, 3.25, 3.5, 4, 4.5, 5, 5.5, 6.5};

uint64_t bytes_of(double bits_per_weight) {
    return static_cast<uint64_t>(kWeights * bits_per_weight / 8);
}

double median_milliseconds(const auto& work) {
    std::vector<double> times;
    for (int run = 0; run < kRuns; ++run) {
        const auto begin = std::chrono::steady_clock::now();
        work();
        const std::chrono::duration<double, std::milli> taken =
            std::chrono::steady_clock::now() - begin;
        times.push_back(taken.count());
    }
    std::nth_element(times.begin(), times.begin() + kRuns / 2, times.end());
    return times[kRuns / 2];
}

void print_header(const char* first) {
    std::printf("\n| %s | cost, nats | gap to the bound, %% | searched to the end | ms |\n", first);
    std::printf("|---|---:|---:|---|---:|\n");
}

void print_row(const std::string& name, const auto& plan) {
    PlanSolution s;
    const double taken = median_milliseconds([&] { s = plan(); });
    std::printf("| %s | %.6f | %.5f | %s | %.2f |\n", name.c_str(), s.cost, 100 * s.gap,
                s.optimal ? "yes" : "no", taken);
}

std::string number(const char* form, double value) {
    char text[64];
    std::snprintf(text, sizeof text, form, value);
    return text;
}

void one_frontier(const std::vector<PlanItem>& items) {
    std::vector<PlanSolution> plans;
    const double all = median_milliseconds([&] {
        plans.clear();
        const PlanFrontier frontier(items);
        for (const double size : kSizes) plans.push_back(frontier.at(bytes_of(size)));
    });
    const PlanFrontier frontier(items);
    double largest = 0;
    for (const auto& plan : plans) largest = std::max(largest, plan.gap);
    std::printf("%zu items, a curve of %zu steps: %.2f ms for it and 12 sizes, gaps to %.5f %%\n",
                items.size(), frontier.steps().size(), all, 100 * largest);
    print_header("bits per weight");
    for (const double size : kSizes)
        print_row(number("%.2f", size), [&] { return frontier.at(bytes_of(size)); });
}

void sizes_for_costs(const std::vector<PlanItem>& items) {
    print_header("smallest size");
    for (const double cost : {.3, .1, .03, .01, .003})
        print_row(number("at most %.3f nats", cost), [&] { return plan_size(items, cost); });
}

void two_devices(const std::vector<PlanItem>& items) {
    print_header("4.5 bits, 12 GB on one device, 9 GB on another, tokens per second");
    const auto placed = on_two_devices(items);
    for (const double speed : {20., 40., 80., 120., 150., 180.})
        print_row(number("%.0f", speed), [&] {
            return plan_cost(
                placed, {bytes_of(4.5), {{"gpu", 12e9}, {"cpu", 9e9}, {"seconds", 1 / speed}}});
        });
}

void worst_domains(uint64_t seed) {
    print_header("worst domain");
    for (const size_t domains : {2, 4, 8}) {
        const auto items = large_model(seed, domains);
        for (const double size : {2.5, 3.5, 4.5})
            print_row(std::to_string(domains) + " domains, " + number("%.1f bits", size),
                      [&] { return plan_cost(items, {bytes_of(size)}, {.worst_domain = true}); });
    }
}

void run(uint64_t seed) {
    const auto items = large_model(seed);
    one_frontier(items);
    sizes_for_costs(items);
    two_devices(items);
    worst_domains(seed);
}

}  // namespace
}  // namespace bitgauge

int main(int argc, char** argv) {
    try {
        bitgauge::run(argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1);
    } catch (const bitgauge::Error& error) {
        std::fprintf(stderr, "plan: %s\n", error.what());
        return static_cast<int>(error.kind());
    }
    return 0;
}
