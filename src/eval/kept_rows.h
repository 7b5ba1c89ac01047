#pragma once

// Inputs of a layer's products on the disk (which is memory as long as there is some), to be read
// again beside those of another run of the same text.

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/positioned_file.h"
#include "eval/product_rows.h"

namespace bitgauge {

// add() is thread-compatible, the rest thread-safe. Gone with the object. Error(kEnvironment) when
// the disk is full.
class KeptRows {
  public:
    explicit KeptRows(const std::filesystem::path& path) : file_(path, Earlier::kErase) {}
    ~KeptRows() { file_.discard(); }
    KeptRows(const KeptRows&) = delete;
    KeptRows& operator=(const KeptRows&) = delete;

    // The next call's.
    void add(const std::string& group, ProductRows rows);
    // The rows of that call, counted from 0. Error(kInput) when there was none.
    ProductRows read(const std::string& group, size_t call) const;
    // The same without values.
    const ProductRows& shape(const std::string& group, size_t call) const;
    // One of its rows.
    void read_row(const std::string& group, size_t call, size_t token, size_t slot,
                  std::span<float> row) const;

  private:
    struct Entry {
        ProductRows rows;  // without values
        uint64_t offset = 0;
        size_t values = 0;
    };
    const Entry& entry(const std::string& group, size_t call) const;

    ResumableFile file_;
    uint64_t end_ = 0;
    std::map<std::string, std::vector<Entry>> entries_;
};

}  // namespace bitgauge
