#pragma once

// What tests of this room share.

#include <filesystem>
#include <functional>
#include <string>
#include <unistd.h>

#include "bitgauge/error.h"
#include "bitgauge/questions.h"

#include "base/files.h"

namespace bitgauge {

inline std::filesystem::path data_path(const std::string& name) {
    return std::filesystem::path(BITGAUGE_TEST_DATA) / "questions" / name;
}

// A folder of one test, gone with it.
class TestFolder {
  public:
    TestFolder() {
        path_ = (std::filesystem::temp_directory_path() / "bitgauge-questions-XXXXXX").string();
        if (::mkdtemp(path_.data()) == nullptr) throw Error(ErrorKind::kEnvironment, "no folder");
    }
    ~TestFolder() { std::filesystem::remove_all(path_); }
    TestFolder(const TestFolder&) = delete;
    TestFolder& operator=(const TestFolder&) = delete;

    std::filesystem::path file(const std::string& name, const std::string& text) const {
        const std::filesystem::path path = path_ / std::filesystem::path(name);
        std::filesystem::create_directories(path.parent_path());
        write_file_atomically(path, text);
        return path;
    }
    std::filesystem::path path() const { return path_; }

  private:
    std::string path_;
};

// "no error" of kind kGate where `action` does not throw.
inline Error error_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error;
    }
    return {ErrorKind::kGate, "no error"};
}

inline bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace bitgauge
