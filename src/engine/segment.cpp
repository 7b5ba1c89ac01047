#include "engine/segment.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <optional>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"

#include "engine/segment_header.h"

#include <ggml.h>

namespace bitgauge {
namespace {

constexpr std::string_view kEmbedding = "token_embd.weight";
constexpr size_t kNarrowBytes = 2;  // of a weight that can be widened
constexpr size_t kWidenedAtOnce = size_t{1} << 20;

// Whose rows (or entries) are the vocabulary's tokens.
bool is_per_token(const TensorInfo& tensor, uint64_t vocabulary) {
    return !tensor.shape.empty() && tensor.shape.back() == vocabulary &&
           (tensor.name.starts_with("token_embd.") || tensor.name.starts_with("output."));
}

// The smallest type that the shape allows, for zeros nobody computes with.
int smallest_type(const TensorInfo& tensor) {
    if (tensor.shape.size() < 2 || tensor.type_id == GGML_TYPE_F32) return tensor.type_id;
    return tensor.shape[0] % 256 == 0 ? static_cast<int>(GGML_TYPE_TQ1_0) : tensor.type_id;
}

class SegmentBuilder {
  public:
    SegmentBuilder(const Anatomy& model, const CutStage& stage, const ReplacedTensors& replaced,
                   bool widen)
        : model_(model), stage_(stage), replaced_(replaced), widen_(widen) {
        const TensorInfo* embedding = model.file().find_tensor(std::string(kEmbedding));
        tokens_ = embedding == nullptr ? 0 : embedding->shape.back();
    }

    Segment build() {
        const bool any_token = stage_.first || stage_.last;
        write_segment_keys(writer_, model_, stage_, any_token ? static_cast<uint32_t>(tokens_) : 1);
        for (const TensorInfo& tensor : model_.file().tensors()) add_shared(tensor);
        for (uint32_t i = 0; i < stage_.layers.size(); ++i) add_layer(i);
        return finish();
    }

  private:
    struct Source {
        const TensorInfo* tensor = nullptr;  // nullptr: zeros
        const std::byte* bytes = nullptr;
        uint64_t size = 0;  // as it stands in the segment
        bool widened = false;
    };

    // Tensors outside of layers.
    void add_shared(const TensorInfo& tensor) {
        if (Anatomy::layer_of(tensor.name) >= 0) return;
        if (tensor.name == "rope_freqs.weight" && !uses_rope_frequencies()) return;
        if (!is_per_token(tensor, tokens_)) return add_whole(tensor, tensor.name);
        const bool input = tensor.name.starts_with("token_embd.");
        const bool wanted = (input && stage_.first) || (stage_.last && (!input || model_.tied()));
        if (wanted) return add_whole(tensor, tensor.name);
        add_zeros_per_token(tensor);
    }

    bool uses_rope_frequencies() const {
        if (!model_.rule().drops_rope_without_global) return true;
        return std::ranges::any_of(stage_.layers,
                                   [&](uint32_t i) { return !model_.layers()[i].windowed; });
    }

    void add_zeros_per_token(const TensorInfo& tensor) {
        TensorInfo small = tensor;
        if (!stage_.first && !stage_.last) small.shape.back() = 1;
        small.type_id = smallest_type(tensor);
        add_zeros(small, tensor.name);
    }

    void add_layer(uint32_t index) {
        const std::string prefix = fmt::format("blk.{}.", stage_.layers[index]);
        for (const TensorInfo& tensor : model_.file().tensors()) {
            if (!tensor.name.starts_with(prefix)) continue;
            const std::string name =
                fmt::format("blk.{}.{}", index, tensor.name.substr(prefix.size()));
            if (index < stage_.real) {
                add_whole(tensor, name);
            } else {
                TensorInfo zeros = tensor;
                zeros.type_id = smallest_type(tensor);
                add_zeros(zeros, name);
            }
        }
    }

