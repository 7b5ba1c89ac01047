#include "cli/fit_models.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/units.h"
#include "cli/header_file.h"
#include "gguf/split.h"
#include "report/escape.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

constexpr size_t kLongestName = 200;

// What is a GGUF file and no model of text.
void require_model(const GgufFile& file, const std::string& name) {
    const std::string architecture = file.architecture();
    const std::string type = file.text("general.type").value_or("model");
    if (architecture == "clip" || type == "mmproj") {
        throw Error(ErrorKind::kInput,
                    fmt::format("'{}' is a projector for images, no model", name),
                    "name the model's own file");
    }
    if (type != "model" || architecture.empty() || file.tensors().empty()) {
        throw Error(ErrorKind::kInput,
                    fmt::format("'{}' holds no model ({})", name,
                                type != "model" ? "general.type is '" + type + "'"
                                                : "no architecture or no tensors"),
                    "bitgauge inspect shows what it holds");
    }
}

// --- files on this machine ----------------------------------------------------------------------

class LocalModels {
  public:
    LocalModels(const fs::path& scratch, Progress& progress)
        : scratch_(scratch), progress_(progress) {}

    void add(const fs::path& path) {
        GgufFile file = GgufFile::open_header(path);
        const std::string name = path.filename().string();
        require_model(file, name);
        if (!file.has_data()) {
            progress_.detail(fmt::format("'{}' has a header alone; that is enough", name));
        }
        const uint64_t bytes = file.has_data() ? file.file_bytes() : promised_bytes(file);
        found_.files.push_back({.name = name,
                                .source = "-m " + shell_argument(path.string()),
                                .name_to_run = shell_argument(path.string()),
                                .bytes = bytes,
                                .parts = model_parts(file),
                                .model = model_of(std::move(file))});
    }

    FitModels take() { return std::move(found_); }

  private:
    static uint64_t promised_bytes(const GgufFile& file) {
        std::map<uint32_t, uint64_t> ends;
        for (const TensorInfo& tensor : file.tensors()) {
            ends[tensor.shard] = std::max(ends[tensor.shard], tensor.offset + tensor.bytes);
        }
        uint64_t sum = 0;
        for (const auto& [shard, end] : ends) sum += end;
        return sum;
    }

    size_t model_of(GgufFile file) {
        const std::string key = file.architecture() + file.shape_hash();
        const auto [at, is_new] = by_shape_.emplace(key, found_.models.size());
        if (is_new) {
            fs::path path = file.has_data()
                                ? file.shards().front()
                                : write_header_files(file, scratch_ / std::to_string(at->second));
            found_.models.push_back({std::move(file), std::move(path)});
        }
        return at->second;
    }

    const fs::path& scratch_;
    Progress& progress_;
    FitModels found_;
    std::map<std::string, size_t> by_shape_;
};

bool is_later_shard(const fs::path& path) {
    const auto shard = parse_shard_name(path);
    return shard && shard->number > 1;
}

FitModels models_in(const fs::path& folder, const fs::path& scratch, Progress& progress) {
    std::vector<fs::path> paths;
    for (const auto& entry : fs::directory_iterator(folder)) {
        const fs::path& path = entry.path();
        if (path.extension() == ".gguf" && !is_later_shard(path)) paths.push_back(path);
    }
    std::sort(paths.begin(), paths.end());
    LocalModels models(scratch, progress);
    for (const fs::path& path : paths) {
        try {
            models.add(path);
        } catch (const Error& error) {
            progress.warn(fmt::format("left out: {}", error.what()));
        }
    }
    FitModels found = models.take();
    if (!found.files.empty()) return found;
    throw Error(ErrorKind::kInput,
                fmt::format("'{}' has no model among its {}", folder.string(),
                            counted(paths.size(), "GGUF file")),
                "name a folder with GGUF files in it");
}

// --- a repository -------------------------------------------------------------------------------

