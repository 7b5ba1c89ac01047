#include "qtype/encode_shim.h"

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"

#include <ggml.h>

namespace bitgauge {

void encode_rows(int type_id, std::span<const float> in, size_t row_weights,
                 std::span<const float> importance, std::span<std::byte> out) {
    const QType* type = type_by_id(type_id);
    if (type == nullptr || out.size() != type->row_bytes(in.size())) {
        throw Error(ErrorKind::kInput, fmt::format("{} weights of type {} do not fill {} bytes",
                                                   in.size(), type_id, out.size()));
    }
    const auto rows = static_cast<int64_t>(in.size() / row_weights);
    ggml_quantize_chunk(static_cast<ggml_type>(type_id), in.data(), out.data(), 0, rows,
                        static_cast<int64_t>(row_weights),
                        importance.empty() ? nullptr : importance.data());
}

}  // namespace bitgauge
