// Importance files from arbitrary bytes, in either format: read or refused with Error, never
// anything else; every entry's values can be had; sums can be added.
// Good seeds are small files of both formats.

#include <cstddef>
#include <cstdint>
#include <string>

#include "bitgauge/error.h"
#include "bitgauge/importance.h"

#include "importance/importance_sums.h"
#include "memory_file.h"

namespace {

void read_all(const std::string& path) {
    using bitgauge::UnseenExperts;
    const auto importance = bitgauge::Importance::read(path);
    require(!importance.entries().empty());
    for (const auto& entry : importance.entries()) {
        require(importance.find(entry.tensor) == &entry);
        for (const auto unseen : {UnseenExperts::kPlain, UnseenExperts::kMean}) {
            require(importance.mean_squares(entry, unseen).size() == entry.values);
        }
    }
}

void add_to_itself(const std::string& path) {
    const auto sums = bitgauge::read_importance_sums(path);
    auto twice = sums;
    bitgauge::merge(twice, sums, "itself");
    for (const auto& [tensor, group] : sums.tensors) {
        const auto& once = sums.groups[group];
        require(once.sums.size() == once.channels * once.matrices);
        require(once.counts.size() == 1 || once.counts.size() == once.matrices);
        for (size_t i = 0; i < once.counts.size(); ++i) {
            require(twice.of(tensor).counts[i] == 2 * once.counts[i]);
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const MemoryFile file({reinterpret_cast<const char*>(data), size});
    try {
        read_all(file.path());
    } catch (const bitgauge::Error&) {
    }
    try {
        add_to_itself(file.path());
    } catch (const bitgauge::Error&) {
    }
    return 0;
}
