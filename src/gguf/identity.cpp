#include <algorithm>
#include <array>
#include <cctype>
#include <regex>

#include "bitgauge/gguf.h"

#include "base/hash.h"
#include "gguf/split.h"

namespace bitgauge {
namespace {

struct Publisher {
    const char* mark;  // in lower case, somewhere in the file's name
    const char* name;
};
constexpr std::array kPublishers = {
    Publisher{"bartowski", "bartowski"}, Publisher{"unsloth", "unsloth"},
    Publisher{"aessedai", "AesSedai"},   Publisher{"ubergarm", "ubergarm"},
    Publisher{"noctrex", "noctrex"},     Publisher{"mradermacher", "mradermacher"},
    Publisher{"lmstudio", "lmstudio"},   Publisher{".i1-", "mradermacher"},
};

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

// File name without folder, shard number and extension.
std::string stem_of(const std::filesystem::path& path) {
    const auto shard = parse_shard_name(path);
    return shard ? shard->prefix : path.stem().string();
}

std::string publisher_of(const GgufFile& file, const std::string& label) {
    const auto said = file.text("general.quantized_by");
    if (said && !said->empty()) return *said;
    const std::string name = lower(file.shards().front().filename().string());
    for (const Publisher& known : kPublishers) {
        if (name.find(known.mark) != std::string::npos) return known.name;
    }
    return label.starts_with("UD-") ? "unsloth" : "";
}

// The last quantization label in a file's name, in the spelling of llama.cpp; "" when it has none.
std::string label_in(const std::string& stem) {
    static const std::regex pattern(
        R"((?:^|[-._])((?:ud-)?(?:i?q|tq|mxfp|nvfp|bf|f)\d\w*(?:-\d+\.\d+bpw)?)(?=$|[-.]))",
        std::regex::icase);
    std::string label;
    for (std::sregex_iterator at(stem.begin(), stem.end(), pattern), end; at != end; ++at) {
        label = (*at)[1].str();
    }
    const size_t rate = label.find("bpw");
    return rate == std::string::npos ? upper(label) : upper(label.substr(0, rate)) + "bpw";
}

std::string label_of(const GgufFile& file) {
    std::string label = label_in(stem_of(file.shards().front()));
    if (!label.empty()) return label;
    const auto type = file.integer("general.file_type");
    return type ? file_type_name(*type) : "";
}

std::string content_hash(const GgufFile& file) {
    if (file.shards().size() == 1) return hash_file(file.shards().front());
    ContentHash hash;
    for (const auto& shard : file.shards()) hash.add(hash_file(shard));
    return hash.hex();
}

double bits_per_weight_of(const GgufFile& file) {
    const uint64_t weights = file.parameters();
    return weights == 0
               ? 0
               : 8.0 * static_cast<double>(file.tensor_bytes()) / static_cast<double>(weights);
}

}  // namespace

ModelIdentity identify_model(const GgufFile& file, bool with_hash) {
    ModelIdentity identity;
    identity.file = file.shards().front().filename().string();
    identity.name = file.text("general.name").value_or(stem_of(file.shards().front()));
    identity.label = label_of(file);
    identity.publisher = publisher_of(file, identity.label);
    identity.architecture = file.architecture();
    if (with_hash) identity.content_hash = content_hash(file);
    identity.size_bytes = file.file_bytes();
    identity.parameters = file.parameters();
    identity.bits_per_weight = bits_per_weight_of(file);
    for (const TensorInfo& tensor : file.tensors())
        identity.type_bytes[tensor.type] += tensor.bytes;
    return identity;
}

// "blk.<number>." goes, wherever it stands ("enc.blk.0.attn_q.weight"), and so does ".weight".
std::string tensor_role(const std::string& tensor_name) {
    constexpr std::string_view kBlock = "blk.", kWeight = ".weight";
    std::string role = tensor_name;
    if (role.ends_with(kWeight)) role.resize(role.size() - kWeight.size());
    for (size_t at = role.find(kBlock); at != std::string::npos; at = role.find(kBlock, at)) {
        const size_t number = at + kBlock.size();
        const size_t end = role.find_first_not_of("0123456789", number);
        const bool block = (at == 0 || role[at - 1] == '.') && end != std::string::npos &&
                           end > number && role[end] == '.';
        if (block) {
            role.erase(at, end + 1 - at);
        } else {
            at = number;
        }
    }
    return role;
}

}  // namespace bitgauge
