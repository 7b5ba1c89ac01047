#include "importance/importance_accumulator.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "stats/square_sums.h"

namespace bitgauge {
namespace {

using Group = ImportanceSums::Group;
using Rows = std::vector<const float*>;

constexpr const char* kReport = "please report this with the model's architecture";

std::span<double> sums_of(Group& group, size_t matrix) {
    return std::span(group.sums).subspan(matrix * group.channels, group.channels);
}

const float* row_at(const Activation& x, uint64_t i1, uint64_t i2, uint64_t i3) {
    const auto* bytes = static_cast<const std::byte*>(x.data);
    return reinterpret_cast<const float*>(bytes + i1 * x.strides[1] + i2 * x.strides[2] +
                                          i3 * x.strides[3]);
}

int32_t expert_at(const Routing& ids, uint64_t slot, uint64_t token) {
    int32_t expert = 0;
    std::memcpy(
        &expert,
        static_cast<const std::byte*>(ids.data) + slot * ids.slot_stride + token * ids.token_stride,
        sizeof(expert));
    return expert;
}

void require_rows(const std::string& tensor, const Activation& x) {
    const bool aligned =
        std::ranges::all_of(x.strides, [](uint64_t bytes) { return bytes % sizeof(float) == 0; });
    if (x.strides[0] == sizeof(float) && aligned && x.shape[0] > 0) return;
    throw Error(ErrorKind::kInput,
                fmt::format("the input of '{}' is no rows of F32: {} channels, {} bytes apart",
                            tensor, x.shape[0], x.strides[0]),
                kReport);
}

// Found out now, not when hours of measuring are to be written.
void require_short_name(const std::string& tensor) {
    if (tensor.size() <= kLongestImportanceName) return;
    throw Error(ErrorKind::kInput,
                fmt::format("the name '{}' has {} bytes; importance files hold at most {}", tensor,
                            tensor.size(), kLongestImportanceName),
                "give the tensor a shorter name");
}

void require_shape(const std::string& tensor, const Group& group, uint64_t channels,
                   uint64_t matrices, size_t counts) {
    if (group.channels == channels && group.matrices == matrices && group.counts.size() == counts) {
        return;
    }
    throw Error(ErrorKind::kInput,
                fmt::format("'{}' has {} channels in {} matrices with {} counts, expected {} in {} "
                            "with {}",
                            tensor, channels, matrices, counts, group.channels, group.matrices,
                            group.counts.size()),
                "measure importance on one model only");
}

void require_finite(const std::string& tensor, std::span<const double> sums) {
    if (all_finite(sums)) return;
    const auto bad = std::ranges::find_if(sums, [](double sum) { return !std::isfinite(sum); });
    throw Error(ErrorKind::kNotFinite,
                fmt::format("the input of '{}' holds NaN or infinity in channel {}", tensor,
                            bad - sums.begin()),
                "the model gives no finite numbers on this text or device");
}

// The rows that each expert took, one expert after the other, in the order of the tokens.
struct RoutedRows {
    Rows rows;
    std::vector<size_t> begin;  // of each expert, and the end
};

void require_routing(const std::string& tensor, const Activation& x, const Routing& ids) {
    if (x.shape[1] > 0 && x.shape[2] == ids.tokens && x.shape[3] == 1) return;
    throw Error(ErrorKind::kInput,
                fmt::format("the input of '{}' has {} x {} x {} rows for {} tokens", tensor,
                            x.shape[1], x.shape[2], x.shape[3], ids.tokens),
                kReport);
}

std::vector<size_t> first_of_each(const std::string& tensor, uint64_t experts, const Routing& ids) {
    std::vector<size_t> begin(experts + 1);
    for (uint64_t token = 0; token < ids.tokens; ++token) {
        for (uint64_t slot = 0; slot < ids.slots; ++slot) {
            const int32_t expert = expert_at(ids, slot, token);
            if (expert < 0 || static_cast<uint64_t>(expert) >= experts) {
                throw Error(
                    ErrorKind::kInput,
                    fmt::format("'{}' was routed to expert {}, it has {}", tensor, expert, experts),
                    kReport);
            }
            ++begin[static_cast<size_t>(expert) + 1];
        }
    }
    std::partial_sum(begin.begin(), begin.end(), begin.begin());
    return begin;
}

RoutedRows sort_by_expert(const std::string& tensor, uint64_t experts, const Activation& x,
                          const Routing& ids) {
    RoutedRows routed{.rows = {}, .begin = first_of_each(tensor, experts, ids)};
    routed.rows.resize(routed.begin.back());
    std::vector<size_t> next = routed.begin;
    for (uint64_t token = 0; token < ids.tokens; ++token) {
        for (uint64_t slot = 0; slot < ids.slots; ++slot) {
            const auto expert = static_cast<size_t>(expert_at(ids, slot, token));
            routed.rows[next[expert]++] = row_at(x, slot % x.shape[1], token, 0);
        }
    }
    return routed;
}

}  // namespace

ImportanceAccumulator::ImportanceAccumulator(ImportanceSums start)
    : sums_(std::move(start)), progress_(sums_.groups.size()), waiting_(sums_.tensors) {}

void ImportanceAccumulator::add(const ImportanceWeight& weight, const Activation& x) {
    require_rows(weight.name, x);
    const uint64_t matrices = weight.matrices * weight.stacks;
    Group& group = begin_batch(weight, x.shape[0], 1);
    Rows rows(x.shape[1]);
    for (uint64_t i3 = 0; i3 < x.shape[3]; ++i3) {
        for (uint64_t i2 = 0; i2 < x.shape[2]; ++i2) {
            for (uint64_t i1 = 0; i1 < rows.size(); ++i1) rows[i1] = row_at(x, i1, i2, i3);
            add_squares(
                rows, sums_of(group, i3 % weight.stacks * weight.matrices + i2 % weight.matrices));
        }
    }
    group.counts[0] += static_cast<int64_t>(x.shape[1] * x.shape[2] * x.shape[3] / matrices);
    require_finite(weight.name, group.sums);
}

void ImportanceAccumulator::add_routed(const ImportanceWeight& weight, const Activation& x,
                                       const Routing& ids) {
    require_rows(weight.name, x);
    require_routing(weight.name, x, ids);
    const RoutedRows routed = sort_by_expert(weight.name, weight.matrices, x, ids);
    Group& group = begin_batch(weight, x.shape[0], weight.matrices);
    for (size_t expert = 0; expert < weight.matrices; ++expert) {
        const size_t count = routed.begin[expert + 1] - routed.begin[expert];
        if (count == 0) continue;
        const auto sums = sums_of(group, expert);
        add_squares(std::span(routed.rows).subspan(routed.begin[expert], count), sums);
        group.counts[expert] += static_cast<int64_t>(count);
        require_finite(weight.name, sums);
    }
}

void ImportanceAccumulator::share(const ImportanceWeight& weight, const std::string& leader) {
    require_short_name(weight.name);
    const size_t index = begun_group(leader);
    const Group& group = sums_.groups[index];
    require_shape(weight.name, group, group.channels, weight.matrices * weight.stacks,
                  group.counts.size() == 1 ? 1 : weight.matrices);
    join(weight.name, index);
    ++progress_[index].claims;
}

void ImportanceAccumulator::require_complete() const {
    for (size_t group = 0; group < progress_.size(); ++group) require_all_shared(group);
}

ImportanceSums::Group& ImportanceAccumulator::begin_batch(const ImportanceWeight& weight,
                                                          uint64_t channels, size_t counts) {
    const uint64_t matrices = weight.matrices * weight.stacks;
    const size_t index = group_led_by(weight.name);
    require_all_shared(index);
    Group& group = sums_.groups[index];
    if (group.sums.empty()) {
        group = {.channels = channels,
                 .matrices = matrices,
                 .sums = std::vector<double>(channels * matrices),
                 .counts = std::vector<int64_t>(counts)};
    }
    require_shape(weight.name, group, channels, matrices, counts);
    ++progress_[index].batches;
    progress_[index].claims = 1;
    return group;
}

size_t ImportanceAccumulator::group_led_by(const std::string& tensor) {
    if (const auto waiting = waiting_.find(tensor); waiting != waiting_.end()) {
        return continued_group(tensor, waiting->second);
    }
    require_short_name(tensor);
    const auto [known, is_new] = sums_.tensors.try_emplace(tensor, sums_.groups.size());
    if (is_new) {
        progress_[new_group()] = {.leader = tensor, .members = 1};
    } else if (progress_[known->second].leader != tensor) {
        throw Error(ErrorKind::kInput,
                    fmt::format("'{}' shared the input of '{}', and now it does not", tensor,
                                progress_[known->second].leader),
                    kReport);
    }
    return known->second;
}

size_t ImportanceAccumulator::begun_group(const std::string& leader) const {
    const auto known = sums_.tensors.find(leader);
    const bool begun = known != sums_.tensors.end() && progress_[known->second].leader == leader;
    if (begun) return known->second;
    throw Error(ErrorKind::kInput, fmt::format("no input of '{}' was there to be shared", leader),
                kReport);
}

// Sums that only this tensor has are gone on with; a copy of those that others may still need.
size_t ImportanceAccumulator::continued_group(const std::string& tensor, size_t origin) {
    const auto users =
        std::ranges::count_if(waiting_, [&](const auto& one) { return one.second == origin; });
    const size_t group = users == 1 ? origin : new_group();
    if (group != origin) sums_.groups[group] = sums_.groups[origin];
    progress_[group] = {.leader = tensor, .origin = origin, .members = 1};
    sums_.tensors[tensor] = group;
    waiting_.erase(tensor);
    return group;
}

size_t ImportanceAccumulator::new_group() {
    sums_.groups.emplace_back();
    progress_.emplace_back();
    return sums_.groups.size() - 1;
}

void ImportanceAccumulator::join(const std::string& tensor, size_t group) {
    const auto known = sums_.tensors.find(tensor);
    const auto waiting = waiting_.find(tensor);
    const bool is_new = known == sums_.tensors.end();
    const size_t origin = waiting == waiting_.end() ? kNone : waiting->second;
    if (!is_new && known->second == group && tensor != progress_[group].leader) return;
    const bool may_join = (is_new || origin != kNone) && progress_[group].origin == origin &&
                          progress_[group].batches == 1;
    if (!may_join) {
        throw Error(ErrorKind::kInput,
                    fmt::format("'{}' shares the input of '{}', and earlier it did not", tensor,
                                progress_[group].leader),
                    kReport);
    }
    if (origin != kNone) leave_origin(tensor);
    sums_.tensors[tensor] = group;
    ++progress_[group].members;
}

void ImportanceAccumulator::leave_origin(const std::string& tensor) {
    const size_t origin = waiting_.at(tensor);
    waiting_.erase(tensor);
    const bool last =
        std::ranges::none_of(waiting_, [&](const auto& one) { return one.second == origin; });
    if (last) sums_.groups[origin] = {};
}

void ImportanceAccumulator::require_all_shared(size_t group) const {
    const Progress& progress = progress_[group];
    if (progress.batches == 0 || progress.claims == progress.members) return;
    throw Error(ErrorKind::kInput,
                fmt::format("{} of {} tensors shared the input of '{}' in the last batch",
                            progress.claims, progress.members, progress.leader),
                kReport);
}

}  // namespace bitgauge
