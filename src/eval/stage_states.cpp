#include "eval/stage_states.h"

#include <utility>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "base/units.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

constexpr const char* kStates = "stage-states";
constexpr const char* kPlace = "stage-states.json";
constexpr double kSecondsBetweenPlaces = 1;

struct KeptPlace {
    PassPlace place;
    uint64_t width = 0;
};

// Nothing where the file is damaged or of another pass.
std::optional<KeptPlace> read_place(const fs::path& path, const std::string& identity) {
    if (!fs::exists(path)) return std::nullopt;
    try {
        const Json json = Json::parse(read_text_file(path));
        if (json.at("identity") != identity) return std::nullopt;
        return KeptPlace{{json.at("stage").get<size_t>(), json.at("batches").get<size_t>()},
                         json.at("width").get<uint64_t>()};
    } catch (const Json::exception&) {
        return std::nullopt;
    }
}

}  // namespace

StageStates::StageStates(fs::path folder, std::string identity, const std::vector<uint64_t>& tokens)
    : folder_(std::move(folder)), identity_(std::move(identity)), first_row_{0} {
    for (const uint64_t n : tokens) first_row_.push_back(first_row_.back() + n);
}

PassPlace StageStates::resume() {
    const auto kept = read_place(folder_ / kPlace, identity_);
    if (kept && kept->width > 0) {
        file_.emplace(folder_ / kStates, Earlier::kKeep);
        if (file_->size() == 2 * first_row_.back() * kept->width * sizeof(float)) {
            width_ = kept->width;
            return kept->place;
        }
    }
    fs::remove(folder_ / kPlace);  // before the states it speaks of
    file_.emplace(folder_ / kStates, Earlier::kErase);
    return {};
}

void discard_states(const fs::path& folder) {
    std::error_code ignored;
    fs::remove(folder / kPlace, ignored);
    fs::remove(folder / (std::string(kStates) + ".part"), ignored);
}

// States that come out of even stages and of odd ones lie apart: what a stage takes in stays as it
// is until all batches have been through.
uint64_t StageStates::offset(size_t stage, size_t batch) const {
    const uint64_t half = stage % 2 == 0 ? 0 : first_row_.back();
    return (half + first_row_[batch]) * width_ * sizeof(float);
}

std::vector<float> StageStates::read(size_t stage, size_t batch) const {
    std::vector<float> rows((first_row_[batch + 1] - first_row_[batch]) * width_);
    if (file_->read(offset(stage - 1, batch), std::as_writable_bytes(std::span(rows)))) return rows;
    throw Error(
        ErrorKind::kEnvironment,
        fmt::format("'{}' has become shorter while it was used", (folder_ / kStates).string()),
        "run the same command again; do not change the folder meanwhile");
}

void StageStates::take_room(uint64_t width) {
    width_ = width;
    const uint64_t bytes = 2 * first_row_.back() * width * sizeof(float);
    try {
        file_->reserve(bytes);
    } catch (const Error& error) {
        throw Error(error.kind(),
                    fmt::format("no room for the states between stages, {}: {}",
                                format_bytes(bytes), error.what()),
                    "make room there, give less text (--max-windows) or use --stages off");
    }
}

void StageStates::write(size_t stage, size_t batch, const std::vector<float>& rows) {
    const uint64_t tokens = first_row_[batch + 1] - first_row_[batch];
    const uint64_t width = rows.size() / tokens;
    if (width_ == 0) take_room(width);
    if (width == 0 || rows.size() != tokens * width_) {
        throw Error(ErrorKind::kEnvironment,
                    fmt::format("stage {} hands {} values on for {} tokens", stage + 1, rows.size(),
                                tokens),
                    "--stages off evaluates the model as a whole");
    }
    file_->write(offset(stage, batch), std::as_bytes(std::span(rows)));
}

void StageStates::keep_place(const PassPlace& place, bool at_once) {
    const double now = steady_seconds();
    if (!at_once && now < kept_at_ + kSecondsBetweenPlaces) return;
    kept_at_ = now;
    const Json json = {{"identity", identity_},
                       {"width", width_},
                       {"stage", place.stage},
                       {"batches", place.batches}};
    write_file_atomically(folder_ / kPlace, json.dump());
}

void StageStates::discard() {
    std::error_code ignored;
    fs::remove(folder_ / kPlace, ignored);
    if (file_) file_->discard();
    file_.reset();
}

}  // namespace bitgauge
