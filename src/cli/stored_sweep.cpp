#include "cli/stored_sweep.h"

#include <optional>
#include <set>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/store.h"

#include "base/units.h"

namespace bitgauge {
namespace fs = std::filesystem;

SweepTable newest_sweep(const GgufFile& file, const fs::path& store_path) {
    const Store store(store_path, Store::Access::kReadOnly);
    const std::string hash = identify_model(file, /*with_hash=*/true).content_hash;
    std::optional<SweepTable> newest;
    std::string others;
    for (SweepTable& sweep : store.all_sweeps()) {
        if (sweep.original.content_hash == hash) {
            newest = std::move(sweep);
        } else {
            others = sweep.original.file;
        }
    }
    if (newest) return std::move(*newest);
    const std::string name = file.shards().front().filename().string();
    throw Error(ErrorKind::kInput,
                fmt::format("{} has no sweep of '{}'{}", store_path.string(), name,
                            others.empty() ? "" : fmt::format(" (but one of '{}')", others)),
                fmt::format("run: bitgauge sweep {} -t TEXT", name));
}

SweepTable only_sweep(const fs::path& store_path) {
    const Store store(store_path, Store::Access::kReadOnly);
    std::vector<SweepTable> sweeps = store.all_sweeps();
    std::set<std::string> hashes, files;
    for (const SweepTable& sweep : sweeps) {
        hashes.insert(sweep.original.content_hash);
        files.insert(sweep.original.file);
    }
    if (hashes.size() == 1) return std::move(sweeps.back());
    if (hashes.empty()) {
        throw Error(ErrorKind::kInput, fmt::format("{} has no sweep", store_path.string()),
                    "run: bitgauge sweep ORIGINAL -t TEXT");
    }
    throw Error(ErrorKind::kInput,
                fmt::format("{} has sweeps of {}", store_path.string(),
                            some_of(std::vector(files.begin(), files.end()))),
                "name the original: bitgauge prior add ORIGINAL");
}

}  // namespace bitgauge
