#include "eval/shard_observers.h"

#include <future>
#include <limits>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"

#include "eval/baseline_reader.h"
#include "eval/log_probability_rows.h"
#include "eval/positions_file.h"

namespace bitgauge {
namespace {

// Where each scored position of a shard stands: windows in order, positions in order.
class RowIndex {
  public:
    void begin(std::span<const Window> windows, const WindowRange& range) {
        windows_ = windows;
        first_ = range.first;
        rows_ = 0;
        row_of_window_.clear();
        for (size_t i = range.first; i < range.last; ++i) {
            row_of_window_.push_back(rows_);
            rows_ += windows[i].scored();
        }
    }
    size_t rows() const { return rows_; }
    size_t row(size_t window, uint32_t position) const {
        return row_of_window_[window - first_] + position - windows_[window].first_scored;
    }

  private:
    std::span<const Window> windows_;
    size_t first_ = 0;
    size_t rows_ = 0;
    std::vector<size_t> row_of_window_;
};

class StatesObserver : public ShardObserver {
  public:
    StatesObserver(std::span<const Window> windows, StatePrecision precision, size_t width)
        : windows_(windows), precision_(precision), width_(width) {}

    void begin(size_t, const WindowRange& range) override {
        index_.begin(windows_, range);
        bytes_.assign(state_bytes(precision_, index_.rows() * width_), std::byte{0});
    }

    void on_position(size_t window, uint32_t position, const Context& context,
                     size_t output) override {
        const auto states = context.states();
        if (states.size() < (output + 1) * width_) {
            throw Error(ErrorKind::kEnvironment,
                        fmt::format("libllama gave {} state values where output {} of width {} was "
                                    "due",
                                    states.size(), output, width_));
        }
        const size_t row_bytes = state_bytes(precision_, width_);
        encode_states(
            precision_, states.subspan(output * width_, width_),
            std::span(bytes_).subspan(index_.row(window, position) * row_bytes, row_bytes));
    }

    void write(const std::filesystem::path& path, const std::string& identity) override {
        const uint64_t shape[] = {width_, index_.rows()};
        ShardWriter file(shard_schema(CaptureKind::kStates), identity);
        file.add_bytes("states", ggml_type_of(precision_), shape, bytes_);
        file.write(path);
    }

  private:
    std::span<const Window> windows_;
    StatePrecision precision_;
    size_t width_;
    RowIndex index_;
    std::vector<std::byte> bytes_;
};

class LogProbabilityObserver : public ShardObserver {
  public:
    LogProbabilityObserver(std::span<const Window> windows, size_t vocabulary)
        : windows_(windows), row_values_(log_probability_row_values(vocabulary)) {}

    void begin(size_t, const WindowRange& range) override {
        index_.begin(windows_, range);
        rows_.assign(index_.rows() * row_values_, 0);
    }

    void on_position(size_t window, uint32_t position, const Context& context,
                     size_t output) override {
        encode_log_probabilities(
            context.logits(output), std::numeric_limits<float>::infinity(),
            std::span(rows_).subspan(index_.row(window, position) * row_values_, row_values_));
    }

    void write(const std::filesystem::path& path, const std::string& identity) override {
        write_log_probabilities(path, identity, rows_, row_values_);
    }

  private:
    std::span<const Window> windows_;
    size_t row_values_;
    RowIndex index_;
    std::vector<uint16_t> rows_;
};

// Compares a batch's whole logits with the baseline while the next batch is being decoded.
class DivergenceObserver : public ShardObserver {
  public:
    DivergenceObserver(std::span<const Window> windows, const std::filesystem::path& baseline,
                       size_t vocabulary)
        : windows_(windows), baseline_(baseline), vocabulary_(vocabulary) {}

    void begin(size_t shard, const WindowRange& range) override {
        index_.begin(windows_, range);
        next_ = baseline_.next_tokens(range);
        shard_ = baseline_.open_shard(shard);
        values_ = PositionValues();
        values_.resize(index_.rows());
    }

    void on_position(size_t window, uint32_t position, const Context& context,
                     size_t output) override {
        const auto logits = context.logits(output);
        pending_.logits.insert(pending_.logits.end(), logits.begin(), logits.end());
        pending_.rows.push_back(index_.row(window, position));
        if (pending_.logits.size() * sizeof(float) > kPendingBytes) flush();
    }

    void on_batch_done(const WindowBatch&) override { flush(); }

    void write(const std::filesystem::path& path, const std::string& identity) override {
        flush();
        take_running();
        write_positions(path, identity, values_);
    }

  private:
    static constexpr size_t kPendingBytes = size_t{128} << 20;

    struct Pending {
        std::vector<float> logits;
        std::vector<size_t> rows;
    };

    void flush() {
        if (pending_.rows.empty()) return;
        take_running();
        running_rows_ = pending_.rows;
        running_ = std::async(std::launch::async,
                              [this, work = std::move(pending_)] { return compare(work); });
        pending_ = {};
    }

    PositionValues compare(const Pending& work) const {
        std::vector<TokenId> next;
        for (size_t row : work.rows) next.push_back(next_[row]);
        const auto original = shard_->rows(work.rows);
        const DenseTiles candidate(work.logits, vocabulary_);
        const LogitTiles* const candidates[] = {&candidate};
        return diverge(*original, candidates, next, baseline_.reading()).front();
    }

    void take_running() {
        if (!running_.valid()) return;
        const PositionValues done = running_.get();
        for (size_t i = 0; i < running_rows_.size(); ++i) values_.set(running_rows_[i], done, i);
    }

    std::span<const Window> windows_;
    BaselineReader baseline_;
    size_t vocabulary_;
    RowIndex index_;
    std::vector<TokenId> next_;
    std::unique_ptr<BaselineShard> shard_;
    PositionValues values_;
    Pending pending_;
    std::vector<size_t> running_rows_;
    std::future<PositionValues> running_;
};

}  // namespace

std::unique_ptr<ShardObserver> make_shard_observer(const CaptureJob& job,
                                                   std::span<const Window> windows, size_t width,
                                                   size_t vocabulary) {
    switch (job.kind) {
        case CaptureKind::kStates:
            return std::make_unique<StatesObserver>(windows, job.precision, width);
        case CaptureKind::kLogProbabilities:
            return std::make_unique<LogProbabilityObserver>(windows, vocabulary);
        case CaptureKind::kDivergence:
            break;
    }
    return std::make_unique<DivergenceObserver>(windows, job.baseline, vocabulary);
}

}  // namespace bitgauge
