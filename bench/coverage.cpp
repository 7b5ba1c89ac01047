// How often 95 % intervals hold the truth, on simulated corpora with document effects; beside them
// llama-perplexity's own +-, which takes every token as independent. Prints Markdown; the answer is
// the same on every run. Usage: coverage [TRIALS [TABLE]] (default: 2000, all tables; a TABLE is
// intervals, quantiles, ranking or cost).

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>

#include "bitgauge/stats.h"

#include "stats/simulation.h"

#include "interval_alternatives.h"

namespace bitgauge::bench {
namespace {

constexpr std::array<size_t, 3> kDocuments = {20, 60, 200};
constexpr std::array<double, 3> kIcc = {0.05, 0.1, 0.2};

// One trial's intervals, each with its truth, in an order fixed per table.
struct Check {
    std::string name;
    Estimate interval;
    double truth = 0;
};

using Table = std::vector<std::pair<std::string, stats::Coverage>>;

// Runs `trial` for each seed on all cores and counts, per name in order of first appearance.
Table coverage_of(size_t trials, const std::function<std::vector<Check>(uint64_t)>& trial) {
    std::vector<std::vector<Check>> checks(trials);
    tbb::parallel_for(size_t{0}, trials, [&](size_t i) { checks[i] = trial(i); });
    Table table;
    for (const Check& check : checks.front()) table.push_back({check.name, {}});
    for (const auto& row : checks)
        for (size_t k = 0; k < row.size(); ++k) table[k].second.add(row[k].interval, row[k].truth);
    return table;
}

void print_row(const std::string& head, const stats::Coverage& c, double truth) {
    const auto percent = [&](int64_t n) {
        return 100.0 * static_cast<double>(n) / static_cast<double>(c.trials);
    };
    fmt::print("| {} | {:.1f} | {:.1f} | {:.1f} | {:.0f} % |\n", head, 100 * c.share(),
               percent(c.truth_below), percent(c.truth_above),
               100 * c.mean_width() / std::abs(truth) / 2);
}

// What bitgauge and llama-perplexity print, then the alternatives for the mean.
constexpr size_t kPrinted = 7;
std::vector<Check> corpus_checks(const stats::CorpusModel& model, uint64_t seed) {
    const auto corpus = stats::simulate_corpus(model, seed);
    const auto pair = compare_paired(corpus.kld_a, corpus.kld_b, corpus.counts);
    const double difference = model.kld_nats * (1 - model.b_over_a);
    std::vector<Check> checks = {
        {"mean KLD", clustered_mean(corpus.kld_a, corpus.counts), model.kld_nats},
        {"mean KLD, llama-perplexity", stats::tokens_as_independent(corpus.values), model.kld_nats},
        {"ln PPL ratio", clustered_mean(corpus.ln_ratio, corpus.counts), model.ln_ppl_ratio},
        {"ln PPL ratio, llama-perplexity", stats::tokens_as_independent(corpus.ln_ratio_values),
         model.ln_ppl_ratio},
        {"KLD A - B", pair.difference, difference},
        {"KLD A - B, tokens independent", stats::tokens_as_independent(corpus.difference_values),
         difference},
        {"KLD A / B", pair.ratio, 1 / model.b_over_a}};
    for (auto& [name, interval] : all_intervals(corpus.kld_a, corpus.counts, seed))
        checks.push_back({name, interval, model.kld_nats});
    return checks;
}

constexpr const char* kHead =
    "documents | ICC | covered % | truth below % | truth above % | half width |\n"
    "|---|---|---|---|---|---|---|\n";

void print_interval_tables(size_t trials) {
    std::vector<std::pair<std::string, stats::Coverage>> printed, alternatives;
    std::vector<double> truths;
    for (size_t documents : kDocuments) {
        for (double icc : kIcc) {
            const stats::CorpusModel model{.documents = documents, .icc = icc};
            const Table table =
                coverage_of(trials, [&](uint64_t seed) { return corpus_checks(model, seed); });
            for (size_t k = 0; k < table.size(); ++k)
                (k < kPrinted ? printed : alternatives)
                    .push_back({fmt::format("{} | {} | {}", table[k].first, documents, icc),
                                table[k].second});
        }
    }
    for (const Check& check : corpus_checks({}, 0)) truths.push_back(check.truth);
    fmt::print("## 95 % intervals over documents, {} trials\n\n| figure | {}", trials, kHead);
    for (size_t i = 0; i < printed.size(); ++i)
        print_row(printed[i].first, printed[i].second, truths[i % kPrinted]);
    fmt::print("\n## Intervals for the mean that were compared\n\n| interval | {}", kHead);
    for (const auto& [name, coverage] : alternatives) print_row(name, coverage, truths[0]);
    fmt::print("\n");
    std::fflush(stdout);
}

// "99.9 % quantile (3 % without)": trials that gave no interval.
std::string with_share_without(const std::pair<std::string, stats::Coverage>& row) {
    const auto& [name, coverage] = row;
    if (coverage.without == 0) return name;
    const auto all = static_cast<double>(coverage.trials + coverage.without);
    return fmt::format("{} ({:.1f} % without)", name,
                       100 * static_cast<double>(coverage.without) / all);
}

void print_quantile_table(size_t trials) {
    fmt::print("## Quantiles\n\n| figure | {}", kHead);
    constexpr std::array<double, 3> shares = {0.5, 0.99, 0.999};
    const auto print_setting = [&](const stats::CorpusModel& model) {
        const auto table = coverage_of(trials, [&](uint64_t seed) {
            const auto corpus = stats::simulate_corpus(model, seed);
            const auto quantiles =
                clustered_quantiles(corpus.values, corpus.cluster, model.documents, shares);
            std::vector<Check> checks;
            for (size_t k = 0; k < shares.size(); ++k)
                checks.push_back({fmt::format("{} % quantile", 100 * shares[k]), quantiles[k],
                                  stats::true_quantile(model, shares[k])});
            return checks;
        });
        for (size_t k = 0; k < shares.size(); ++k)
            print_row(fmt::format("{} | {} | {}", with_share_without(table[k]), model.documents,
                                  model.icc),
                      table[k].second, stats::true_quantile(model, shares[k]));
    };
    for (size_t documents : kDocuments)
        for (double icc : kIcc) print_setting({.documents = documents, .icc = icc});
    fmt::print("\n");
    std::fflush(stdout);
}

void print_sequential_row(const std::string& name, const stats::RankingModel& model,
                          size_t trials) {
    std::vector<stats::SequentialRun> runs(trials);
    tbb::parallel_for(size_t{0}, trials, [&](size_t i) {
        runs[i] = stats::run_sequential(stats::simulate_candidates(model, i), model.means, {});
    });
    double wrong = 0, rank = 0, settled = 0, read = 0;
    for (const auto& run : runs) {
        wrong += run.any_wrong_order, rank += run.any_rank_too_high;
        settled += run.settled, read += run.share_read;
    }
    const double scale = 100.0 / static_cast<double>(trials);
    fmt::print("| {} | {} | {:.2f} | {:.2f} | {:.1f} | {:.0f} |\n", name, model.documents,
               wrong * scale, rank * scale, settled * scale, read * scale);
}

void print_sequential_table(size_t trials) {
    fmt::print("## Ranking under up to 8 looks, alpha = 5 %, tie margin 2 %, {} runs\n\n", trials);
    fmt::print(
        "| files (true means) | documents | any wrong order % | any rank too high % | "
        "settled % | documents read % |\n|---|---|---|---|---|---|\n");
    const std::vector<double> equal(5, 1.0), near = {1, 1.01, 1.02, 1.03, 1.04};
    const std::vector<double> pairs = {1, 1.005, 1.5, 1.51, 3, 3.01};
    std::vector<double> ladder;
    for (int k = 0; k < 10; ++k) ladder.push_back(std::pow(1.5, k));
    for (size_t documents : {60, 200, 1000}) {
        print_sequential_row("5 equal", {.means = equal, .documents = documents}, trials);
        print_sequential_row("5, 1 % apart", {.means = near, .documents = documents}, trials);
        print_sequential_row("3 pairs < 1 % apart", {.means = pairs, .documents = documents},
                             trials);
        print_sequential_row("10, factor 1.5 apart", {.means = ladder, .documents = documents},
                             trials);
        print_sequential_row("10, factor 1.5, own CV 10 %",
                             {.means = ladder, .documents = documents, .own_cv = 0.1}, trials);
    }
    fmt::print("\n");
}

double median_milliseconds(const std::function<void()>& work) {
    std::array<double, 5> elapsed{};
    for (double& ms : elapsed) {
        const auto start = std::chrono::steady_clock::now();
        work();
        ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
                 .count();
    }
    std::sort(elapsed.begin(), elapsed.end());
    return elapsed[2];
}

void print_cost() {
    const tbb::global_control one_thread(tbb::global_control::max_allowed_parallelism, 1);
    const auto corpus = stats::simulate_corpus({.documents = 1000, .median_length = 170}, 1);
    constexpr std::array<double, 5> shares = {0.5, 0.9, 0.95, 0.99, 0.999};
    const double mean = median_milliseconds([&] {
        for (int i = 0; i < 100; ++i) clustered_mean(corpus.kld_a, corpus.counts);
    });
    const double quantiles = median_milliseconds(
        [&] { clustered_quantiles(corpus.values, corpus.cluster, 1000, shares); });
    fmt::print("## Cost, one thread, median of 5\n\n");
    fmt::print("| call | ms |\n|---|---|\n");
    fmt::print("| clustered_mean, 1,000 clusters | {:.3f} |\n", mean / 100);
    fmt::print(
        "| clustered_quantiles, {} values, 1,000 clusters, 5 quantiles | "
        "{:.0f} |\n",
        corpus.values.size(), quantiles);
}

}  // namespace
}  // namespace bitgauge::bench

int main(int argc, char** argv) {
    using namespace bitgauge::bench;
    const size_t trials = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 2000;
    if (trials == 0) {
        fmt::print(stderr, "coverage: '{}' is not a number of trials\n", argv[1]);
        return 2;
    }
    const std::string only = argc > 2 ? argv[2] : "";
    const std::vector<std::pair<std::string, std::function<void()>>> tables = {
        {"intervals", [&] { print_interval_tables(trials); }},
        {"quantiles", [&] { print_quantile_table(trials); }},
        {"ranking", [&] { print_sequential_table(trials); }},
        {"cost", print_cost}};
    bool found = false;
    for (const auto& [name, print] : tables) {
        if (!only.empty() && only != name) continue;
        print();
        found = true;
    }
    if (!found) fmt::print(stderr, "coverage: there is no table '{}'\n", only);
    return found ? 0 : 2;
}
