// Which records are of these files, and whether the files are of one model.

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"

#include "base/units.h"
#include "report/card_parts.h"
#include "report/escape.h"

namespace bitgauge {
namespace {

// --- one original -------------------------------------------------------------------------------

struct Origin {
    std::string file;  // of the folder
    std::string what;  // that must be the same for all, in words
    std::string key;   // that is compared; "" where nothing is known
};

void require_one(const std::vector<Origin>& origins, const std::string& hint) {
    const Origin* first = nullptr;
    for (const Origin& origin : origins) {
        if (origin.key.empty()) continue;
        if (first == nullptr) first = &origin;
        if (origin.key == first->key) continue;
        throw Error(ErrorKind::kInput,
                    fmt::format("the files are of different originals: '{}' {}, '{}' {}",
                                first->file, first->what, origin.file, origin.what),
                    hint);
    }
}

constexpr const char* kHintFolders = "give each model's files a folder of their own";

void require_one_model(const std::vector<CardFile>& files) {
    std::vector<Origin> architectures, tokenizers, originals;
    for (const CardFile& file : files) {
        architectures.push_back({file.path,
                                 fmt::format("has the architecture {}", file.model.architecture),
                                 file.model.architecture});
        tokenizers.push_back({file.path,
                              fmt::format("has the tokenizer {}", file.tokenizer_hash.substr(0, 8)),
                              file.tokenizer_hash});
        originals.push_back({file.path,
                             fmt::format("was made from '{}' ({})", file.original_file,
                                         file.original_hash.substr(0, 8)),
                             file.original_hash});
    }
    require_one(architectures, kHintFolders);
    require_one(tokenizers, kHintFolders);
    require_one(originals, kHintFolders);
}

void require_one_original(const std::vector<MeasureRecord>& records) {
    std::vector<Origin> originals;
    for (const MeasureRecord& record : records) {
        const ModelIdentity& original = record.baseline.original;
        originals.push_back({record.model.file,
                             fmt::format("was measured against '{}' ({})", original.file,
                                         original.content_hash.substr(0, 8)),
                             original.content_hash});
    }
    require_one(originals,
                "name one of the baselines with --baseline KEY, or " + std::string(kHintFolders));
}

// --- records ------------------------------------------------------------------------------------

std::set<std::string> hashes_of(const std::vector<CardFile>& files) {
    std::set<std::string> hashes;
    for (const CardFile& file : files) hashes.insert(file.model.content_hash);
    hashes.erase("");
    return hashes;
}

// Of several over one baseline the newest.
std::vector<MeasureRecord> measured_of(const std::set<std::string>& hashes,
                                       const CardRecords& records, const std::string& baseline) {
    std::map<std::pair<std::string, std::string>, const MeasureRecord*> newest;
    for (const MeasureRecord& record : records.measured) {
        const std::string& hash = record.model.content_hash;
        if (!hashes.contains(hash) || !record.baseline.key.starts_with(baseline)) continue;
        const MeasureRecord*& known = newest[{record.baseline.key, hash}];
        if (known == nullptr || known->created_utc <= record.created_utc) known = &record;
    }
    std::vector<MeasureRecord> found;
    found.reserve(newest.size());
    for (const auto& [of, record] : newest) found.push_back(*record);
    return found;
}

std::string newest_time(const Leaderboard& board) {
    std::string time;
    for (const auto& row : board.rows) time = std::max(time, row.record.created_utc);
    return time;
}

std::vector<Leaderboard> boards_of(const std::vector<MeasureRecord>& measured) {
    std::vector<Leaderboard> boards = build_leaderboards(measured);
    std::ranges::stable_sort(boards, [](const Leaderboard& a, const Leaderboard& b) {
        if (a.rows.size() != b.rows.size()) return a.rows.size() > b.rows.size();
        return newest_time(a) > newest_time(b);
    });
    return boards;
}

std::vector<TaskReport> tasks_of(std::set<std::string> hashes, const CardView& view,
                                 const CardRecords& records) {
    std::vector<std::string> originals;
    for (const Leaderboard& board : view.boards) {
        originals.push_back(board.rows.front().record.baseline.original.content_hash);
    }
    hashes.insert(originals.begin(), originals.end());
    std::vector<TaskRecord> answered;
    for (const TaskRecord& record : records.answered) {
        if (hashes.contains(record.model.content_hash)) answered.push_back(record);
    }
    return build_task_reports(answered, originals);
}

std::vector<DriftRecord> drifts_of(const std::set<std::string>& hashes,
                                   const CardRecords& records) {
    std::vector<DriftRecord> drifted;
    for (const DriftRecord& record : records.drifted) {
        if (hashes.contains(record.model.content_hash)) drifted.push_back(record);
    }
    return drifted;
}

void sort_files(CardView& view) {
    std::ranges::stable_sort(view.files, [&](const CardFile& a, const CardFile& b) {
        const LeaderboardRow *row_a = view.row_of(a), *row_b = view.row_of(b);
        if ((row_a == nullptr) != (row_b == nullptr)) return row_a != nullptr;
        if (row_a != nullptr && row_a != row_b) return row_a < row_b;
        return a.model.size_bytes > b.model.size_bytes;
    });
}

// A page calls files what they are called in its folder.
void name_rows(CardView& view) {
    for (Leaderboard& board : view.boards) {
        for (LeaderboardRow& row : board.rows) {
            for (const CardFile& file : view.files) {
                const bool is_it = file.model.content_hash == row.record.model.content_hash;
                if (is_it) row.name = card_name(file);
            }
        }
    }
}

bool is_of_floats(const ModelIdentity& model) {
    return std::ranges::none_of(model.type_bytes, [](const auto& type) {
        const QType* known = find_type(type.first);
        return known == nullptr || known->quantized;
    });
}

}  // namespace

const LeaderboardRow* CardView::row_of(const CardFile& file) const {
    if (boards.empty() || file.model.content_hash.empty()) return nullptr;
    for (const LeaderboardRow& row : boards.front().rows) {
        if (row.record.model.content_hash == file.model.content_hash) return &row;
    }
    return nullptr;
}

const CardFile& CardView::file_of(const LeaderboardRow& row) const {
    return *std::ranges::find_if(files, [&](const CardFile& file) { return row_of(file) == &row; });
}

bool CardView::is_original(const CardFile& file) const {
    if (row_of(file) != nullptr) return false;
    if (boards.empty()) return is_of_floats(file.model);
    return boards.front().rows.front().record.baseline.original.content_hash ==
               file.model.content_hash ||
           is_of_floats(file.model);
}

std::vector<const CardFile*> CardView::not_measured() const {
    std::vector<const CardFile*> found;
    for (const CardFile& file : files) {
        if (row_of(file) == nullptr && !is_original(file)) found.push_back(&file);
    }
    return found;
}

CardView card_view(const std::vector<CardFile>& files, const CardRecords& records,
                   const CardOptions& options) {
    require_one_model(files);
    const auto hashes = hashes_of(files);
    const auto measured = measured_of(hashes, records, options.baseline);
    require_one_original(measured);
    CardView view{.files = files, .options = options};
    view.boards = boards_of(measured);
    view.tasks = tasks_of(hashes, view, records);
    view.drifted = drifts_of(hashes, records);
    add_answers(view.boards, view.tasks);
    add_drifts(view.boards, view.drifted);
    sort_files(view);
    name_rows(view);
    return view;
}

std::string card_name(const CardFile& file) {
    return printable(file.path);
}

}  // namespace bitgauge
