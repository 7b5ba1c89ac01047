#include "cli/report_parts.h"

#include <algorithm>

#include <fmt/format.h>

#include "bitgauge/qtype.h"

#include "report/escape.h"

namespace bitgauge {
namespace {

bool is_ik_only(const QType* type) {
    return type != nullptr && type->ik_only;
}

}  // namespace

std::string report_line(std::string_view name, const std::string& value) {
    return value.empty() ? "" : fmt::format("  {:<17}{}\n", name, printable(value));
}

std::string types_text(const std::map<std::string, uint64_t>& types) {
    if (types.empty()) return "-";
    if (types.size() == 1) return types.begin()->first;
    std::string text;
    for (const auto& [type, tensors] : types) {
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", type, tensors);
    }
    return text;
}

Json text_or_null(const std::optional<std::string>& text) {
    return text ? Json(*text) : Json(nullptr);
}

uint64_t ik_tensors(const GgufFile& file) {
    const auto& tensors = file.tensors();
    return static_cast<uint64_t>(std::count_if(
        tensors.begin(), tensors.end(),
        [](const TensorInfo& tensor) { return is_ik_only(type_by_id(tensor.type_id)); }));
}

uint64_t ik_tensors(const Resolution& resolution) {
    const auto& tensors = resolution.tensors;
    return static_cast<uint64_t>(std::count_if(
        tensors.begin(), tensors.end(),
        [](const ResolvedTensor& tensor) { return is_ik_only(find_type(tensor.type)); }));
}

std::string runs_on_text(uint64_t tensors) {
    return tensors == 0 ? "" : "an ik_llama.cpp build only: some types are its own";
}

}  // namespace bitgauge
