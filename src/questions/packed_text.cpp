#include "questions/packed_text.h"

#include <array>
#include <bzlib.h>
#include <limits>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/files.h"

#include <zlib.h>

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

constexpr size_t kMostBytes = size_t{1} << 30;
constexpr int kZlibOrGzip = 15 + 32;  // of inflateInit2: the largest window, header found by itself

using Buffer = std::array<char, 1 << 16>;

// zlib and bzip2 count in unsigned int; more than that is no file of questions.
bool is_countable(const std::string& packed) {
    return packed.size() <= std::numeric_limits<unsigned>::max();
}

std::string without_byte_order_mark(std::string text) {
    constexpr std::string_view kMark = "\xef\xbb\xbf";
    if (text.starts_with(kMark)) text.erase(0, kMark.size());
    return text;
}

struct Inflater {
    z_stream stream{};
    bool ready = ::inflateInit2(&stream, kZlibOrGzip) == Z_OK;
    Inflater() = default;
    ~Inflater() { ::inflateEnd(&stream); }
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;
};

struct Bunzipper {
    bz_stream stream{};
    bool ready = ::BZ2_bzDecompressInit(&stream, 0, 0) == BZ_OK;
    Bunzipper() = default;
    ~Bunzipper() { ::BZ2_bzDecompressEnd(&stream); }
    Bunzipper(const Bunzipper&) = delete;
    Bunzipper& operator=(const Bunzipper&) = delete;
};

bool bunzip_text(const std::string& packed, std::string& text) {
    Bunzipper bunzipper;
    if (!bunzipper.ready || !is_countable(packed)) return false;
    bz_stream& stream = bunzipper.stream;
    stream.next_in = const_cast<char*>(packed.data());
    stream.avail_in = static_cast<unsigned>(packed.size());
    Buffer buffer;
    int status = BZ_OK;
    while (status == BZ_OK && text.size() <= kMostBytes) {
        stream.next_out = buffer.data();
        stream.avail_out = buffer.size();
        status = ::BZ2_bzDecompress(&stream);
        text.append(buffer.data(), buffer.size() - stream.avail_out);
        if (stream.avail_in == 0 && stream.avail_out > 0 && status == BZ_OK) return false;
    }
    return status == BZ_STREAM_END && stream.avail_in == 0;
}

}  // namespace

bool inflate_text(const std::string& packed, std::string& text) {
    Inflater inflater;
    if (!inflater.ready || !is_countable(packed)) return false;
    z_stream& stream = inflater.stream;
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream.avail_in = static_cast<unsigned>(packed.size());
    Buffer buffer;
    int status = Z_OK;
    while (status == Z_OK && text.size() <= kMostBytes) {
        stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
        stream.avail_out = buffer.size();
        status = ::inflate(&stream, Z_NO_FLUSH);
        text.append(buffer.data(), buffer.size() - stream.avail_out);
    }
    return status == Z_STREAM_END && stream.avail_in == 0;
}

std::string read_packed_text(const fs::path& path) {
    std::string bytes = read_text_file(path);
    const bool is_gzip = bytes.starts_with("\x1f\x8b");
    const bool is_bzip2 = bytes.starts_with("BZh");
    if (!is_gzip && !is_bzip2) return without_byte_order_mark(std::move(bytes));
    std::string text;
    if (!(is_gzip ? inflate_text(bytes, text) : bunzip_text(bytes, text))) {
        throw Error(
            ErrorKind::kInput,
            fmt::format("'{}' cannot be unpacked: after {} bytes of text it is damaged, cut "
                        "off, or larger than 1 GiB",
                        path.string(), text.size()),
            "fetch the file again");
    }
    return without_byte_order_mark(std::move(text));
}

}  // namespace bitgauge
