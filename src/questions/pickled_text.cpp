#include "questions/pickled_text.h"

#include <cstddef>
#include <cstdint>

namespace bitgauge {
namespace {

// Opcodes of Python's pickle.
constexpr char kProtocol = '\x80';
constexpr char kFrame = '\x95';
constexpr char kShortText = '\x8c';
constexpr char kText = 'X';
constexpr char kLongText = '\x8d';

constexpr size_t kFrameBytes = 8;

size_t length_bytes(char opcode) {
    switch (opcode) {
        case kShortText:
            return 1;
        case kText:
            return 4;
        case kLongText:
            return 8;
        default:
            return 0;
    }
}

uint64_t little_endian(std::string_view bytes) {
    uint64_t value = 0;
    for (size_t i = bytes.size(); i-- > 0;)
        value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
}

int value_of(char digit) {
    constexpr std::string_view kDigits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const size_t found = kDigits.find(digit);
    return found == std::string_view::npos ? -1 : static_cast<int>(found);
}

}  // namespace

std::string decoded_base64(std::string_view text) {
    std::string bytes;
    uint32_t bits = 0;
    int count = 0;
    for (const char digit : text) {
        const int value = value_of(digit);
        if (value < 0) break;
        bits = bits << 6 | static_cast<uint32_t>(value);
        count += 6;
        if (count < 8) continue;
        count -= 8;
        bytes += static_cast<char>(bits >> count & 0xff);
    }
    return bytes;
}

bool unpickle_text(std::string_view pickled, std::string& text) {
    if (pickled.size() < 2 || pickled[0] != kProtocol) return false;
    pickled.remove_prefix(2);
    if (pickled.starts_with(kFrame) && pickled.size() > kFrameBytes) {
        pickled.remove_prefix(1 + kFrameBytes);
    }
    const size_t width = pickled.empty() ? 0 : length_bytes(pickled[0]);
    if (width == 0 || pickled.size() < 1 + width) return false;
    const uint64_t length = little_endian(pickled.substr(1, width));
    pickled.remove_prefix(1 + width);
    if (length > pickled.size()) return false;
    text = pickled.substr(0, length);
    return true;
}

}  // namespace bitgauge
