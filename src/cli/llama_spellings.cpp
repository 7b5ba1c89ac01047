#include "cli/llama_spellings.h"

#include <map>
#include <string_view>

namespace bitgauge {

std::vector<std::string> with_long_names(int argc, const char* const* argv) {
    static const std::map<std::string_view, const char*> kLong = {{"-ngl", "--n-gpu-layers"},
                                                                  {"-sys", "--system"}};
    std::vector<std::string> arguments(argv, argv + argc);
    if (arguments.size() < 2 || arguments[1] != "run") return arguments;
    for (std::string& argument : arguments) {
        const auto found = kLong.find(argument);
        if (found != kLong.end()) argument = found->second;
    }
    return arguments;
}

}  // namespace bitgauge
