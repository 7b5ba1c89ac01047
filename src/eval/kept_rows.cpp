#include "eval/kept_rows.h"

#include <span>
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

ProductRows KeptRows::read(const std::string& group, size_t call) const {
    const auto found = entries_.find(group);
    if (found == entries_.end() || call >= found->second.size()) {
        throw Error(ErrorKind::kInput,
                    fmt::format("'{}' was not multiplied with anything in call {} of the original",
                                group, call + 1),
                    "please report this with the model's architecture");
    }
    const Entry& entry = found->second[call];
    ProductRows rows = entry.rows;
    rows.values.resize(entry.values);
    file_.read(entry.offset, std::as_writable_bytes(std::span(rows.values)));
    return rows;
}

}  // namespace bitgauge
