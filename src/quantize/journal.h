#pragma once

// What a run had finished when it was stopped: `<file>.part.journal`, lines of JSON that are only
// ever appended. A torn last line is what a kill leaves; it is passed over.
//
//   {"scan":{...}}                   the original as it was looked at, with its sizes and times
//   {"key":"...","files":[...]}      what is being made; later lines belong to it
//   {"tensor":"...","hash":"..."}    this tensor's bytes are in the part file
//
// A hash stands for the bytes: after a crash of the machine, too, only what is really there counts.

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bitgauge/gguf.h"

#include "base/json.h"

#include "quantize/original_scan.h"

namespace bitgauge {

// Equal for the same files of an original, unchanged since, and the same limits.
std::string state_of(const GgufFile& original, const std::vector<float>& limits);

// Thread-compatible. Throws Error(kEnvironment) when it cannot be written or another process has
// it.
class Journal {
  public:
    explicit Journal(const std::filesystem::path& out);
    ~Journal();
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;

    // The scan that a run before made of an original in this state.
    std::optional<OriginalScan> scan_of(const std::string& state, size_t tensors) const;
    void keep_scan(const std::string& state, const OriginalScan& scan);

    // The tensors that a run with the same key had finished, with their hashes. Nothing where there
    // was none: then part files of other keys are removed, and what stands in the others is void.
    std::optional<std::map<std::string, std::string>> begin(
        const std::string& key, const std::vector<std::filesystem::path>& files);
    void add(const std::string& tensor, const std::string& hash);

    void remove();
    // After an error: removed, unless it is what an earlier run left and this one never began.
    void give_up();

  private:
    void read_what_is_there();
    void take(const Json& line);
    void append(const std::string& line);
    void forget_other_files(const std::vector<std::filesystem::path>& files) const;

    std::filesystem::path out_;
    std::filesystem::path path_;
    int descriptor_ = -1;
    bool begun_ = false;
    std::string scan_state_;
    std::optional<OriginalScan> scan_;
    std::string key_;
    std::vector<std::string> files_;
    std::map<std::string, std::string> finished_;
};

}  // namespace bitgauge
