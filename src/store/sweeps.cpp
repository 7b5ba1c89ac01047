#include <algorithm>
#include <cassert>
#include <tuple>

#include "store/database.h"
#include "store/record_json.h"

namespace bitgauge {
namespace {

bool by_layer(const TensorCost& a, const TensorCost& b) {
    return std::tie(a.layer, a.tensor) < std::tie(b.layer, b.tensor);
}

}  // namespace

void Store::Database::put_head(const SweepTable& sweep) {
    SQLite::Statement insert(sqlite, "INSERT OR IGNORE INTO sweep VALUES (?, ?, ?, ?)");
    insert.bind(1, sweep.key);
    insert.bind(2, sweep.original.content_hash);
    insert.bind(3, sweep.created_utc);
    insert.bind(4, stored_text(to_json(sweep)));
    insert.exec();
}

void Store::Database::put_part(const char* table, const std::string& sweep_key,
                               const std::string& name, const Json& json) {
    SQLite::Statement insert(sqlite,
                             std::string("INSERT OR REPLACE INTO ") + table + " VALUES (?, ?, ?)");
    insert.bind(1, sweep_key);
    insert.bind(2, name);
    insert.bind(3, stored_text(json));
    insert.exec();
}

void Store::Database::put_tensor(const std::string& sweep_key, const TensorCost& tensor) {
    put_part("sweep_tensor", sweep_key, tensor.tensor, to_json(tensor));
}

void Store::Database::put_mix(const std::string& sweep_key, const MeasuredMix& mix) {
    put_part("sweep_mix", sweep_key, mix.name, to_json(mix));
}

std::vector<SweepTable> Store::Database::select_sweeps(const char* where,
                                                       std::string_view argument) {
    std::vector<SweepTable> sweeps;
    if (!has_sweeps()) return sweeps;
    SQLite::Statement query(
        sqlite, std::string("SELECT json FROM sweep ") + where + " ORDER BY created_utc, key");
    if (query.getBindParameterCount() > 0) query.bind(1, std::string(argument));
    while (query.executeStep()) {
        sweeps.push_back(sweep_table_from_json(stored_json(query.getColumn(0).getString())));
    }
    for (SweepTable& sweep : sweeps) add_parts(sweep);
    return sweeps;
}

void Store::Database::add_parts(SweepTable& sweep) {
    SQLite::Statement tensors(sqlite, "SELECT json FROM sweep_tensor WHERE sweep_key = ?");
    tensors.bind(1, sweep.key);
    while (tensors.executeStep()) {
        sweep.tensors.push_back(
            tensor_cost_from_json(stored_json(tensors.getColumn(0).getString())));
    }
    std::ranges::sort(sweep.tensors, by_layer);
    SQLite::Statement mixes(sqlite, "SELECT json FROM sweep_mix WHERE sweep_key = ? ORDER BY name");
    mixes.bind(1, sweep.key);
    while (mixes.executeStep()) {
        sweep.mixes.push_back(measured_mix_from_json(stored_json(mixes.getColumn(0).getString())));
    }
}

size_t Store::Database::merge(const SweepTable& sweep) {
    put_head(sweep);
    size_t taken = 0;
    for (const TensorCost& tensor : sweep.tensors) {
        SQLite::Statement query(sqlite,
                                "SELECT json FROM sweep_tensor WHERE sweep_key = ? AND tensor = ?");
        query.bind(1, sweep.key);
        query.bind(2, tensor.tensor);
        if (query.executeStep()) {
            const Json ours = stored_json(query.getColumn(0).getString());
            if (tensor_cost_from_json(ours).probes.size() >= tensor.probes.size()) continue;
        }
        put_tensor(sweep.key, tensor);
        ++taken;
    }
    for (const MeasuredMix& mix : sweep.mixes) {
        SQLite::Statement query(sqlite,
                                "SELECT count(*) FROM sweep_mix WHERE sweep_key = ? AND name = ?");
        query.bind(1, sweep.key);
        query.bind(2, mix.name);
        query.executeStep();
        if (query.getColumn(0).getInt() > 0) continue;
        put_mix(sweep.key, mix);
        ++taken;
    }
    return taken;
}

void Store::put_sweep(const SweepTable& head) {
    assert(!head.key.empty());
    guarded(database_->path, [&] { database_->put_head(head); });
}

void Store::put_tensor(std::string_view sweep_key, const TensorCost& tensor) {
    guarded(database_->path, [&] { database_->put_tensor(std::string(sweep_key), tensor); });
}

void Store::put_mix(std::string_view sweep_key, const MeasuredMix& mix) {
    guarded(database_->path, [&] { database_->put_mix(std::string(sweep_key), mix); });
}

std::optional<SweepTable> Store::find_sweep(std::string_view key) const {
    auto found =
        guarded(database_->path, [&] { return database_->select_sweeps("WHERE key = ?", key); });
    if (found.empty()) return std::nullopt;
    return std::move(found.front());
}

std::vector<SweepTable> Store::all_sweeps() const {
    return guarded(database_->path, [&] { return database_->select_sweeps("", {}); });
}

}  // namespace bitgauge
