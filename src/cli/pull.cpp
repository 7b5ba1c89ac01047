#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "bitgauge/hub.h"

#include "base/json.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/hub_arguments.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kBytesOfMib = uint64_t{1} << 20;

struct PullArguments {
    std::string name;
    std::string revision = "main";
    fs::path out;
    bool projector = false;
    bool dry_run = false;
    bool json = false;
    uint64_t chunk_mib = 16;
    HubArguments hub;
    HubOptions transfer;  // how, not whence
};

const char* state_word(HubState state) {
    if (state == HubState::kPresent) return "there";
    return state == HubState::kPartial ? "begun" : "absent";
}

Json file_json(const HubPlace& place, bool dry_run) {
    Json file = {{"file", place.file.path},
                 {"path", place.path.string()},
                 {"bytes", place.file.bytes},
                 {"hash", place.file.hash}};
    if (dry_run) {
        file["state"] = state_word(place.state);
    } else {
        file["fetched"] = place.state != HubState::kPresent;
    }
    return file;
}

void print_json(const PullArguments& a, const HubListing& listing,
                const std::vector<HubPlace>& places, Console& console) {
    Json record = {{"schema", "bitgauge.pull/1"},  {"repository", listing.repository},
                   {"revision", listing.revision}, {"commit", listing.commit},
                   {"dry_run", a.dry_run},         {"files", Json::array()}};
    for (const HubPlace& place : places) record["files"].push_back(file_json(place, a.dry_run));
    // names on a server may be no UTF-8
    console.print(record.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

void print_places(const PullArguments& a, const std::vector<HubPlace>& places, Console& console) {
    for (const HubPlace& place : places) {
        console.print(a.dry_run
                          ? fmt::format("{}  {}  {}\n", place.file.path,
                                        format_bytes(place.file.bytes), state_word(place.state))
                          : place.path.string() + "\n");
    }
}

// A file nobody asked for by name may be a surprise.
void say_what_was_chosen(const HubName& name, const std::vector<HubFile>& files, Console& console) {
    if (!name.tag.empty()) return;
    console.progress().detail(
        fmt::format("'{}' was chosen of {}", files.front().path, name.repository));
}

HubOptions options_of(const PullArguments& a) {
    HubOptions options = hub_options(a.hub);
    options.connections = a.transfer.connections;
    options.chunk_bytes = a.chunk_mib * kBytesOfMib;
    options.stall_s = a.transfer.stall_s;
    options.retries = a.transfer.retries;
    return options;
}

void run_pull(const PullArguments& a, Console& console) {
    const HubName name = parse_hub_name(a.name);
    const HubOptions options = options_of(a);
    const HubListing listing = list_repository(name.repository, a.revision, options);
    const auto files = choose_files(listing, name.tag, a.projector);
    say_what_was_chosen(name, files, console);
    const auto places = a.dry_run ? find_places(listing, files, a.out, options)
                                  : pull_files(listing, files, a.out, options, console.progress());
    if (a.json) {
        print_json(a, listing, places, console);
    } else {
        print_places(a, places, console);
    }
}

void add_choice(CLI::App& command, const std::shared_ptr<PullArguments>& a) {
    command
        .add_option(
            "NAME", a->name,
            "USER/NAME or USER/NAME:TAG; the tag is a part of the file's name, such as Q8_0 "
            "[Q4_K_M, or else the first GGUF file]")
        ->required()
        ->type_name("");
    command.add_option("--revision", a->revision, "A branch, a tag or a commit [main]")
        ->type_name("NAME");
    command.add_flag("--mmproj", a->projector,
                     "Also the projector for images, F16 if there is one");
}

void add_place(CLI::App& command, const std::shared_ptr<PullArguments>& a) {
    command
        .add_option("-o,--out", a->out,
                    "A file, or a folder, to write instead of the cache; shards want a folder")
        ->type_name("PATH");
    command.add_flag("--dry-run", a->dry_run, "Fetch nothing: print files, sizes, what is there");
    command.add_flag("--json", a->json, "Print one JSON record");
}

void add_transfer(CLI::App& command, const std::shared_ptr<PullArguments>& a) {
    HubOptions& o = a->transfer;
    add_hub_options(command, a->hub, "Transfer");
    command.add_option("--connections", o.connections, "Chunks fetched at the same time [8]")
        ->type_name("N")
        ->check(CLI::Range(1, 64))
        ->group("Transfer");
    command.add_option("--chunk-mib", a->chunk_mib, "Size of a chunk in MiB [16]")
        ->type_name("N")
        ->check(CLI::Range(1, 1024))
        ->group("Transfer");
    command
        .add_option("--stall", o.stall_s, "Seconds without data, then a connection is dropped [30]")
        ->type_name("SECONDS")
        ->check(CLI::Range(1, 3600))
        ->group("Transfer");
    command
        .add_option("--retries", o.retries, "How often a chunk is tried again without success [10]")
        ->type_name("N")
        ->check(CLI::Range(0, 100))
        ->group("Transfer");
}

}  // namespace

void add_pull(CLI::App& app, Console& console) {
    const auto a = std::make_shared<PullArguments>();
    CLI::App* command =
        add_command(app, console, "pull", "Fetch GGUF files from Hugging Face, checked",
                    "  bitgauge pull unsloth/Qwen3-8B-GGUF:Q8_0\n"
                    "  bitgauge pull unsloth/Qwen3-8B-GGUF:BF16 -o models/\n"
                    "  bitgauge inspect $(bitgauge pull unsloth/Qwen3-8B-GGUF)");
    add_choice(*command, a);
    add_place(*command, a);
    add_transfer(*command, a);
    command->callback([a, &console] { run_pull(*a, console); });
}

}  // namespace bitgauge
