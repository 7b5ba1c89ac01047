#pragma once

// JSON as the whole project spells it; the library is nlohmann-json.

#include <nlohmann/json.hpp>

namespace bitgauge {

using Json = nlohmann::ordered_json;  // keys stay in the order they were written

}  // namespace bitgauge
