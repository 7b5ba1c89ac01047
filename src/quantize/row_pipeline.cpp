#include "quantize/row_pipeline.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <span>

#include <fmt/format.h>
#include <tbb/enumerable_thread_specific.h>
#include <tbb/parallel_pipeline.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"

#include "base/hash.h"
#include "base/interrupt.h"
#include "qtype/validate.h"

#include "quantize/worker_threads.h"

namespace bitgauge {
namespace {

constexpr uint64_t kGroupWeights = uint64_t{1} << 15;  // stay in a core's cache as floats
constexpr uint64_t kFewestRows = 8;                    // fewer at once encode slower
constexpr int kF32 = 0;                                // ggml's number

using Values = std::shared_ptr<const std::vector<float>>;

// A tensor in work: its groups come back in any order.
struct OpenTensor {
    TensorTask task;
    Values importance;                // nullptr: none
    std::vector<std::string> hashes;  // of each group's bytes
    size_t left = 0;                  // groups
};

struct RowGroup {
    std::shared_ptr<OpenTensor> open;
    size_t index = 0;
    uint64_t first_row = 0;
    uint64_t rows = 0;
};

struct Buffers {
    std::vector<std::byte> in;
    std::vector<float> floats;
    std::vector<std::byte> out;
};

uint64_t group_rows(const OutputTensor& tensor) {
    return std::max<uint64_t>(kFewestRows, kGroupWeights / tensor.row_weights());
}

size_t group_count(const OutputTensor& tensor) {
    return static_cast<size_t>((tensor.rows() + group_rows(tensor) - 1) / group_rows(tensor));
}

// --- where a group's bytes are ------------------------------------------------------------------

uint64_t source_row_bytes(const OutputTensor& tensor) {
    return type_by_id(tensor.source->type_id)->row_bytes(tensor.row_weights());
}

uint64_t output_row_bytes(const OutputTensor& tensor) {
    return type_by_id(tensor.type_id)->row_bytes(tensor.row_weights());
}

uint64_t source_position(const RowGroup& group) {
    const OutputTensor& tensor = *group.open->task.tensor;
    return tensor.source->offset + group.first_row * source_row_bytes(tensor);
}

uint64_t output_position(const RowGroup& group) {
    const OutputTensor& tensor = *group.open->task.tensor;
    return tensor.offset + group.first_row * output_row_bytes(tensor);
}

// --- one group ----------------------------------------------------------------------------------

void require_finite(const OutputTensor& tensor, std::span<const std::byte> rows) {
    if (rows_are_finite(tensor.type_id, rows)) return;
    throw Error(ErrorKind::kNotFinite,
                fmt::format("tensor '{}' became NaN or infinite as {}", tensor.source->name,
                            type_by_id(tensor.type_id)->name),
                "choose a type for it whose scales hold its values");
}

// Rows of one matrix share their importance; a group may hold rows of several.
void encode(const RowGroup& group, std::span<const float> floats, std::span<std::byte> out) {
    const OutputTensor& tensor = *group.open->task.tensor;
    const uint64_t width = tensor.row_weights();
    const uint64_t row_bytes = output_row_bytes(tensor);
    for (uint64_t done = 0; done < group.rows;) {
        const uint64_t row = group.first_row + done;
        const uint64_t matrix = row / tensor.matrix_rows();
        const uint64_t rows =
            std::min(group.rows - done, tensor.matrix_rows() - row % tensor.matrix_rows());
        std::span<const float> importance;
        if (group.open->importance) {
            importance = std::span(*group.open->importance).subspan(matrix * width, width);
        }
        encode_rows(tensor.type_id, floats.subspan(done * width, rows * width), width, importance,
                    out.subspan(done * row_bytes, rows * row_bytes));
        done += rows;
    }
}

void read_floats(const RowGroup& group, const PositionedReader& reader, Buffers& buffers) {
    const OutputTensor& tensor = *group.open->task.tensor;
    buffers.floats.resize(group.rows * tensor.row_weights());
    if (tensor.source->type_id == kF32) {
        reader.read(source_position(group), std::as_writable_bytes(std::span(buffers.floats)));
        return;
    }
    buffers.in.resize(group.rows * source_row_bytes(tensor));
    reader.read(source_position(group), buffers.in);
    decode_row(tensor.source->type_id, buffers.in, buffers.floats);
}

// Leaves the bytes to write in buffers.out.
void make_rows(const RowGroup& group, const PositionedReader& reader, Buffers& buffers) {
    const OutputTensor& tensor = *group.open->task.tensor;
    buffers.out.resize(group.rows * output_row_bytes(tensor));
    if (tensor.copied()) return reader.read(source_position(group), buffers.out);
    if (const RoundedSource* rounded = group.open->task.rounded) {
        rounded->reader->read(rounded->offset + group.first_row * output_row_bytes(tensor),
                              buffers.out);
        return require_finite(tensor, buffers.out);
    }
    read_floats(group, reader, buffers);
    encode(group, buffers.floats, buffers.out);
    require_finite(tensor, buffers.out);
}

// --- the pipeline -------------------------------------------------------------------------------

class Pipeline {
  public:
    Pipeline(const std::vector<TensorTask>& tasks, const PipelineInputs& inputs, Progress& progress)
        : tasks_(tasks), inputs_(inputs), progress_(progress) {
        for (const auto& shard : inputs.original->shards()) readers_.emplace_back(shard);
    }

