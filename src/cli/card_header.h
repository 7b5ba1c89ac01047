#pragma once

// What a model card takes from the header of a file.

#include <filesystem>
#include <string>

#include "bitgauge/card.h"
#include "bitgauge/gguf.h"

namespace bitgauge {

// What files say for the head of the page; "" for what they do not.
struct CardSayings {
    std::string base_model;  // "user/name"
    std::string license;
    std::string quantized_by;

    // What is missing here.
    void add(const CardSayings& other);
};
CardSayings card_sayings(const GgufFile& file);

// `path`: as the page names it. `with_hash`: every byte is read.
CardFile card_file(const GgufFile& file, const std::filesystem::path& path, bool with_hash);

}  // namespace bitgauge
