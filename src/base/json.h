#pragma once

// JSON as the whole project spells it; the library is nlohmann-json.

#include <string>

#include <nlohmann/json.hpp>

namespace bitgauge {

using Json = nlohmann::ordered_json;  // keys stay in the order they were written

// "[json.exception.parse_error.101] parse error at line 1 ..." without the brackets.
inline std::string reason_of(const Json::exception& error) {
    const std::string what = error.what();
    const size_t end = what.find("] ");
    return what.starts_with('[') && end != std::string::npos ? what.substr(end + 2) : what;
}

}  // namespace bitgauge
