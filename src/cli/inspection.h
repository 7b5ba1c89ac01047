#pragma once

// What `bitgauge inspect` says of one model, as text and as JSON.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "bitgauge/gguf.h"

#include "base/json.h"

namespace bitgauge {

// Tensors taken together: those of one role, or of one type.
struct TensorGroup {
    std::string name;
    uint64_t tensors = 0;
    uint64_t parameters = 0;
    uint64_t bytes = 0;
    std::map<std::string, uint64_t> types;  // tensors per type
};

// Largest first; equal sizes by name.
std::vector<TensorGroup> group_by_role(const GgufFile& file);
std::vector<TensorGroup> group_by_type(const GgufFile& file);

// Who made the file from what and how, as far as it says.
std::vector<KeyValue> provenance_of(const GgufFile& file);

// `with_types`: a column with each group's types. Requires all_bytes > 0; groups without weights
// are left out.
std::string group_table(const std::vector<TensorGroup>& groups, const char* kind, bool with_types,
                        uint64_t all_bytes);

// A few lines about the whole, then tables by type and role, then the provenance.
std::string inspection_text(const GgufFile& file);

// One entry of "files" in `bitgauge.inspect/1`; null where the file says nothing.
Json inspection_json(const GgufFile& file);

}  // namespace bitgauge
