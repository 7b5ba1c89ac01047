#include "quantize/journal.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <sstream>
#include <stdexcept>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "base/files.h"
#include "base/hash.h"
#include "base/part_file.h"

namespace bitgauge {
namespace fs = std::filesystem;

namespace {

constexpr size_t kMostTensors = size_t{1} << 24;  // a damaged line asks for no more memory

Json to_json(const OriginalScan& scan) {
    Json bad = Json::object();
    for (size_t i = 0; i < scan.tensors.size(); ++i) {
        const TensorScan& t = scan.tensors[i];
        if (t.good()) continue;
        bad[std::to_string(i)] = {t.nan, t.infinite, t.too_large, t.largest};
    }
    return {{"hash", scan.content_hash}, {"tensors", scan.tensors.size()}, {"bad", bad}};
}

OriginalScan scan_from(const Json& json) {
    OriginalScan scan{.content_hash = json.at("hash")};
    const size_t tensors = json.at("tensors");
    if (tensors > kMostTensors) throw std::out_of_range("more tensors than a file can have");
    scan.tensors.resize(tensors);
    for (const auto& [index, bad] : json.at("bad").items()) {
        scan.tensors.at(std::stoul(index)) = {bad.at(0), bad.at(1), bad.at(2), bad.at(3)};
    }
    return scan;
}

// Names in paths and models may be no UTF-8.
std::string line_of(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string state_of(const GgufFile& original, const std::vector<float>& limits) {
    ContentHash hash;
    for (const auto& shard : original.shards()) {
        const auto changed = fs::last_write_time(shard).time_since_epoch().count();
        hash.add(
            fmt::format("{} {} {}\n", fs::absolute(shard).string(), fs::file_size(shard), changed));
    }
    return hash.add(std::as_bytes(std::span(limits))).hex();
}

Journal::Journal(const fs::path& out) : out_(out), path_(out) {
    path_ += ".part.journal";
    descriptor_ = open_part(path_, out, Earlier::kKeep);
    if (descriptor_ < 0) fail_to_write(out, "created", 0);
    read_what_is_there();
    ::lseek(descriptor_, 0, SEEK_END);
}

Journal::~Journal() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

void Journal::read_what_is_there() {
    std::istringstream lines(read_text_file(path_));
    for (std::string line; std::getline(lines, line);) {
        try {
            take(Json::parse(line));
        } catch (const std::exception&) {
            continue;  // torn or damaged: what it said is done again
        }
    }
}

void Journal::take(const Json& line) {
    if (line.contains("scan")) {
        scan_ = scan_from(line["scan"]);
        scan_state_ = line.at("of");
    } else if (line.contains("key")) {
        files_ = line.at("files").get<std::vector<std::string>>();
        key_ = line["key"];
        finished_.clear();
    } else if (line.contains("tensor")) {
        finished_[line["tensor"]] = line.at("hash");
    }
}

// Begins with the end of the line before, which a kill may have torn.
void Journal::append(const std::string& line) {
    uint64_t written = 0;
    const std::string text = "\n" + line + "\n";
    if (!write_all(descriptor_, std::as_bytes(std::span(text)), written)) {
        fail_to_write(path_, "written", written);
    }
}

std::optional<OriginalScan> Journal::scan_of(const std::string& state, size_t tensors) const {
    if (scan_state_ != state || !scan_ || scan_->tensors.size() != tensors) return std::nullopt;
    return scan_;
}

void Journal::keep_scan(const std::string& state, const OriginalScan& scan) {
    append(line_of({{"scan", to_json(scan)}, {"of", state}}));
}

void Journal::forget_other_files(const std::vector<fs::path>& files) const {
    for (const std::string& name : files_) {
        const fs::path file = out_.parent_path() / name;
        const fs::path part = fs::path(file).concat(".part");
        std::error_code ignored;
        if (std::ranges::find(files, file) == files.end()) fs::remove(part, ignored);
    }
}

std::optional<std::map<std::string, std::string>> Journal::begin(
    const std::string& key, const std::vector<fs::path>& files) {
    begun_ = true;
    if (key == key_) return std::exchange(finished_, {});
    forget_other_files(files);
    Json names = Json::array();
    for (const fs::path& file : files) names.push_back(file.filename().string());
    append(line_of({{"key", key}, {"files", names}}));
    return std::nullopt;
}

void Journal::add(const std::string& tensor, const std::string& hash) {
    append(line_of({{"tensor", tensor}, {"hash", hash}}));
}

void Journal::remove() {
    if (descriptor_ < 0) return;
    ::unlink(path_.c_str());
    ::close(std::exchange(descriptor_, -1));
}

void Journal::give_up() {
    if (begun_ || files_.empty()) return remove();
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

}  // namespace bitgauge
