#include "qtype/validate.h"

#include <ggml.h>

namespace bitgauge {

bool rows_are_finite(int type_id, std::span<const std::byte> rows) {
    return ggml_validate_row_data(static_cast<ggml_type>(type_id), rows.data(), rows.size());
}

}  // namespace bitgauge
