#include "eval/baseline_reader.h"

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "eval/capture.h"
#include "eval/log_probability_rows.h"
#include "eval/positions_file.h"
#include "eval/shard_file.h"

namespace bitgauge {
namespace {

class StatesBaselineShard : public BaselineShard {
  public:
    StatesBaselineShard(const std::filesystem::path& path, StatePrecision precision,
                        const Head& head)
        : states_(path, precision, head.width()), head_(head) {}

    size_t positions() const override { return states_.positions(); }

    std::unique_ptr<LogitTiles> range(size_t first, size_t count) const override {
        return std::make_unique<HeadTiles>(head_, states(first, count));
    }

    std::vector<float> states(size_t first, size_t count) const override {
        std::vector<float> states(count * head_.width());
        states_.read(first, states);
        return states;
    }

    std::unique_ptr<LogitTiles> rows(std::span<const size_t> rows) const override {
        std::vector<float> states(rows.size() * head_.width());
        for (size_t i = 0; i < rows.size(); ++i) {
            states_.read(rows[i], std::span(states).subspan(i * head_.width(), head_.width()));
        }
        return std::make_unique<HeadTiles>(head_, std::move(states));
    }

  private:
    StatesShard states_;
    const Head& head_;
};

// Rows copied out one by one, so that any selection is contiguous.
class OwnedStoredTiles : public LogitTiles {
  public:
    OwnedStoredTiles(std::vector<uint16_t> rows, size_t vocabulary)
        : rows_(std::move(rows)), tiles_(rows_, vocabulary) {}

    size_t positions() const override { return tiles_.positions(); }
    size_t vocabulary() const override { return tiles_.vocabulary(); }
    void tile(size_t row, size_t rows, size_t first, size_t count, std::span<float> out,
              HeadScratch& scratch) const override {
        tiles_.tile(row, rows, first, count, out, scratch);
    }

  private:
    std::vector<uint16_t> rows_;
    StoredTiles tiles_;
};

class StoredBaselineShard : public BaselineShard {
  public:
    StoredBaselineShard(const std::filesystem::path& path, size_t vocabulary)
        : file_(path, shard_schema(CaptureKind::kLogProbabilities)),
          vocabulary_(vocabulary),
          row_values_(log_probability_row_values(vocabulary)),
          rows_(file_.values<uint16_t>("rows")) {}

    size_t positions() const override { return rows_.size() / row_values_; }

    std::unique_ptr<LogitTiles> range(size_t first, size_t count) const override {
        return std::make_unique<StoredTiles>(
            rows_.subspan(first * row_values_, count * row_values_), vocabulary_);
    }

    std::vector<float> states(size_t, size_t) const override { return {}; }

    std::unique_ptr<LogitTiles> rows(std::span<const size_t> rows) const override {
        std::vector<uint16_t> picked;
        picked.reserve(rows.size() * row_values_);
        for (size_t row : rows) {
            const auto source = rows_.subspan(row * row_values_, row_values_);
            picked.insert(picked.end(), source.begin(), source.end());
        }
        return std::make_unique<OwnedStoredTiles>(std::move(picked), vocabulary_);
    }

  private:
    ShardReader file_;
    size_t vocabulary_;
    size_t row_values_;
    std::span<const uint16_t> rows_;
};

// Before hours of work, not after them.
void require_files(const BaselineFolder& folder, const BaselineManifest& manifest) {
    std::vector<std::filesystem::path> files;
    for (size_t i = 0; i < manifest.shards(); ++i) files.push_back(folder.shard(i));
    if (manifest.has_states()) files.push_back(folder.head());
    for (const auto& file : files) {
        if (std::filesystem::exists(file)) continue;
        throw Error(ErrorKind::kInput,
                    fmt::format("baseline '{}' has lost its file '{}'", folder.root.string(),
                                file.filename().string()),
                    "run the 'bitgauge baseline' command that made it again; it makes what misses");
    }
}

}  // namespace

BaselineReader::BaselineReader(const std::filesystem::path& folder)
    : folder_{folder},
      manifest_(read_manifest(folder_)),
      windows_(read_windows(folder_.windows())) {
    if (windows_.windows.size() != manifest_.windows) {
        throw Error(ErrorKind::kInput,
                    fmt::format("baseline '{}' has {} windows; its manifest says {}",
                                folder.string(), windows_.windows.size(), manifest_.windows),
                    "make it anew");
    }
    require_files(folder_, manifest_);
    if (manifest_.has_states()) {
        const ShardReader whole(folder_.head(), kHeadSchema);
        head_ = std::make_unique<ModelHead>(
            folder_.head(), HeadReading{.scale = manifest_.head_scale,
                                        .softcap = manifest_.head_softcap,
                                        .single_precision = manifest_.single_precision});
    }
}

std::unique_ptr<BaselineShard> BaselineReader::open_shard(size_t shard) const {
    const size_t due = scored_positions(windows_, shard_range(manifest_, shard));
    std::unique_ptr<BaselineShard> opened;
    if (head_) {
        const auto precision = state_precision_by_name(manifest_.identity.baseline.precision);
        opened =
            std::make_unique<StatesBaselineShard>(folder_.shard(shard), precision, head_->head());
    } else {
        opened = std::make_unique<StoredBaselineShard>(folder_.shard(shard), manifest_.vocabulary);
    }
    if (opened->positions() != due) {
        throw Error(ErrorKind::kInput,
                    fmt::format("'{}' holds {} positions; {} are due",
                                folder_.shard(shard).string(), opened->positions(), due),
                    "make the baseline anew");
    }
    return opened;
}

ReferenceReading BaselineReader::reading() const {
    if (manifest_.has_states()) return {};
    ReferenceReading reading{.scale = ReferenceScale::kLogProbabilities};
    if (manifest_.log_probability_floor != 0) {
        reading.floor = static_cast<float>(manifest_.log_probability_floor);
    }
    return reading;
}

std::vector<TokenId> BaselineReader::next_tokens(const WindowRange& range) const {
    std::vector<TokenId> next;
    for (size_t i = range.first; i < range.last; ++i) {
        const Window& window = windows_.windows[i];
        for (size_t p = window.first_scored; p + 1 < window.tokens.size(); ++p) {
            next.push_back(window.tokens[p + 1]);
        }
    }
    return next;
}

}  // namespace bitgauge
