#include "text/jsonl.h"

#include <utility>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/json.h"
#include "text/utf8.h"

namespace bitgauge {
namespace {

constexpr const char* kAcceptedLines =
    R"(a line is a string, {"text": "..."}, {"messages": [...]} or a list of messages)";

// One line of one file, for what is said about it.
struct Place {
    const std::filesystem::path& path;
    size_t line;

    [[noreturn]] void reject(const std::string& why) const {
        throw Error(ErrorKind::kInput, fmt::format("'{}' line {}: {}", path.string(), line, why),
                    kAcceptedLines);
    }
};

constexpr int kDeepest = 256;  // levels; what writes JSON again recurses

Json parse_line(std::string_view line, const Place& place) {
    const auto limit_depth = [&](int depth, Json::parse_event_t, Json&) {
        if (depth > kDeepest) place.reject(fmt::format("nested deeper than {} levels", kDeepest));
        return true;
    };
    try {
        return Json::parse(line, limit_depth);
    } catch (const Json::exception& error) {  // malformed, or a number out of range
        place.reject(fmt::format("not JSON: {}", reason_of(error)));
    }
}

std::string message_list(const Json& messages, const Place& place) {
    if (!messages.is_array() || messages.empty()) place.reject("the list of messages is empty");
    for (const Json& message : messages) {
        const bool has_role = message.is_object() && message.contains("role");
        if (!has_role || !message["role"].is_string()) {
            place.reject("a message is not an object with a \"role\"");
        }
    }
    return messages.dump();
}

std::string keys_of(const Json& object) {
    std::string keys;
    for (const auto& item : object.items()) keys += (keys.empty() ? "" : ", ") + item.key();
    return keys.empty() ? "no keys" : "only " + keys;
}

Document document_of_object(const Json& object, const Place& place, const std::string& stratum) {
    Document document{stratum, {}, {}, {}};
    if (object.contains("stratum")) {
        if (!object["stratum"].is_string()) place.reject("\"stratum\" is not a string");
        document.stratum = object["stratum"];
    }
    if (object.contains("messages")) {
        document.messages_json = message_list(object["messages"], place);
        const bool has_tools = object.contains("tools") && !object["tools"].is_null();
        if (has_tools) document.tools_json = object["tools"].dump();
    } else if (object.contains("text") && object["text"].is_string()) {
        document.text = object["text"];
    } else {
        place.reject(fmt::format("neither \"text\" nor \"messages\", {}", keys_of(object)));
    }
    return document;
}

Document document_of(const Json& value, const Place& place, const std::string& stratum) {
    if (value.is_object()) return document_of_object(value, place, stratum);
    if (value.is_array()) return {stratum, {}, message_list(value, place), {}};
    if (value.is_string()) return {stratum, value, {}, {}};
    place.reject(fmt::format("a {} is no document", value.type_name()));
}

}  // namespace

std::vector<Document> parse_jsonl(std::string_view bytes, const std::filesystem::path& path,
                                  const std::string& stratum) {
    std::vector<Document> documents;
    size_t number = 0;
    for (size_t begin = 0; begin < bytes.size();) {
        const std::string_view line = bytes.substr(begin, bytes.find('\n', begin) - begin);
        begin += line.size() + 1;
        const Place place{path, ++number};
        if (is_blank(line)) continue;
        Document document = document_of(parse_line(line, place), place, stratum);
        if (document.messages_json.empty() && is_blank(document.text)) continue;
        documents.push_back(std::move(document));
    }
    return documents;
}

}  // namespace bitgauge