    template <class Finished>
    void run(size_t groups_at_once, const Finished& finished) {
        const auto next = [&](tbb::flow_control& control) -> RowGroup {
            const auto group = next_group();
            if (!group) control.stop();
            return group.value_or(RowGroup());
        };
        const auto work = [&](const RowGroup& group) { return worked(group); };
        const auto take = [&](const RowGroup& group) { take_in(group, finished); };
        tbb::parallel_pipeline(
            groups_at_once,
            tbb::make_filter<void, RowGroup>(tbb::filter_mode::serial_in_order, next) &
                tbb::make_filter<RowGroup, RowGroup>(tbb::filter_mode::parallel, work) &
                tbb::make_filter<RowGroup, void>(tbb::filter_mode::serial_out_of_order, take));
        throw_if_interrupted();
    }

  private:
    std::optional<RowGroup> next_group() {
        if (interrupted()) return std::nullopt;
        while (open_ == nullptr || group_ == open_->hashes.size()) {
            if (task_ == tasks_.size()) return std::nullopt;
            open_tensor(tasks_[task_++]);
        }
        const uint64_t rows = group_rows(*open_->task.tensor);
        RowGroup group{open_, group_++};
        group.first_row = group.index * rows;
        group.rows = std::min(rows, open_->task.tensor->rows() - group.first_row);
        const TensorInfo& source = *open_->task.tensor->source;
        ahead_.reach(readers_[source.shard], source_position(group), source.offset + source.bytes);
        return group;
    }

    void open_tensor(const TensorTask& task) {
        open_ = std::make_shared<OpenTensor>(OpenTensor{task});
        open_->hashes.resize(group_count(*task.tensor));
        open_->left = open_->hashes.size();
        group_ = 0;
        ahead_ = {};
        if (task.entry == nullptr || task.tensor->copied()) return;
        open_->importance = std::make_shared<const std::vector<float>>(
            inputs_.importance->mean_squares(*task.entry, inputs_.unseen));
    }

    RowGroup worked(const RowGroup& group) {
        Buffers& buffers = buffers_.local();
        const TensorTask& task = group.open->task;
        make_rows(group, readers_[task.tensor->source->shard], buffers);
        task.file->write(output_position(group), buffers.out);
        group.open->hashes[group.index] = ContentHash().add(buffers.out).hex();
        return group;
    }

    template <class Finished>
    void take_in(const RowGroup& group, const Finished& finished) {
        const uint64_t before = done_ >> 20U;
        done_ += group.rows * source_row_bytes(*group.open->task.tensor);
        progress_.advance(static_cast<int64_t>((done_ >> 20U) - before));
        if (--group.open->left > 0) return;
        const TensorTask& task = group.open->task;
        task.file->written(task.tensor->offset, task.tensor->bytes);
        finished(task, combined_hash(group.open->hashes));
    }

    const std::vector<TensorTask>& tasks_;
    const PipelineInputs& inputs_;
    Progress& progress_;
    std::vector<PositionedReader> readers_;  // one per shard of the original
    tbb::enumerable_thread_specific<Buffers> buffers_;
    size_t task_ = 0;
    std::shared_ptr<OpenTensor> open_;
    size_t group_ = 0;
    ReadAhead ahead_;    // in the open tensor
    uint64_t done_ = 0;  // bytes of the original
};

int64_t mebibytes(const std::vector<TensorTask>& tasks) {
    uint64_t bytes = 0;
    for (const TensorTask& task : tasks) bytes += task.tensor->source->bytes;
    return static_cast<int64_t>(bytes >> 20U);
}

}  // namespace

std::string hash_in_file(const TensorTask& task) {
    const OutputTensor& tensor = *task.tensor;
    std::vector<std::string> hashes;
    std::vector<std::byte> bytes;
    for (uint64_t row = 0; row < tensor.rows(); row += group_rows(tensor)) {
        const uint64_t rows = std::min(group_rows(tensor), tensor.rows() - row);
        bytes.resize(rows * output_row_bytes(tensor));
        if (!task.file->read(tensor.offset + row * output_row_bytes(tensor), bytes)) return "";
        hashes.push_back(ContentHash().add(bytes).hex());
    }
    return combined_hash(hashes);
}

void run_pipeline(const std::vector<TensorTask>& tasks, const PipelineInputs& inputs,
                  const std::function<void(const TensorTask&, const std::string& hash)>& finished,
                  Progress& progress) {
    Pipeline pipeline(tasks, inputs, progress);
    progress.begin("quantizing", mebibytes(tasks), "MiB");
    in_worker_threads(inputs.threads, [&](size_t at_once) { pipeline.run(at_once, finished); });
    progress.end();
}

}  // namespace bitgauge
