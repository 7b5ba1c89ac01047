#include "eval/model_head.h"

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "eval/shard_file.h"

namespace bitgauge {
namespace {

constexpr const char* kHeadName = "output.weight";
constexpr const char* kTiedName = "token_embd.weight";
constexpr const char* kBiasName = "output.bias";

const TensorInfo& find_head(const GgufFile& file, const std::filesystem::path& path) {
    const TensorInfo* tensor = file.find_tensor(head_name(file));
    if (tensor != nullptr && tensor->shape.size() == 2) return *tensor;
    throw Error(ErrorKind::kInput,
                fmt::format("'{}' has no output head: neither {} nor {} is a matrix in it",
                            path.string(), kHeadName, kTiedName),
                "a language model is needed, not a projector, an adapter or a vocabulary");
}

std::vector<float> read_bias(const GgufFile& file, const GgufData& data) {
    const TensorInfo* bias = file.find_tensor(kBiasName);
    if (bias == nullptr || bias->type != "f32") return {};
    const auto bytes = data.tensor_bytes(*bias);
    const auto* values = reinterpret_cast<const float*>(bytes.data());
    return {values, values + bytes.size() / sizeof(float)};
}

}  // namespace

std::string head_name(const GgufFile& file) {
    return file.find_tensor(kHeadName) == nullptr ? kTiedName : kHeadName;
}

ModelHead::ModelHead(const std::filesystem::path& model, const HeadReading& reading)
    : file_(std::make_unique<GgufFile>(GgufFile::open(model))),
      data_(std::make_unique<GgufData>(*file_)),
      tensor_(&find_head(*file_, model)),
      single_precision_(reading.single_precision) {
    set_transform(reading.scale, reading.softcap);
}

void ModelHead::set_transform(double scale, double softcap) {
    HeadTransform transform{.scale = scale, .softcap = softcap, .bias = read_bias(*file_, *data_)};
    head_ = std::make_unique<Head>(tensor_->type_id, tensor_->shape[1], tensor_->shape[0], bytes(),
                                   std::move(transform));
    if (single_precision_) head_->keep_inputs();
    head_->after_use([data = data_.get(), tensor = tensor_](size_t offset, size_t size) {
        data->forget(*tensor, offset, size);
    });
}

double ModelHead::stated_softcap() const {
    return file_->number(file_->architecture() + ".final_logit_softcapping").value_or(0);
}

void write_head_file(const std::filesystem::path& model, const std::filesystem::path& out,
                     const std::string& identity) {
    const GgufFile file = GgufFile::open(model);
    const GgufData data(file);
    const TensorInfo& head = find_head(file, model);
    ShardWriter copy(kHeadSchema, identity);
    copy.add_bytes(kHeadName, head.type_id, head.shape, data.tensor_bytes(head));
    if (const TensorInfo* bias = file.find_tensor(kBiasName)) {
        copy.add_bytes(kBiasName, bias->type_id, bias->shape, data.tensor_bytes(*bias));
    }
    copy.write(out);
}

}  // namespace bitgauge
