#include <algorithm>
#include <cctype>
#include <optional>
#include <regex>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/hub.h"

#include "base/nearest_name.h"
#include "base/units.h"

#include "hub/tag_match.h"

namespace bitgauge {
namespace {

constexpr const char* kUsualLabel = "Q4_K_M";

bool is_letter_or_digit(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
}

bool ends_label(std::string_view path, size_t end, bool loose) {
    if (end == path.size()) return true;
    return !is_letter_or_digit(path[end]) && (loose || path[end] != '_');
}

std::string file_name(std::string_view path) {
    return std::string(path.substr(path.rfind('/') + 1));
}

bool is_gguf(const HubFile& file) {
    return lower(file.path).ends_with(".gguf");
}

bool is_projector(const HubFile& file) {
    return lower(file_name(file.path)).find("mmproj") != std::string::npos;
}

bool is_importance(const HubFile& file) {
    return lower(file_name(file.path)).find("imatrix") != std::string::npos;
}

// --- groups -------------------------------------------------------------------------------------

struct ShardName {
    std::string name;
    uint64_t count = 1;
};

ShardName shard_name(const std::string& path) {
    static const std::regex pattern("(.*)-[0-9]{5}-of-([0-9]{5})\\.gguf",
                                    std::regex::ECMAScript | std::regex::icase);
    std::smatch match;
    if (!std::regex_match(path, match, pattern)) return {path, 1};
    return {match[1].str() + ".gguf", std::stoull(match[2].str())};
}

std::vector<ModelFiles> grouped(std::vector<HubFile> files) {
    std::sort(files.begin(), files.end(),
              [](const HubFile& a, const HubFile& b) { return a.path < b.path; });
    std::vector<ModelFiles> models;
    for (const HubFile& file : files) {
        const auto shard = shard_name(file.path);
        auto same = std::find_if(models.begin(), models.end(), [&](const ModelFiles& m) {
            return m.name == shard.name && m.shards == shard.count;
        });
        if (same == models.end()) same = models.insert(models.end(), {shard.name, {}, shard.count});
        same->files.push_back(file);
    }
    return models;
}

// --- choice -------------------------------------------------------------------------------------

std::vector<ModelFiles> with_label(const std::vector<ModelFiles>& models, const std::string& label,
                                   bool loose) {
    std::vector<ModelFiles> found;
    std::copy_if(models.begin(), models.end(), std::back_inserter(found),
                 [&](const ModelFiles& m) { return has_label(m.name, label, loose); });
    return found;
}

// A part of a label counts only where it can mean one file.
std::optional<ModelFiles> find_model(const std::vector<ModelFiles>& models,
                                     const std::string& label) {
    const auto exact = with_label(models, label, false);
    if (!exact.empty()) return exact.front();
    const auto loose = with_label(models, label, true);
    return loose.size() == 1 ? std::optional(loose.front()) : std::nullopt;
}

[[noreturn]] void fail_unknown_tag(const std::string& repository, const std::string& tag,
                                   const std::vector<ModelFiles>& models) {
    std::vector<std::string> labels;
    std::string list;
    for (const ModelFiles& model : models) {
        labels.push_back(label_of(model.name));
        list += fmt::format("{}{} ({})", list.empty() ? "" : ", ", labels.back(),
                            format_bytes(model.bytes()));
    }
    std::string typed = tag;
    for (char& c : typed) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    const std::string best = suggest(typed, labels);
    throw Error(
        ErrorKind::kInput,
        fmt::format("'{}' has no GGUF file with the tag '{}'; there are {}", repository, tag, list),
        best.empty() ? "name one of these"
                     : fmt::format("did you mean '{}:{}'?", repository, best));
}

void require_all_shards(const ModelFiles& model) {
    if (model.files.size() == model.shards) return;
    throw Error(ErrorKind::kInput,
                fmt::format("'{}' has {} shards by its name, {} are there", model.name,
                            model.shards, model.files.size()),
                "choose another tag, or come back when the upload is complete");
}

ModelFiles choose_model(const HubListing& listing, const std::string& tag) {
    const auto models = group_models(listing.files);
    if (models.empty()) {
        throw Error(ErrorKind::kInput,
                    fmt::format("'{}' has no GGUF file among its {}", listing.repository,
                                counted(listing.files.size(), "file")),
                    "look for a repository with GGUF in its name");
    }
    const auto found = find_model(models, tag.empty() ? kUsualLabel : tag);
    if (!found && !tag.empty()) fail_unknown_tag(listing.repository, tag, models);
    return found ? *found : models.front();
}

ModelFiles choose_projector(const HubListing& listing) {
    const auto projectors = group_projectors(listing.files);
    if (projectors.empty()) {
        throw Error(ErrorKind::kInput, fmt::format("'{}' has no mmproj file", listing.repository),
                    "leave out --mmproj");
    }
    const auto usual = with_label(projectors, "F16", false);
    return usual.empty() ? projectors.front() : usual.front();
}

}  // namespace

bool has_label(std::string_view path, std::string_view label, bool loose) {
    const std::string text = lower(path);
    const std::string sought = lower(label);
    if (sought.empty()) return false;
    for (size_t at = text.find(sought); at != std::string::npos; at = text.find(sought, at + 1)) {
        const bool begins = at == 0 || !is_letter_or_digit(text[at - 1]);
        if (begins && ends_label(text, at + sought.size(), loose)) return true;
    }
    return false;
}

std::string label_of(std::string_view path) {
    static const std::regex pattern(
        "(?:^|[^A-Za-z0-9])((?:UD-)?(?:I?Q[0-9]|TQ[0-9]|MXFP[0-9]|NVFP[0-9]|BF16|FP?16|FP?32)"
        "[A-Za-z0-9_]*)(?=[^A-Za-z0-9_]|$)",
        std::regex::ECMAScript | std::regex::icase);
    const std::string text(path);
    std::smatch last;
    for (std::sregex_iterator at(text.begin(), text.end(), pattern), end; at != end; ++at)
        last = *at;
    if (!last.empty()) return last[1].str();
    const std::string name = file_name(path);
    return name.substr(0, name.size() - std::string_view(".gguf").size());
}

uint64_t ModelFiles::bytes() const {
    uint64_t sum = 0;
    for (const HubFile& file : files) sum += file.bytes;
    return sum;
}

std::vector<ModelFiles> group_models(const std::vector<HubFile>& files) {
    std::vector<HubFile> models;
    std::copy_if(files.begin(), files.end(), std::back_inserter(models), [](const HubFile& f) {
        return is_gguf(f) && !is_projector(f) && !is_importance(f);
    });
    return grouped(std::move(models));
}

std::vector<ModelFiles> group_projectors(const std::vector<HubFile>& files) {
    std::vector<HubFile> projectors;
    std::copy_if(files.begin(), files.end(), std::back_inserter(projectors),
                 [](const HubFile& f) { return is_gguf(f) && is_projector(f); });
    return grouped(std::move(projectors));
}

uint64_t HubModel::bytes() const {
    return ModelFiles{.files = files}.bytes();
}

std::vector<HubModel> hub_models(const HubListing& listing) {
    std::vector<HubModel> models;
    for (ModelFiles& model : group_models(listing.files)) {
        if (model.files.size() != model.shards) continue;
        const std::string label = label_of(model.name);
        models.push_back({std::move(model.name), label, std::move(model.files)});
    }
    return models;
}

std::vector<HubFile> choose_files(const HubListing& listing, const std::string& tag,
                                  bool with_projector) {
    const ModelFiles model = choose_model(listing, tag);
    require_all_shards(model);
    std::vector<HubFile> files = model.files;
    if (with_projector) {
        const ModelFiles projector = choose_projector(listing);
        files.insert(files.end(), projector.files.begin(), projector.files.end());
    }
    return files;
}

}  // namespace bitgauge
