#include "quantize/output_plan.h"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <tuple>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"

#include "gguf/split.h"
#include "gguf/writer.h"

#include "quantize/provenance.h"

namespace bitgauge {
namespace fs = std::filesystem;

namespace {

constexpr uint64_t kAlignment = 32;  // bytes; GGUF's default, which llama.cpp's writers use

using Tensors = std::vector<const TensorInfo*>;

// -1 for tensors outside the layers.
int layer_of(const std::string& name) {
    int layer = -1;
    // NOLINTNEXTLINE(cert-err34-c): a name without a number leaves -1, which is what is wanted
    std::sscanf(name.c_str(), "blk.%d.", &layer);
    return layer;
}

Tensors in_order(const GgufFile& original, bool as_original) {
    Tensors tensors;
    for (const TensorInfo& tensor : original.tensors()) tensors.push_back(&tensor);
    if (as_original) {
        std::ranges::sort(tensors, {},
                          [](const TensorInfo* t) { return std::tuple(t->shard, t->offset); });
    } else {
        std::ranges::sort(tensors, {}, [](const TensorInfo* t) {
            return std::tuple(layer_of(t->name), t->name);
        });
    }
    return tensors;
}

uint64_t padded(uint64_t bytes) {
    return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

uint64_t bytes_as(const TensorInfo& tensor, int type_id) {
    return type_by_id(type_id)->row_bytes(tensor.elements());
}

std::vector<Tensors> split_as_original(const Tensors& tensors, size_t shards) {
    std::vector<Tensors> parts(shards);
    for (const TensorInfo* tensor : tensors) parts[tensor->shard].push_back(tensor);
    return parts;
}

// A part ends before the tensor with which it would be larger than `limit`, as llama-gguf-split
// does it; a single larger tensor is a part of its own.
std::vector<Tensors> split_by_size(const Tensors& tensors, const TypeOfTensor& types,
                                   uint64_t limit) {
    std::vector<Tensors> parts(1);
    uint64_t size = 0;
    for (const TensorInfo* tensor : tensors) {
        const uint64_t bytes = padded(bytes_as(*tensor, types.at(tensor->name)));
        if (!parts.back().empty() && size + bytes > limit) {
            parts.emplace_back();
            size = 0;
        }
        size += bytes;
        parts.back().push_back(tensor);
    }
    return parts;
}

std::vector<Tensors> split(const GgufFile& original, const TypeOfTensor& types,
                           const QuantizeJob& job) {
    const Tensors tensors = in_order(original, job.keep_split);
    if (job.keep_split) return split_as_original(tensors, original.shards().size());
    if (job.split_max_bytes == 0) return {tensors};
    return split_by_size(tensors, types, job.split_max_bytes);
}

fs::path path_of(const QuantizeJob& job, size_t index, size_t count) {
    if (!job.keep_split && job.split_max_bytes == 0) return job.out;
    return shard_path(job.out, static_cast<uint32_t>(index + 1), static_cast<uint32_t>(count));
}

// The orders of the two programs, so that headers are the same bytes.
void set_split_keys(GgufWriter& writer, const QuantizeJob& job, size_t index, size_t count,
                    size_t tensors) {
    const bool one = job.split_max_bytes == 0 && count == 1;
    if (one) return;
    const auto set_count = [&] { writer.set_u16("split.count", static_cast<uint16_t>(count)); };
    writer.set_u16("split.no", static_cast<uint16_t>(index));
    if (job.keep_split) set_count();
    writer.set_i32("split.tensors.count", static_cast<int32_t>(tensors));
    if (!job.keep_split) set_count();
}

OutputFile lay_out(GgufWriter& writer, const Tensors& tensors, const TypeOfTensor& types) {
    OutputFile file;
    for (const TensorInfo* tensor : tensors) {
        const int type_id = types.at(tensor->name);
        writer.add_tensor(tensor->name, type_id, tensor->shape, std::span<const std::byte>());
        file.tensors.push_back({tensor, type_id, 0, bytes_as(*tensor, type_id)});
    }
    GgufLayout layout = writer.layout();
    for (size_t i = 0; i < tensors.size(); ++i) file.tensors[i].offset = layout.tensor_offsets[i];
    file.header = std::move(layout.header);
    file.bytes = layout.file_bytes;
    return file;
}

void require_countable(size_t shards) {
    constexpr size_t kMost = std::numeric_limits<uint16_t>::max();
    if (shards <= kMost) return;
    throw Error(
        ErrorKind::kInput,
        fmt::format("the file would have {} shards, at most {} can be named", shards, kMost),
        "give a larger --split-max-size");
}

}  // namespace

std::vector<OutputFile> plan_output(const GgufFile& original, const TypeOfTensor& types,
                                    const QuantizeJob& job, const Importance* importance,
                                    const std::string& original_hash) {
    if (job.keep_split && job.split_max_bytes > 0) {
        throw Error(ErrorKind::kInput,
                    "the original's shards and shards of a size exclude each other",
                    "give one of --keep-split and --split-max-size");
    }
    const std::vector<Tensors> parts = split(original, types, job);
    require_countable(parts.size());
    std::vector<OutputFile> files;
    for (size_t i = 0; i < parts.size(); ++i) {
        GgufWriter writer;
        if (i == 0) set_model_keys(writer, original, job, importance, original_hash);
        set_split_keys(writer, job, i, parts.size(), original.tensors().size());
        files.push_back(lay_out(writer, parts[i], types));
        files.back().path = path_of(job, i, parts.size());
    }
    return files;
}

}  // namespace bitgauge
