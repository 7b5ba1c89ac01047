#pragma once

// Figures of every scored position of a shard, and rows of stored log-probabilities, as files.

#include <filesystem>
#include <span>
#include <string>

#include "eval/divergence_pass.h"

namespace bitgauge {

void write_positions(const std::filesystem::path& path, const std::string& identity,
                     const PositionValues& values);
PositionValues read_positions(const std::filesystem::path& path);

void write_log_probabilities(const std::filesystem::path& path, const std::string& identity,
                             std::span<const uint16_t> rows, size_t row_values);

}  // namespace bitgauge
