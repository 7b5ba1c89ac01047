#include "eval/shard_file.h"

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"

#include "gguf/checksum.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

constexpr const char* kSchemaKey = "bitgauge.schema";
constexpr const char* kIdentityKey = "bitgauge.identity";
constexpr uint64_t kAlignment = 32;  // GGUF's default

template <class T>
void add_vector(GgufWriter& writer, const std::string& name, const char* type,
                std::span<const T> values) {
    const uint64_t shape[] = {values.size()};
    writer.add_tensor(name, find_type(type)->id, shape, std::as_bytes(values));
}

}  // namespace

ShardWriter::ShardWriter(const std::string& schema, const std::string& identity) {
    writer_.set_text("general.architecture", "bitgauge");
    writer_.set_text(kSchemaKey, schema);
    writer_.set_text(kIdentityKey, identity);
}

void ShardWriter::add_integers(const std::string& name, std::span<const int32_t> values) {
    add_vector(writer_, name, "i32", values);
}

void ShardWriter::add_doubles(const std::string& name, std::span<const double> values) {
    add_vector(writer_, name, "f64", values);
}

void ShardWriter::add_bytes(const std::string& name, int type_id, std::span<const uint64_t> shape,
                            std::span<const std::byte> bytes) {
    writer_.add_tensor(name, type_id, shape, bytes);
}

void ShardWriter::write(const fs::path& path) {
    writer_.end_with_checksum();
    writer_.write(path);
}

ShardReader::ShardReader(const fs::path& path, const std::string& schema) : path_(path) {
    if (!checksum_holds(path)) fail("it is damaged (its checksum is not that of its bytes)");
    header_ = std::make_unique<GgufFile>(GgufFile::open(path));
    const std::string found = header_->text(kSchemaKey).value_or("none");
    if (found != schema) fail(fmt::format("its schema is '{}', not '{}'", found, schema));
    for (const TensorInfo& tensor : header_->tensors()) {
        if (tensor.offset % kAlignment != 0) fail("its arrays are not aligned");
    }
    data_ = std::make_unique<GgufData>(*header_);
}

std::string ShardReader::identity() const {
    return header_->text(kIdentityKey).value_or("");
}

std::span<const std::byte> ShardReader::bytes(const std::string& name) const {
    return data_->tensor_bytes(name);
}

void ShardReader::fail(const std::string& why) const {
    throw Error(ErrorKind::kInput, fmt::format("'{}' cannot be used: {}", path_.string(), why),
                "delete it and run the command that made it again");
}

bool shard_is_good(const fs::path& path, const std::string& schema, const std::string& identity) {
    if (!fs::exists(path)) return false;
    try {
        return ShardReader(path, schema).identity() == identity;
    } catch (const Error&) {
        return false;
    }
}

}  // namespace bitgauge
