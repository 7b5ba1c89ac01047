#include "cli/difference_report.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/units.h"
#include "cli/report_parts.h"
#include "report/escape.h"
#include "report/grid.h"

namespace bitgauge {
namespace {

constexpr size_t kValueWidth = 60;

std::string signed_count(int64_t number) {
    const std::string digits = format_count(static_cast<uint64_t>(number < 0 ? -number : number));
    return (number < 0 ? "-" : "+") + digits;
}

std::string file_line(const char* name, const GgufFile& file) {
    const uint64_t bytes = file.tensor_bytes();
    const double rate =
        file.parameters() == 0 ? 0 : bits_per_weight(bytes, file.parameters()).value();
    const std::string runs_on = runs_on_text(ik_tensors(file));
    return fmt::format("{}  {}\n   {}, {} bytes; tensors {} bytes, {:.4f} bits/weight\n{}", name,
                       printable(file.shards().front().filename().string()),
                       format_bytes(file.file_bytes()), format_count(file.file_bytes()),
                       format_count(bytes), rate,
                       runs_on.empty() ? "" : fmt::format("   runs on {}\n", runs_on));
}

std::string role_table(const FileDifference& difference) {
    Grid grid;
    grid.columns = {{"role", "", true, ""},       {"a", "", true, ""},
                    {"b", "", true, ""},          {"differ", "tensors", false, ""},
                    {"a", "bytes", false, ""},    {"b", "bytes", false, ""},
                    {"b - a", "bytes", false, ""}};
    for (const RoleDifference& role : difference.roles) {
        grid.rows.push_back(
            {printable(role.role), types_text(role.types_a), types_text(role.types_b),
             fmt::format("{} of {}", role.differing, role.tensors), format_count(role.bytes_a),
             format_count(role.bytes_b), signed_count(role.gain())});
    }
    return text_of(grid);
}

std::string side_text(const std::string& type, const std::vector<uint64_t>& shape,
                      bool with_shape) {
    if (type.empty()) return "-";
    return with_shape ? fmt::format("{} {}", type, fmt::join(shape, "x")) : type;
}

std::string tensor_table(const FileDifference& difference) {
    Grid grid;
    grid.columns = {{"tensor", "", true, ""},
                    {"a", "", true, ""},
                    {"b", "", true, ""},
                    {"b - a", "bytes", false, ""}};
    for (const TensorDifference& tensor : difference.tensors) {
        const bool shapes = tensor.shape_a != tensor.shape_b;
        grid.rows.push_back({printable(tensor.name),
                             side_text(tensor.type_a, tensor.shape_a, shapes),
                             side_text(tensor.type_b, tensor.shape_b, shapes),
                             signed_count(static_cast<int64_t>(tensor.bytes_b - tensor.bytes_a))});
    }
    return text_of(grid);
}

std::string value_text(const std::optional<std::string>& value) {
    return value ? shortened(printable(*value), kValueWidth) : "-";
}

// The first line in which two texts differ, from 1.
size_t first_differing_line(const std::string& a, const std::string& b) {
    const auto [at, other] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
    return 1 + static_cast<size_t>(std::count(a.begin(), at, '\n'));
}

std::string template_text(const KeyDifference& key) {
    if (!key.a || !key.b) {
        return fmt::format("  {}: only in {}\n", printable(key.key), key.a ? "a" : "b");
    }
    return fmt::format("  {}: {} and {} bytes, they differ from line {} on\n", printable(key.key),
                       format_count(key.a->size()), format_count(key.b->size()),
                       first_differing_line(*key.a, *key.b));
}

std::string key_text(const KeyDifference& key) {
    if (key.kind == KeyKind::kTemplate) return template_text(key);
    if (key.a && key.a == key.b && key.type_a != key.type_b) {
        return fmt::format("  {}: {} ({}) | {} ({})\n", printable(key.key), value_text(key.a),
                           key.type_a, value_text(key.b), key.type_b);
    }
    if (key.a && key.a == key.b)
        return fmt::format("  {}: {} in both, other content\n", printable(key.key),
                           value_text(key.a));
    return fmt::format("  {}: {} | {}\n", printable(key.key), value_text(key.a), value_text(key.b));
}

const char* kind_name(KeyKind kind) {
    switch (kind) {
        case KeyKind::kTemplate:
            return "chat template";
        case KeyKind::kTokenizer:
            return "tokenizer";
        case KeyKind::kProvenance:
            return "provenance";
        case KeyKind::kModel:
            return "model";
    }
    return "";
}

std::string keys_text(const FileDifference& difference) {
    std::string text;
    std::optional<KeyKind> kind;
    for (const KeyDifference& key : difference.keys) {
        if (kind != key.kind) text += fmt::format("\n{} (a | b)\n", kind_name(key.kind));
        kind = key.kind;
        text += key_text(key);
    }
    return text;
}

std::string tensors_line(const FileDifference& difference) {
    if (difference.tensors.empty()) {
        return fmt::format("\nall {} have the same types and shapes\n",
                           counted(difference.common_tensors, "tensor"));
    }
    const uint64_t alone = difference.only_in_a + difference.only_in_b;
    std::string text =
        fmt::format("\n{} of {} differ", format_count(difference.tensors.size() - alone),
                    counted(difference.common_tensors, "common tensor"));
    if (difference.only_in_a > 0) text += fmt::format("; only in a: {}", difference.only_in_a);
    if (difference.only_in_b > 0) text += fmt::format("; only in b: {}", difference.only_in_b);
    return text + "\n";
}

Json type_or_null(const std::string& type) {
    return type.empty() ? Json(nullptr) : Json(type);
}

Json side_json(const std::string& type, const std::vector<uint64_t>& shape, uint64_t bytes) {
    if (type.empty()) return nullptr;
    return {{"type", type}, {"shape", shape}, {"bytes", bytes}};
}

Json file_json(const GgufFile& file) {
    return {{"file", file.shards().front().filename().string()},
            {"size_bytes", file.file_bytes()},
            {"tensor_bytes", file.tensor_bytes()},
            {"parameters", file.parameters()},
            {"ik_only_tensors", ik_tensors(file)},
            {"tokenizer_hash", file.tokenizer_hash()},
            {"shape_hash", file.shape_hash()}};
}

Json roles_json(const FileDifference& difference) {
    Json all = Json::array();
    for (const RoleDifference& role : difference.roles) {
        all.push_back({{"role", role.role},
                       {"tensors", role.tensors},
                       {"differing", role.differing},
                       {"bytes_a", role.bytes_a},
                       {"bytes_b", role.bytes_b},
                       {"types_a", role.types_a},
                       {"types_b", role.types_b}});
    }
    return all;
}

Json tensors_json(const FileDifference& difference) {
    Json all = Json::array();
    for (const TensorDifference& tensor : difference.tensors) {
        all.push_back({{"name", tensor.name},
                       {"a", side_json(tensor.type_a, tensor.shape_a, tensor.bytes_a)},
                       {"b", side_json(tensor.type_b, tensor.shape_b, tensor.bytes_b)}});
    }
    return all;
}

Json keys_json(const FileDifference& difference) {
    Json all = Json::array();
    for (const KeyDifference& key : difference.keys) {
        all.push_back({{"key", key.key},
                       {"kind", kind_name(key.kind)},
                       {"a", text_or_null(key.a)},
                       {"b", text_or_null(key.b)},
                       {"type_a", type_or_null(key.type_a)},
                       {"type_b", type_or_null(key.type_b)}});
    }
    return all;
}

}  // namespace

std::string difference_text(const GgufFile& a, const GgufFile& b, bool with_tensors) {
    const FileDifference difference = compare_files(a, b);
    std::string text = file_line("a", a) + file_line("b", b);
    text += fmt::format("   b - a: {} bytes; {}\n",
                        signed_count(static_cast<int64_t>(b.file_bytes() - a.file_bytes())),
                        difference.same_tokens ? "texts become the same tokens"
                                               : "texts do not become the same tokens");
    text += tensors_line(difference);
    if (!difference.roles.empty()) text += "\n" + role_table(difference);
    if (with_tensors && !difference.tensors.empty()) text += "\n" + tensor_table(difference);
    return text + keys_text(difference);
}

Json difference_json(const GgufFile& a, const GgufFile& b) {
    const FileDifference difference = compare_files(a, b);
    return {{"schema", "bitgauge.diff/1"},
            {"a", file_json(a)},
            {"b", file_json(b)},
            {"common_tensors", difference.common_tensors},
            {"only_in_a", difference.only_in_a},
            {"only_in_b", difference.only_in_b},
            {"same_tokens", difference.same_tokens},
            {"roles", roles_json(difference)},
            {"tensors", tensors_json(difference)},
            {"keys", keys_json(difference)}};
}

}  // namespace bitgauge