class RemoteModels {
  public:
    RemoteModels(const FitSource& source, const fs::path& scratch, Progress& progress)
        : source_(source),
          name_(parse_hub_name(source.typed)),
          listing_(list_repository(name_.repository, source.revision, source.hub)),
          scratch_(scratch),
          progress_(progress) {}

    FitModels find() {
        const auto chosen = choose_files(listing_, name_.tag, false);
        const auto models = hub_models(listing_);
        const auto is_chosen = [&](const HubModel& model) {
            return model.files.front().path == chosen.front().path;
        };
        const auto wanted = std::find_if(models.begin(), models.end(), is_chosen);
        if (wanted == models.end()) fail_incomplete(chosen.front().path);
        add(*wanted);
        if (!name_.tag.empty()) return std::move(found_);
        for (const HubModel& model : models) {
            if (!is_chosen(model)) add_scaled(model, wanted->bytes());
        }
        return std::move(found_);
    }

  private:
    [[noreturn]] void fail_incomplete(const std::string& path) const {
        throw Error(ErrorKind::kInput, fmt::format("'{}' is not complete", path),
                    "choose another tag, or come back when the upload is complete");
    }

    // What is in the cache already needs no server.
    fs::path header_of(const HubModel& model) {
        const auto places = find_places(listing_, model.files, {}, source_.hub);
        const bool here = std::all_of(places.begin(), places.end(), [](const HubPlace& place) {
            std::error_code none;
            return place.state == HubState::kPresent && fs::exists(place.path, none);
        });
        if (here) return places.front().path;
        progress_.detail(fmt::format("fetching the header of {}", model.name));
        return fetch_headers(listing_, model, scratch_ / "header", source_.hub,
                             found_.fetched_bytes);
    }

    FitFile file_of(const HubModel& model) const {
        const std::string tagged = shell_argument(name_.repository + ":" + model.label);
        return {.name = fs::path(model.files.front().path).filename().string(),
                .source = "-hf " + tagged,
                .name_to_run = tagged,
                .bytes = model.bytes()};
    }

    void add(const HubModel& model) {
        fs::path path = header_of(model);
        GgufFile header = GgufFile::open_header(path);
        require_model(header, model.name);
        FitFile file = file_of(model);
        file.parts = model_parts(header);
        found_.files.push_back(std::move(file));
        found_.models.push_back({std::move(header), std::move(path)});
    }

    void add_scaled(const HubModel& model, uint64_t known_bytes) {
        FitFile file = file_of(model);
        file.parts =
            bitgauge::scaled(found_.files.front().parts,
                             static_cast<double>(file.bytes) / static_cast<double>(known_bytes));
        file.scaled = true;
        found_.files.push_back(std::move(file));
    }

    const FitSource& source_;
    HubName name_;
    HubListing listing_;
    const fs::path& scratch_;
    Progress& progress_;
    FitModels found_;
};

bool looks_like_a_path(const std::string& typed) {
    return typed.ends_with(".gguf") || typed.starts_with('/') || typed.starts_with('.') ||
           typed.starts_with('~') || std::count(typed.begin(), typed.end(), '/') != 1;
}

[[noreturn]] void fail_absent(const std::string& typed) {
    throw Error(ErrorKind::kInput,
                fmt::format("'{}' is no file, no folder and no repository's name",
                            typed.substr(0, kLongestName)),
                "give a GGUF file, a folder of them, or USER/NAME:TAG");
}

}  // namespace

FitModels find_models(const FitSource& source, const fs::path& scratch, Progress& progress) {
    FitModels found;
    std::error_code none;
    if (fs::is_directory(source.typed, none)) {
        found = models_in(source.typed, scratch, progress);
    } else if (fs::exists(source.typed, none)) {
        LocalModels models(scratch, progress);
        models.add(source.typed);
        found = models.take();
    } else if (looks_like_a_path(source.typed)) {
        fail_absent(source.typed);
    } else {
        found = RemoteModels(source, scratch, progress).find();
    }
    std::stable_sort(found.files.begin(), found.files.end(),
                     [](const FitFile& a, const FitFile& b) { return a.bytes > b.bytes; });
    return found;
}

}  // namespace bitgauge
