#pragma once

// Small baselines of the small models, and folders compared byte by byte.

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "bitgauge/eval.h"

#include "base/files.h"
#include "eval/eval_testing.h"

namespace bitgauge {

inline void write_plain(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

// The first `bytes` of a children's story, in letters the small Llama knows.
inline std::filesystem::path story(const std::filesystem::path& folder, size_t bytes,
                                   size_t skip = 0) {
    const auto path = folder / ("story-" + std::to_string(bytes) + ".txt");
    const std::string text = read_text_file(std::filesystem::path(BITGAUGE_TEST_DATA) /
                                            "babyllama105/tinystories.excerpt.txt");
    write_plain(path, text.substr(skip, bytes));
    return path;
}

inline BaselineOptions small_baseline(const std::filesystem::path& text, uint32_t window = 64) {
    return {.texts = {text},
            .protocol = {.window_tokens = window, .warmup_tokens = 4},
            .engine = one_thread()};
}

// Name and bytes of every file.
inline std::map<std::string, std::string> contents(const std::filesystem::path& folder) {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (!entry.is_regular_file()) continue;
        const auto name = std::filesystem::relative(entry.path(), folder).string();
        files[name] = read_text_file(entry.path());
    }
    return files;
}

inline void expect_same_folder(const std::filesystem::path& a, const std::filesystem::path& b) {
    const auto in_a = contents(a);
    const auto in_b = contents(b);
    ASSERT_EQ(in_a.size(), in_b.size());
    for (const auto& [name, bytes] : in_a) {
        ASSERT_TRUE(in_b.contains(name)) << name;
        EXPECT_TRUE(in_b.at(name) == bytes) << name << " differs";
    }
}

}  // namespace bitgauge
