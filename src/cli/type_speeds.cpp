#include "cli/type_speeds.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/hardware.h"

#include "base/files.h"
#include "base/units.h"
#include "report/escape.h"
#include "report/numbers.h"

namespace bitgauge {
namespace {

constexpr const char* kSchema = "bitgauge.bench-types/1";
constexpr const char* kHint =
    "make it on the machine that is to run the model: bitgauge bench --types --json";

[[noreturn]] void refuse_speeds(const std::filesystem::path& path, const std::string& problem) {
    throw Error(ErrorKind::kInput, fmt::format("'{}' {}", path.string(), problem), kHint);
}

Json parsed(const std::filesystem::path& path) {
    Json json = Json::parse(read_text_file(path), nullptr, /*allow_exceptions=*/false);
    if (json.is_object() && json.value("schema", Json()) == kSchema) return json;
    refuse_speeds(path, "holds no speeds of types");
}

// Nothing for a product of several tokens.
std::optional<TypeSpeeds::Product> product_of(const std::filesystem::path& path, const Json& json) {
    try {
        if (json.at("tokens").get<uint64_t>() != 1) return std::nullopt;
        TypeSpeeds::Product product{
            .type = json.at("type").get<std::string>(),
            .weights = json.at("rows").get<double>() * json.at("columns").get<double>(),
            .seconds_per_weight = json.at("seconds_per_weight").get<double>()};
        if (product.weights > 0 && product.seconds_per_weight > 0) return product;
        refuse_speeds(path, fmt::format("has {} seconds per weight for {}",
                                        product.seconds_per_weight, printable(product.type)));
    } catch (const Json::exception& error) {
        refuse_speeds(path, fmt::format("is damaged: {}", reason_of(error)));
    }
}

// Rows and columns of what is multiplied at once.
double matrix_weights(const TensorInfo& tensor) {
    const uint64_t rows = tensor.shape.size() > 1 ? tensor.shape[1] : 1;
    return static_cast<double>(tensor.shape[0]) * static_cast<double>(rows);
}

double seconds_per_weight(const TypeSpeeds& speeds, const std::string& type, double weights) {
    const auto distance = [&](const TypeSpeeds::Product& product) {
        return product.type == type ? std::abs(std::log(product.weights / weights))
                                    : std::numeric_limits<double>::infinity();
    };
    return std::ranges::min_element(speeds.products, {}, distance)->seconds_per_weight;
}

}  // namespace

TypeSpeeds read_type_speeds(const std::filesystem::path& path) {
    const Json json = parsed(path);
    TypeSpeeds speeds{.file = path.string()};
    if (const Json cpu = json.value("cpu", Json()); cpu.is_string()) speeds.cpu = cpu;
    if (const Json threads = json.value("threads", Json()); threads.is_number_unsigned()) {
        speeds.threads = threads;
    }
    const Json products = json.value("products", Json::array());
    for (const Json& one : products) {
        if (auto product = product_of(path, one)) speeds.products.push_back(std::move(*product));
    }
    if (speeds.products.empty()) refuse_speeds(path, "has no product of one token");
    return speeds;
}

MixSeconds mix_seconds(const GgufFile& model, const TypeSpeeds& speeds) {
    std::set<std::string> types;
    for (const TypeSpeeds::Product& product : speeds.products) types.insert(product.type);
    const auto touched = decoded_weights(model);
    MixSeconds seconds;
    for (const TensorInfo& tensor : model.tensors()) {
        const double weights = matrix_weights(tensor);
        for (const std::string& type : types) {
            seconds[tensor.name][type] = static_cast<double>(touched.at(tensor.name)) *
                                         seconds_per_weight(speeds, type, weights);
        }
    }
    return seconds;
}

std::string tokens_per_second_text(double seconds_per_token) {
    return format_number(1 / seconds_per_token) + " tokens/s";
}

std::string speed_text(const PlanSpeed& speed) {
    const TypeSpeeds& from = speed.speeds;
    if (std::isnan(speed.seconds)) {
        return fmt::format("speed       not known: a type of the plan was not timed in '{}'\n",
                           printable(from.file));
    }
    return fmt::format(
        "speed       at most {}: {} ms of products for a token, by the speeds of types in '{}' "
        "({}, {})\n",
        tokens_per_second_text(speed.seconds), format_number(1000 * speed.seconds),
        printable(from.file), printable(from.cpu), counted(from.threads, "thread"));
}

Json speed_json(const PlanSpeed& speed) {
    Json json = {{"seconds_per_token", nullptr}, {"threads", speed.speeds.threads}};
    if (!std::isnan(speed.seconds)) json["seconds_per_token"] = speed.seconds;
    if (speed.most_seconds) json["allowed_seconds_per_token"] = *speed.most_seconds;
    return json;
}

}  // namespace bitgauge