    void add_whole(const TensorInfo& tensor, const std::string& name) {
        const auto found = replaced_.find(tensor.name);
        if (found != replaced_.end()) {
            const ReplacedTensor& other = found->second;
            add(tensor, name, other.type_id, {nullptr, other.bytes.data(), other.bytes.size()});
        } else if (widen_ && can_be_widened(tensor.type_id)) {
            add(tensor, name, GGML_TYPE_F32,
                {&tensor, nullptr, tensor.elements() * sizeof(float), true});
        } else {
            add(tensor, name, tensor.type_id, {&tensor, nullptr, tensor.bytes});
        }
    }

    void add_zeros(const TensorInfo& tensor, const std::string& name) {
        add(tensor, name, tensor.type_id, {});
    }

    void add(const TensorInfo& tensor, const std::string& name, int type_id, const Source& source) {
        writer_.add_tensor(name, type_id, tensor.shape, std::span<const std::byte>());
        sources_.push_back(source);
    }

    Segment finish() {
        GgufLayout layout = writer_.layout();
        Segment segment{.header = std::move(layout.header), .size = layout.file_bytes};
        for (size_t i = 0; i < sources_.size(); ++i) {
            const Source& source = sources_[i];
            if (source.size == 0) continue;
            SegmentPiece piece{
                .offset = layout.tensor_offsets[i], .size = source.size, .bytes = source.bytes};
            if (source.tensor != nullptr) {
                piece.shard = source.tensor->shard;
                piece.at = source.tensor->offset;
                if (source.widened) piece.narrow_type = source.tensor->type_id;
                segment.bytes_read += source.tensor->bytes;
            }
            segment.weight_bytes += source.size;
            segment.pieces.push_back(piece);
        }
        return segment;
    }

    const Anatomy& model_;
    const CutStage& stage_;
    const ReplacedTensors& replaced_;
    bool widen_;
    uint64_t tokens_ = 0;
    GgufWriter writer_;
    std::vector<Source> sources_;  // in the order of the writer's table
};

void copy_part(std::span<std::byte> out, uint64_t from, std::span<const std::byte> bytes) {
    std::memcpy(out.data(), bytes.subspan(from, out.size()).data(), out.size());
}

}  // namespace

bool can_be_widened(int type_id) {
    return type_id == GGML_TYPE_BF16 || type_id == GGML_TYPE_F16;
}

std::vector<std::byte> widened(int type_id, std::span<const std::byte> bytes) {
    std::vector<float> values(bytes.size() / kNarrowBytes);
    decode_row(type_id, bytes, values);
    const auto wide = std::as_bytes(std::span(values));
    return {wide.begin(), wide.end()};
}

Segment make_segment(const Anatomy& model, const CutStage& stage, const ReplacedTensors& replaced,
                     bool widen) {
    return SegmentBuilder(model, stage, replaced, widen).build();
}

OriginalFiles::OriginalFiles(const GgufFile& file) {
    for (const auto& shard : file.shards()) shards_.emplace_back(shard);
}

void OriginalFiles::read(uint32_t shard, uint64_t offset, std::span<std::byte> bytes) const {
    shards_[shard].read(offset, bytes);
    if (forget_) shards_[shard].will_not_need(offset, bytes.size());
}

struct SegmentStream::State {
    State(const Segment& what, const OriginalFiles& where) : segment(what), files(where) {}

    // C calls these, so nothing may be thrown through.
    static ssize_t on_read(void* self, char* buffer, size_t size) {
        auto* state = static_cast<State*>(self);
        try {
            return static_cast<ssize_t>(state->read({reinterpret_cast<std::byte*>(buffer), size}));
        } catch (...) {
            state->failure = std::current_exception();
            return -1;
        }
    }

