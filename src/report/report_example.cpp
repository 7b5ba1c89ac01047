// report_example STORE: a store of made-up records, to try `bitgauge report` on.
// report_example --page FILE: the page of the same records.
// report_example --sweep-page FILE: the page of a made-up sweep.

#include <iostream>
#include <string>

#include "bitgauge/report.h"
#include "bitgauge/store.h"

#include "base/files.h"
#include "report/example_records.h"
#include "report/example_sweep.h"
#include "report/example_tasks.h"

namespace {

void write_page(const std::string& path) {
    bitgauge::Report report{bitgauge::build_leaderboards(bitgauge::example_records()),
                            bitgauge::published_tables("qwen3.5-35b-a3b"),
                            bitgauge::build_task_reports(bitgauge::example_tasks())};
    bitgauge::add_answers(report.leaderboards, report.tasks);
    // A name that tries to break out of the page.
    auto& hostile = report.leaderboards.front().rows.back();
    hostile.name += "</script><script>alert(1)</script><!--";
    report.tasks.front().rows.back().name = hostile.name;
    report.tasks.front().sets.back() = hostile.name;
    bitgauge::write_file_atomically(path, bitgauge::html_page(report));
}

void write_sweep_page(const std::string& path) {
    bitgauge::SweepTable sweep = bitgauge::example_model_sweep();
    sweep.tensors.back().tensor += "</script><script>alert(1)</script><!--";
    bitgauge::write_file_atomically(path, bitgauge::html_page(bitgauge::build_sweep_report(sweep)));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 3 && std::string(argv[1]) == "--page") {
        write_page(argv[2]);
    } else if (argc == 3 && std::string(argv[1]) == "--sweep-page") {
        write_sweep_page(argv[2]);
    } else if (argc == 2) {
        bitgauge::Store store(argv[1]);
        for (const auto& record : bitgauge::example_records()) store.put(record);
        for (const auto& record : bitgauge::example_tasks()) store.put_tasks(record);
    } else {
        std::cerr << "usage: report_example STORE | --page FILE | --sweep-page FILE\n";
        return 2;
    }
}
