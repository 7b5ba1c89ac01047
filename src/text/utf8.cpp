#include "text/utf8.h"

#include <algorithm>
#include <utf8.h>

#include <fmt/format.h>

#include "bitgauge/error.h"

namespace bitgauge {

void require_utf8(std::string_view bytes, const std::filesystem::path& path) {
    const auto bad = utf8::find_invalid(bytes.begin(), bytes.end());
    if (bad == bytes.end()) return;
    throw Error(ErrorKind::kInput,
                fmt::format("'{}' is not valid UTF-8: line {}, byte offset {}, byte 0x{:02X}",
                            path.string(), 1 + std::count(bytes.begin(), bad, '\n'),
                            bad - bytes.begin(), static_cast<unsigned char>(*bad)),
                "convert it first, e.g. iconv -f ISO-8859-1 -t UTF-8");
}

bool is_blank(std::string_view text) {
    return text.find_first_not_of(" \t\n\v\f\r") == std::string_view::npos;
}

}  // namespace bitgauge
