#include "cli/bench_report.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "bitgauge/qtype.h"
#include "bitgauge/version.h"

#include "base/units.h"
#include "report/numbers.h"
#include "store/record_json.h"

namespace bitgauge {
namespace {

constexpr double kMiB = 1024.0 * 1024.0;

// --- what both say ------------------------------------------------------------------------------

std::string machine_text(const EngineDescription& engine, uint32_t threads) {
    const std::string on = engine.backend == "CPU" ? "" : engine.backend + "; ";
    return fmt::format("{}{}, {}", on, engine.cpu, counted(threads, "thread"));
}

std::string peak_text(double bytes_per_second) {
    if (bytes_per_second == 0) return "";
    return fmt::format("{:.1f} GiB/s read", bytes_per_second / kGiB);
}

Json spread_json(const Spread& spread) {
    return {{"median", spread.median}, {"least", spread.least}, {"most", spread.most}};
}

Json record_of(const char* schema, const EngineDescription& engine, uint32_t threads, double peak) {
    Json json = {{"schema", schema},          {"bitgauge", kVersion},
                 {"llama", engine.llama},     {"ggml", engine.ggml},
                 {"backend", engine.backend}, {"cpu", engine.cpu},
                 {"threads", threads},        {"peak_bytes_per_second", nullptr}};
    if (peak > 0) json["peak_bytes_per_second"] = peak;
    return json;
}

// --- files --------------------------------------------------------------------------------------

std::string per_cent(double part, double whole) {
    return whole > 0 ? fmt::format("{:.0f}", 100 * part / whole) : "";
}

std::string rate_text(double rate) {
    return fmt::format("{:.{}f}", rate, rate >= 1000 ? 0 : rate >= 100 ? 1 : 2);
}

std::vector<GridColumn> file_columns(const SpeedReport& report) {
    std::vector<GridColumn> columns = {{.title = "test", .text = true},
                                       {.title = "file", .text = true},
                                       {.title = "median", .unit = "tokens/s"},
                                       {.title = "least", .unit = "tokens/s"},
                                       {.title = "most", .unit = "tokens/s"}};
    if (report.files.size() > 1) columns.push_back({.title = "to first", .unit = "ratio"});
    const bool generates = std::any_of(report.tests.begin(), report.tests.end(),
                                       [](const SpeedTest& test) { return test.generates; });
    if (!generates) return columns;
    columns.push_back({.title = "read", .unit = "MiB/token"});
    columns.push_back({.title = "bandwidth", .unit = "GiB/s"});
    if (report.peak_bytes_per_second > 0) columns.push_back({.title = "of peak", .unit = "%"});
    return columns;
}

std::vector<std::string> file_row(const SpeedReport& report, const SpeedTest& test, size_t file) {
    const FileSpeed& speed = test.files[file];
    const Spread& rate = speed.tokens_per_second;
    std::vector<std::string> row = {test.name(), report.files[file].path.filename().string(),
                                    rate_text(rate.median), rate_text(rate.least),
                                    rate_text(rate.most)};
    if (report.files.size() > 1) {
        row.push_back(file == 0 ? "1" : format_estimate(speed.ratio_to_first));
    }
    if (speed.bytes_per_token == 0) return row;
    row.push_back(fmt::format("{:.2f}", speed.bytes_per_token / kMiB));
    row.push_back(fmt::format("{:.2f}", speed.bytes_per_second / kGiB));
    row.push_back(per_cent(speed.bytes_per_second, report.peak_bytes_per_second));
    return row;
}

// Rows end where a table's columns do.
Grid file_grid(const SpeedReport& report) {
    Grid grid{.columns = file_columns(report)};
    for (const SpeedTest& test : report.tests) {
        for (size_t file = 0; file < test.files.size(); ++file) {
            grid.rows.push_back(file_row(report, test, file));
            grid.rows.back().resize(grid.columns.size());
        }
    }
    return grid;
}

std::string turns_text(const SpeedReport& report) {
    const size_t repetitions = report.tests.front().files.front().seconds.size();
    std::string each = counted(repetitions, "repetition");
    if (report.files.size() == 1) return each;
    return each + (report.took_turns ? ", files in turns" : ", file after file");
}

Json speed_json(const SpeedReport& report, const FileSpeed& speed, size_t file) {
    Json json = {{"file", report.files[file].path.string()},
                 {"seconds", speed.seconds},
                 {"tokens_per_second", spread_json(speed.tokens_per_second)},
                 {"ratio_to_first", to_json(speed.ratio_to_first)}};
    if (speed.bytes_per_token == 0) return json;
    json["bytes_per_token"] = speed.bytes_per_token;
    json["bytes_per_second"] = speed.bytes_per_second;
    if (report.peak_bytes_per_second > 0) {
        json["share_of_peak"] = speed.bytes_per_second / report.peak_bytes_per_second;
    }
    return json;
}

Json test_json(const SpeedReport& report, const SpeedTest& test) {
    Json json = {{"name", test.name()},         {"kind", test.generates ? "generation" : "prompt"},
                 {"tokens", test.tokens},       {"depth", test.depth},
                 {"sequences", test.sequences}, {"files", Json::array()}};
    for (size_t file = 0; file < test.files.size(); ++file) {
        json["files"].push_back(speed_json(report, test.files[file], file));
    }
    return json;
}

// --- types --------------------------------------------------------------------------------------

bool same_shape(const TypeSpeed& a, const TypeSpeed& b) {
    return a.rows == b.rows && a.columns == b.columns && a.tokens == b.tokens;
}

Grid type_grid() {
    return {.columns = {{.title = "type", .text = true},
                        {.title = "size", .unit = "bits/weight"},
                        {.title = "speed", .unit = "Gweights/s"},
                        {.title = "bandwidth", .unit = "GiB/s"},
                        {.title = "time", .unit = "/ q8_0"},
                        {.title = "layout", .text = true}}};
}

std::vector<std::string> type_row(const TypeSpeed& type) {
    return {type.type,
            fmt::format("{:.2f}", 8 * static_cast<double>(type.bytes) / type.weights()),
            format_number(type.weights_per_second() * type.tokens / 1e9),
            fmt::format("{:.2f}", type.bytes_per_second() / kGiB),
            format_estimate(type.time_ratio),
            type.laid_out ? "for this processor" : ""};
}

Json type_json(const TypeSpeed& type) {
    return {{"type", type.type},
            {"rows", type.rows},
            {"columns", type.columns},
            {"tokens", type.tokens},
            {"bytes", type.bytes},
            {"seconds", spread_json(type.seconds)},
            {"seconds_per_weight", type.seconds_per_weight()},
            {"bytes_per_second", type.bytes_per_second()},
            {"time_ratio_to_q8_0", to_json(type.time_ratio)},
            {"laid_out_for_processor", type.laid_out}};
}

}  // namespace

std::string bench_text(const SpeedReport& report, Page::Form form) {
    Page page(form);
    page.table(file_grid(report));
    page.heading("Measured");
    page.fact("machine", machine_text(report.engine, report.threads));
    page.fact("memory", peak_text(report.peak_bytes_per_second));
    page.fact("runs", turns_text(report));
    return page.text();
}

std::string bench_text(const TypeSpeedReport& report, Page::Form form) {
    Page page(form);
    for (size_t i = 0; i < report.types.size();) {
        const TypeSpeed& first = report.types[i];
        Grid grid = type_grid();
        for (; i < report.types.size() && same_shape(report.types[i], first); ++i) {
            grid.rows.push_back(type_row(report.types[i]));
        }
        page.heading(
            fmt::format("{} x {}, {}", first.rows, first.columns, counted(first.tokens, "token")));
        page.table(grid);
    }
    page.heading("Measured");
    page.fact("machine", machine_text(report.engine, report.threads));
    page.fact("memory", peak_text(report.peak_bytes_per_second));
    return page.text();
}

Json bench_json(const SpeedReport& report) {
    Json json =
        record_of("bitgauge.bench/1", report.engine, report.threads, report.peak_bytes_per_second);
    json["took_turns"] = report.took_turns;
    for (const BenchedFile& file : report.files) {
        json["files"].push_back({{"file", file.path.string()},
                                 {"bytes", file.file_bytes},
                                 {"decoded_weight_bytes", file.decoded_weight_bytes}});
    }
    for (const SpeedTest& test : report.tests) json["tests"].push_back(test_json(report, test));
    return json;
}

Json bench_json(const TypeSpeedReport& report) {
    Json json = record_of("bitgauge.bench-types/1", report.engine, report.threads,
                          report.peak_bytes_per_second);
    for (const TypeSpeed& type : report.types) json["products"].push_back(type_json(type));
    return json;
}

}  // namespace bitgauge
