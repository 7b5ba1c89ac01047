#include "recipe/file_difference.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>
#include <string_view>
#include <unordered_map>

#include "gguf/data.h"

namespace bitgauge {
namespace {

constexpr std::array kProvenance = {"general.", "quantize.", "split.", "bitgauge."};

KeyKind kind_of(std::string_view key) {
    if (key.starts_with("tokenizer.chat_template")) return KeyKind::kTemplate;
    if (key.starts_with("tokenizer.")) return KeyKind::kTokenizer;
    const bool provenance = std::any_of(kProvenance.begin(), kProvenance.end(),
                                        [key](const char* one) { return key.starts_with(one); });
    return provenance && key != "general.architecture" ? KeyKind::kProvenance : KeyKind::kModel;
}

using Tensors = std::unordered_map<std::string, const TensorInfo*>;

Tensors by_name(const GgufFile& file) {
    Tensors tensors;
    for (const TensorInfo& tensor : file.tensors()) tensors[tensor.name] = &tensor;
    return tensors;
}

// In the order of `a`, then what only `b` has.
template <class Items, class NameOf>
std::vector<std::string> all_names(const Items& a, const Items& b, NameOf name_of) {
    std::vector<std::string> names;
    std::set<std::string> seen;
    for (const Items* items : {&a, &b}) {
        for (const auto& item : *items) {
            if (seen.insert(name_of(item)).second) names.push_back(name_of(item));
        }
    }
    return names;
}

const TensorInfo* find(const Tensors& tensors, const std::string& name) {
    const auto at = tensors.find(name);
    return at == tensors.end() ? nullptr : at->second;
}

void add_to_role(RoleDifference& role, const TensorInfo* a, const TensorInfo* b, bool differs) {
    role.tensors += 1;
    role.differing += differs ? 1 : 0;
    if (a != nullptr) {
        role.bytes_a += a->bytes;
        role.types_a[a->type] += 1;
    }
    if (b != nullptr) {
        role.bytes_b += b->bytes;
        role.types_b[b->type] += 1;
    }
}

TensorDifference difference_of(const std::string& name, const TensorInfo* a, const TensorInfo* b) {
    TensorDifference one{.name = name};
    if (a != nullptr) {
        one.type_a = a->type;
        one.shape_a = a->shape;
        one.bytes_a = a->bytes;
    }
    if (b != nullptr) {
        one.type_b = b->type;
        one.shape_b = b->shape;
        one.bytes_b = b->bytes;
    }
    return one;
}

void compare_tensors(const GgufFile& a, const GgufFile& b, FileDifference& difference) {
    const Tensors in_a = by_name(a), in_b = by_name(b);
    std::map<std::string, RoleDifference> roles;
    for (const std::string& name :
         all_names(a.tensors(), b.tensors(), [](const TensorInfo& one) { return one.name; })) {
        const TensorInfo* one = find(in_a, name);
        const TensorInfo* other = find(in_b, name);
        const bool both = one != nullptr && other != nullptr;
        const bool differs = !both || one->type != other->type || one->shape != other->shape;
        RoleDifference& role = roles[tensor_role(name)];
        role.role = tensor_role(name);
        add_to_role(role, one, other, differs);
        difference.common_tensors += both ? 1 : 0;
        difference.only_in_a += other == nullptr ? 1 : 0;
        difference.only_in_b += one == nullptr ? 1 : 0;
        if (differs) difference.tensors.push_back(difference_of(name, one, other));
    }
    for (auto& [name, role] : roles) {
        if (role.differing > 0) difference.roles.push_back(std::move(role));
    }
    std::stable_sort(difference.roles.begin(), difference.roles.end(),
                     [](const RoleDifference& x, const RoleDifference& y) {
                         return std::llabs(x.gain()) > std::llabs(y.gain());
                     });
}

const KeyValue* find_key(const GgufFile& file, const std::string& key) {
    const auto at = std::find_if(file.keys().begin(), file.keys().end(),
                                 [&key](const KeyValue& one) { return one.key == key; });
    return at == file.keys().end() ? nullptr : &*at;
}

bool same_arrays(const GgufArrays& a, const GgufArrays& b, const std::string& key) {
    return a.texts(key) == b.texts(key) && a.integers(key) == b.integers(key) &&
           a.numbers(key) == b.numbers(key);
}

// Where the text says all: an array's only says how many it has.
bool same_text(const KeyValue& one, const KeyValue& other) {
    return one.type == other.type && one.value == other.value;
}

KeyDifference difference_of(const std::string& key, const KeyValue* a, const KeyValue* b) {
    KeyDifference found{.key = key, .kind = kind_of(key)};
    if (a != nullptr) {
        found.a = a->value;
        found.type_a = a->type;
    }
    if (b != nullptr) {
        found.b = b->value;
        found.type_b = b->type;
    }
    return found;
}

void compare_keys(const GgufFile& a, const GgufFile& b, FileDifference& difference) {
    const GgufArrays arrays_a(a), arrays_b(b);
    for (const std::string& key :
         all_names(a.keys(), b.keys(), [](const KeyValue& one) { return one.key; })) {
        const KeyValue* one = find_key(a, key);
        const KeyValue* other = find_key(b, key);
        const bool same = one != nullptr && other != nullptr && same_text(*one, *other);
        const bool array = same && one->type.starts_with('[');
        if (same && (!array || same_arrays(arrays_a, arrays_b, key))) continue;
        difference.keys.push_back(difference_of(key, one, other));
    }
    std::stable_sort(
        difference.keys.begin(), difference.keys.end(),
        [](const KeyDifference& x, const KeyDifference& y) { return x.kind < y.kind; });
}

}  // namespace

FileDifference compare_files(const GgufFile& a, const GgufFile& b) {
    FileDifference difference;
    difference.same_tokens = a.tokenizer_hash() == b.tokenizer_hash();
    compare_tensors(a, b, difference);
    compare_keys(a, b, difference);
    return difference;
}

}  // namespace bitgauge