    static int on_seek(void* self, off64_t* offset, int whence) {
        auto* state = static_cast<State*>(self);
        int64_t base = 0;
        if (whence == SEEK_CUR) base = static_cast<int64_t>(state->position);
        if (whence == SEEK_END) base = static_cast<int64_t>(state->segment.size);
        if (base + *offset < 0) return -1;
        *offset += base;
        state->position = static_cast<uint64_t>(*offset);
        return 0;
    }

    size_t read(std::span<std::byte> out) {
        const uint64_t left = segment.size - std::min(position, segment.size);
        out = out.first(std::min<uint64_t>(out.size(), left));
        for (size_t done = 0; done < out.size();) done += read_some(out.subspan(done));
        return out.size();
    }

    // Up to the next border between header, pieces and zeros.
    size_t read_some(std::span<std::byte> out) {
        if (position < segment.header.size()) {
            return take(out, segment.header.size(), [&](std::span<std::byte> part) {
                copy_part(part, position, segment.header);
            });
        }
        const auto next = std::ranges::upper_bound(
            segment.pieces, position, {}, [](const SegmentPiece& p) { return p.offset + p.size; });
        const bool inside = next != segment.pieces.end() && next->offset <= position;
        if (inside) {
            return take(out, next->offset + next->size,
                        [&](std::span<std::byte> part) { read_piece(*next, part); });
        }
        const uint64_t end = next == segment.pieces.end() ? segment.size : next->offset;
        return take(out, end,
                    [](std::span<std::byte> part) { std::ranges::fill(part, std::byte{0}); });
    }

    template <class Fill>
    size_t take(std::span<std::byte> out, uint64_t end, Fill fill) {
        const auto part = out.first(std::min<uint64_t>(out.size(), end - position));
        fill(part);
        position += part.size();
        return part.size();
    }

    void read_piece(const SegmentPiece& piece, std::span<std::byte> out) const {
        const uint64_t from = position - piece.offset;
        if (piece.bytes != nullptr) {
            copy_part(out, from, {piece.bytes, piece.size});
        } else if (piece.narrow_type >= 0) {
            read_widened(piece, from, out);
        } else {
            files.read(piece.shard, piece.at + from, out);
        }
    }

    // The values that [from, from + size) is part of, whole ones, a bufferful at a time.
    void read_widened(const SegmentPiece& piece, uint64_t from, std::span<std::byte> out) const {
        while (!out.empty()) {
            const uint64_t first = from / sizeof(float), skip = from % sizeof(float);
            const size_t n = std::min<size_t>(out.size(), kWidenedAtOnce - skip);
            const uint64_t end = (from + n + sizeof(float) - 1) / sizeof(float);
            std::vector<std::byte> narrow((end - first) * kNarrowBytes);
            files.read(piece.shard, piece.at + first * kNarrowBytes, narrow);
            copy_part(out.first(n), skip, widened(piece.narrow_type, narrow));
            out = out.subspan(n);
            from += n;
        }
    }

    const Segment& segment;
    const OriginalFiles& files;
    uint64_t position = 0;
    std::vector<char> buffer = std::vector<char>(size_t{1} << 18);
    std::FILE* stream = nullptr;
    std::exception_ptr failure;
};

SegmentStream::SegmentStream(const Segment& segment, const OriginalFiles& files)
    : state_(std::make_unique<State>(segment, files)) {
    const cookie_io_functions_t functions{
        .read = State::on_read, .write = nullptr, .seek = State::on_seek, .close = nullptr};
    state_->stream = fopencookie(state_.get(), "rb", functions);
    if (state_->stream == nullptr) throw std::bad_alloc();
    std::setvbuf(state_->stream, state_->buffer.data(), _IOFBF, state_->buffer.size());
}

SegmentStream::~SegmentStream() {
    std::fclose(state_->stream);
}

std::FILE* SegmentStream::stream() {
    return state_->stream;
}

void SegmentStream::rethrow_failure() const {
    if (state_->failure) std::rethrow_exception(state_->failure);
}

}  // namespace bitgauge
