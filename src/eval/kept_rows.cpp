#include "eval/kept_rows.h"

#include <utility>

#include <fmt/format.h>

#include "bitgauge/error.h"

namespace bitgauge {

void KeptRows::add(const std::string& group, ProductRows rows) {
    const auto bytes = std::as_bytes(std::span(rows.values));
    file_.write(end_, bytes);
    Entry entry{.offset = end_, .values = rows.values.size()};
    end_ += bytes.size();
    rows.values = {};
    entry.rows = std::move(rows);
    entries_[group].push_back(std::move(entry));
}

const KeptRows::Entry& KeptRows::entry(const std::string& group, size_t call) const {
    const auto found = entries_.find(group);
    if (found == entries_.end() || call >= found->second.size()) {
        throw Error(ErrorKind::kInput,
                    fmt::format("'{}' was not multiplied with anything in call {} of the original",
                                group, call + 1),
                    "please report this with the model's architecture");
    }
    return found->second[call];
}

ProductRows KeptRows::read(const std::string& group, size_t call) const {
    const Entry& kept = entry(group, call);
    ProductRows rows = kept.rows;
    rows.values.resize(kept.values);
    file_.read(kept.offset, std::as_writable_bytes(std::span(rows.values)));
    return rows;
}

const ProductRows& KeptRows::shape(const std::string& group, size_t call) const {
    return entry(group, call).rows;
}

void KeptRows::read_row(const std::string& group, size_t call, size_t token, size_t slot,
                        std::span<float> row) const {
    const Entry& kept = entry(group, call);
    const size_t at = (token * kept.rows.slots + slot) * kept.rows.width * sizeof(float);
    file_.read(kept.offset + at, std::as_writable_bytes(row));
}

}  // namespace bitgauge
