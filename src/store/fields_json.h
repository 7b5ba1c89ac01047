#pragma once

// Structs to JSON text and back by the lists of their keys (record_fields.h); private to this room.
//
// Doubles keep every bit through text: the shortest decimal that reads back equal. What is not a
// number is null, infinities are the strings "inf" and "-inf".

#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/json.h"

namespace bitgauge::fields {

// ------------------------------------------------------------------------------------- writing

template <class T>
Json encode(const T& value);

struct Writer {
    Json json = Json::object();
    void operator()(const char* name, const auto& value) { json[name] = encode(value); }
    // As earlier versions wrote it where it has nothing to say.
    template <class T>
    void later(const char* name, const T& value) {
        if (value != T{}) (*this)(name, value);
    }
};

inline Json encode_number(double value) {
    if (std::isnan(value)) return nullptr;
    if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
    return value;
}

template <class T>
Json encode_list(const std::vector<T>& list) {
    Json json = Json::array();
    for (const T& value : list) json.push_back(encode(value));
    return json;
}

template <class T>
Json encode_map(const std::map<std::string, T>& map) {
    Json json = Json::object();
    for (const auto& [name, value] : map) json[name] = encode(value);
    return json;
}

template <class T>
Json encode(const T& value) {
    if constexpr (std::same_as<T, double>) {
        return encode_number(value);
    } else if constexpr (std::integral<T> || std::same_as<T, std::string>) {
        return value;
    } else if constexpr (requires { typename T::mapped_type; }) {
        return encode_map(value);
    } else if constexpr (requires { value.data(); }) {
        return encode_list(value);
    } else {
        Writer writer;
        describe(writer, value);
        return std::move(writer.json);
    }
}

// ------------------------------------------------------------------------------------- reading

[[noreturn]] inline void fail(const std::string& path, const std::string& problem) {
    throw Error(ErrorKind::kInput, fmt::format("the record's \"{}\" {}", path, problem),
                "the text was damaged or written by another program; measure again");
}

template <class T>
void decode(const Json& json, T& value, const std::string& path);

struct Reader {
    const Json& json;
    std::string path;

    void operator()(const char* name, auto& value) const {
        const std::string inner = path.empty() ? name : path + "." + name;
        const auto found = json.find(name);
        if (found == json.end()) fail(inner, "is missing");
        decode(*found, value, inner);
    }
    // What records of earlier versions do not have.
    void later(const char* name, auto& value) const {
        if (json.contains(name)) (*this)(name, value);
    }
};

inline void decode_number(const Json& json, double& value, const std::string& path) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    if (json.is_null())
        value = std::numeric_limits<double>::quiet_NaN();
    else if (json == "inf")
        value = kInfinity;
    else if (json == "-inf")
        value = -kInfinity;
    else if (json.is_number())
        value = json.get<double>();
    else
        fail(path, "is not a number");
}

template <std::unsigned_integral T>
void decode_count(const Json& json, T& value, const std::string& path) {
    if (!json.is_number_unsigned() || json.get<uint64_t>() > std::numeric_limits<T>::max()) {
        fail(path, "is not a whole number in its range");
    }
    value = json.get<T>();
}

template <std::signed_integral T>
void decode_integer(const Json& json, T& value, const std::string& path) {
    if (!json.is_number_integer()) fail(path, "is not a whole number");
    const auto wide = json.get<int64_t>();
    value = static_cast<T>(wide);
    if (value != wide) fail(path, "is not a whole number in its range");
}

template <class T>
void decode_list(const Json& json, std::vector<T>& list, const std::string& path) {
    if (!json.is_array()) fail(path, "is not a list");
    list.resize(json.size());
    for (size_t i = 0; i < list.size(); ++i) decode(json[i], list[i], path);
}

template <class T>
void decode_map(const Json& json, std::map<std::string, T>& map, const std::string& path) {
    if (!json.is_object()) fail(path, "is not an object");
    map.clear();
    for (const auto& [name, value] : json.items()) decode(value, map[name], path);
}

template <class T>
void decode(const Json& json, T& value, const std::string& path) {
    if constexpr (std::same_as<T, double>) {
        decode_number(json, value, path);
    } else if constexpr (std::same_as<T, bool>) {
        if (!json.is_boolean()) fail(path, "is neither true nor false");
        value = json.get<bool>();
    } else if constexpr (std::unsigned_integral<T>) {
        decode_count(json, value, path);
    } else if constexpr (std::signed_integral<T>) {
        decode_integer(json, value, path);
    } else if constexpr (std::same_as<T, std::string>) {
        if (!json.is_string()) fail(path, "is not a text");
        value = json.get<std::string>();
    } else if constexpr (requires { typename T::mapped_type; }) {
        decode_map(json, value, path);
    } else if constexpr (requires { value.data(); }) {
        decode_list(json, value, path);
    } else {
        if (!json.is_object()) fail(path, "is not an object");
        const Reader reader{json, path};
        describe(reader, value);
    }
}

// --- whole records
// ---------------------------------------------------------------------------------

inline std::string schema_of(const Json& json) {
    const auto found = json.is_object() ? json.find("schema") : json.end();
    return json.is_object() && found != json.end() && found->is_string() ? found->get<std::string>()
                                                                         : "none";
}

inline void require_schema(const Json& json, const char* wanted) {
    if (schema_of(json) == wanted) return;
    throw Error(ErrorKind::kInput,
                fmt::format("the record's schema is \"{}\", this program reads \"{}\"",
                            schema_of(json), wanted),
                "use the version of bitgauge that wrote it, or measure again");
}

template <class T>
Json to_json(const char* schema, const T& record) {
    Writer writer;
    writer.json["schema"] = schema;
    describe(writer, record);
    return std::move(writer.json);
}

template <class T>
T from_json(const char* schema, const Json& json) {
    require_schema(json, schema);
    T record;
    const Reader reader{json, ""};
    describe(reader, record);
    return record;
}

}  // namespace bitgauge::fields
