#include "recipe/inheritance.h"

namespace bitgauge {

std::vector<const Recipe*> chain_of(const Recipe& recipe) {
    std::vector<const Recipe*> chain;
    for (const Recipe* one = &recipe; one != nullptr; one = one->base.get()) chain.push_back(one);
    return chain;
}

std::map<std::string, std::string> all_values(const Recipe& recipe) {
    std::map<std::string, std::string> values;
    for (const Recipe* one : chain_of(recipe)) {
        values.insert(one->values.begin(), one->values.end());  // keeps what is there
    }
    return values;
}

std::map<std::string, std::vector<std::string>> all_sets(const Recipe& recipe) {
    std::map<std::string, std::vector<std::string>> sets;
    for (const Recipe* one : chain_of(recipe)) sets.insert(one->sets.begin(), one->sets.end());
    return sets;
}

std::string default_type(const Recipe& recipe) {
    for (const Recipe* one : chain_of(recipe)) {
        if (!one->default_type.empty()) return one->default_type;
    }
    return "";
}

std::string plain_type(const std::string& type, const std::map<std::string, std::string>& values) {
    return type.starts_with('$') ? values.at(type.substr(1)) : type;
}

}  // namespace bitgauge
