#include "cli/llama_spellings.h"

#include <string_view>

namespace bitgauge {
namespace {

struct Spelling {
    std::string_view llama;
    const char* ours;
};

constexpr Spelling kSpellings[] = {{"-ngl", "--n-gpu-layers"}, {"-ncmoe", "--n-cpu-moe"},
                                   {"-ts", "--tensor-split"},  {"-ctk", "--cache-type-k"},
                                   {"-ctv", "--cache-type-v"}, {"-sys", "--system"}};

}  // namespace

std::vector<std::string> with_long_names(int argc, const char* const* argv) {
    std::vector<std::string> arguments(argv, argv + argc);
    if (arguments.size() < 2 || arguments[1] != "run") return arguments;
    for (std::string& argument : arguments) {
        for (const Spelling& spelling : kSpellings) {
            if (argument == spelling.llama) argument = spelling.ours;
        }
    }
    return arguments;
}

}  // namespace bitgauge
