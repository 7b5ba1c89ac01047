#include "cli/importance_report.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <numeric>

#include <fmt/format.h>

#include "base/units.h"

namespace bitgauge {
namespace {

constexpr size_t kMostLines = 20;  // of a list; JSON has all

std::string percent(double share) {
    return fmt::format("{:.2f}", 100 * share);
}

// --- the file -----------------------------------------------------------------------------------

std::string source_text(const SourceText& source) {
    const char* state = nullptr;
    switch (source.state) {
        case SourceText::State::kSame:
            state = "there, unchanged";
            break;
        case SourceText::State::kUnchecked:
            state = "there; what it held is not recorded";
            break;
        case SourceText::State::kChanged:
            state = "there, but with another content";
            break;
        case SourceText::State::kGone:
            state = "not there";
            break;
    }
    return fmt::format("{} ({})", source.path, state);
}

std::string windows_text(const Importance& file) {
    if (file.chunks() == 0) return "";
    if (file.chunk_size() == 0) return format_count(static_cast<uint64_t>(file.chunks()));
    return fmt::format("{} of {} tokens", format_count(static_cast<uint64_t>(file.chunks())),
                       file.chunk_size());
}

std::string made_by_text(const ImportanceProvenance& made) {
    if (made.bitgauge.empty()) return "";
    return made.llama.empty() ? fmt::format("bitgauge {}", made.bitgauge)
                              : fmt::format("bitgauge {}, llama.cpp {}", made.bitgauge, made.llama);
}

std::string strata_text(const ImportanceProvenance& made) {
    std::vector<std::string> all;
    for (const auto& stratum : made.strata) {
        all.push_back(
            fmt::format("{}: {}, {}, {}", stratum.name, counted(stratum.documents, "document"),
                        counted(stratum.windows, "window"), counted(stratum.tokens, "token")));
    }
    return fmt::format("{}", fmt::join(all, "; "));
}

void put_file(const ImportanceReport& report, Page& page) {
    const Importance& file = *report.file;
    page.title(file.path().filename().string());
    page.fact("format", file.is_gguf() ? "GGUF" : "the older one (.dat), which counts no tokens");
    page.fact("made by", made_by_text(file.made()));
    page.fact("of", file.made().model);
    page.fact("audited for", report.model);
    page.fact("protocol", file.made().protocol);
    page.fact("windows", windows_text(file));
    for (const SourceText& source : report.sources) page.fact("text", source_text(source));
    page.fact("strata", strata_text(file.made()));
    page.fact("covers", fmt::format("{} of {} tensors to encode",
                                    report.to_encode - report.audit.missing.size() -
                                        report.audit.mismatched.size(),
                                    report.to_encode));
}

// --- what is wrong ------------------------------------------------------------------------------

// The first lines, and how many more there are.
void put_list(const std::string& heading, const std::vector<std::string>& lines, Page& page) {
    if (lines.empty()) return;
    page.heading(fmt::format("{}: {}", heading, format_count(lines.size())));
    for (size_t i = 0; i < lines.size() && i < kMostLines; ++i) page.item(lines[i]);
    if (lines.size() > kMostLines) {
        page.item(fmt::format("... and {} more; --json names all",
                              format_count(lines.size() - kMostLines)));
    }
}

bool is_measured_on_request(const std::string& tensor) {
    return tensor == "output.weight" || tensor.find("token_embd") != std::string::npos;
}

// The 12 of "blk.12.attn_q.weight".
int64_t layer_number(const std::string& tensor) {
    return tensor.starts_with("blk.") ? std::strtoll(tensor.c_str() + 4, nullptr, 10) : -1;
}

// Why a tensor may be missing; "" where nothing is known to excuse it.
std::string missing_reason(const std::string& tensor, int64_t first_prediction) {
    if (is_measured_on_request(tensor)) return "measured on request only";
    if (first_prediction < 0 || layer_number(tensor) < first_prediction) return "";
    if (tensor.find(".embed_tokens") != std::string::npos) return "looked up, not multiplied";
    if (layer_number(tensor) > first_prediction)
        return "only the first prediction layer can be measured";
    return tensor.find(".shared_head_head") != std::string::npos
               ? "a prediction layer's head, measured with --nextn --process-output"
               : "a prediction layer, measured with --nextn where libllama can";
}

std::vector<std::string> missing_lines(const ImportanceReport& report) {
    std::vector<std::string> lines;
    for (const std::string& name : report.audit.missing) {
        const std::string reason = missing_reason(name, report.first_prediction);
        lines.push_back(reason.empty() ? name : fmt::format("{} ({})", name, reason));
    }
    return lines;
}

std::vector<std::string> mismatch_lines(const ImportanceAudit& audit) {
    std::vector<std::string> lines;
    for (const auto& one : audit.mismatched) {
        lines.push_back(
            fmt::format("{}: {} values, expected {}", one.tensor, one.values, one.channels));
    }
    return lines;
}

std::vector<std::string> bad_lines(const ImportanceContents& contents) {
    std::vector<std::string> lines;
    for (const BadImportance& bad : contents.bad) {
        lines.push_back(fmt::format("{}: {}, the first {} in matrix {}, channel {}", bad.tensor,
                                    counted(bad.values, "value"), bad.value, bad.matrix,
                                    bad.channel));
    }
    return lines;
}

// "blk.3." of "blk.3.ffn_up_exps.weight".
std::string layer_of(const std::string& tensor) {
    return tensor.substr(
        0, tensor.size() - tensor_role(tensor).size() - (tensor.ends_with(".weight") ? 7 : 0));
}

// An expert's gate, up and down see the same tokens: one line for all.
std::vector<std::string> rare_lines(const std::vector<RareExpert>& rare) {
    struct Line {
        std::string text;
        std::vector<std::string> also;
    };
    std::vector<Line> lines;
    std::map<std::string, size_t> known;
    for (const RareExpert& one : rare) {
        const std::string key = fmt::format("{} {} {}", layer_of(one.tensor), one.expert, one.rows);
        const auto [at, is_new] = known.try_emplace(key, lines.size());
        if (!is_new) {
            lines[at->second].also.push_back(tensor_role(one.tensor));
            continue;
        }
        lines.push_back(
            {fmt::format("{} expert {}: {}, {} %", one.tensor, one.expert,
                         counted(static_cast<uint64_t>(std::max<int64_t>(0, one.rows)), "token"),
                         percent(one.share)),
             {}});
    }
    std::vector<std::string> texts;
    texts.reserve(lines.size());
    for (const Line& line : lines) {
        texts.push_back(line.also.empty()
                            ? line.text
                            : fmt::format("{} (also {})", line.text, fmt::join(line.also, ", ")));
    }
    return texts;
}

// --- tables -------------------------------------------------------------------------------------

// Tensors of one role, in order of first appearance.
template <class Item>
std::vector<std::pair<std::string, std::vector<const Item*>>> by_role(
    const std::vector<Item>& items) {
    std::vector<std::pair<std::string, std::vector<const Item*>>> roles;
    for (const Item& item : items) {
        const std::string role = tensor_role(item.tensor);
        auto at = std::ranges::find(roles, role, [](const auto& one) { return one.first; });
        if (at == roles.end()) at = roles.insert(roles.end(), {role, {}});
        at->second.push_back(&item);
    }
    return roles;
}

std::string tokens_text(int64_t rows) {
    return format_count(static_cast<uint64_t>(std::max<int64_t>(0, rows)));
}

std::vector<std::string> coverage_row(const std::string& role,
                                      const std::vector<const ImportanceCoverage*>& tensors,
                                      int64_t fewest) {
    std::vector<int64_t> rows;
    double effective = 0;
    double all = 0;
    for (const ImportanceCoverage* tensor : tensors) {
        rows.insert(rows.end(), tensor->rows.begin(), tensor->rows.end());
        effective += tensor->effective_rows;
        all += static_cast<double>(tensor->all_rows);
    }
    std::ranges::sort(rows);
    const bool experts = tensors.front()->rows.size() > 1;
    const auto below = [&](int64_t limit) {
        return format_count(
            static_cast<uint64_t>(std::ranges::lower_bound(rows, limit) - rows.begin()));
    };
    return {role,
            format_count(tensors.size()),
            experts ? format_count(tensors.front()->rows.size()) : "-",
            tokens_text(rows.front()),
            tokens_text(std::midpoint(rows[(rows.size() - 1) / 2], rows[rows.size() / 2])),
            tokens_text(rows.back()),
            all > 0 ? percent(effective / all) : "-",
            experts ? below(1) : "-",
            experts ? below(fewest) : "-"};
}

void put_coverage(const ImportanceReport& report, Page& page) {
    if (report.audit.coverage.empty()) return;
    page.heading("tokens per tensor, or per expert of it");
    Grid grid{{{"role", "", true, ""},
               {"tensors", "", false, ""},
               {"experts", "each", false, ""},
               {"fewest", "tokens", false, ""},
               {"median", "tokens", false, ""},
               {"most", "tokens", false, ""},
               {"effective", "%", false, ""},
               {"unseen", "experts", false, ""},
               {fmt::format("below {}", report.fewest_tokens), "experts", false, ""}},
              {}};
    for (const auto& [role, tensors] : by_role(report.audit.coverage)) {
        grid.rows.push_back(coverage_row(role, tensors, report.fewest_tokens));
    }
    page.table(grid);
}

std::vector<std::string> energy_row(const std::string& role,
                                    const std::vector<const ImportanceEnergy*>& tensors) {
    ImportanceEnergy sum;
    double largest = 0;
    double fewest = tensors.front()->effective_channels;
    for (const ImportanceEnergy* tensor : tensors) {
        sum.top_share += tensor->top_share;
        sum.effective_channels += tensor->effective_channels;
        sum.silent += tensor->silent;
        largest = std::max(largest, tensor->top_share);
        fewest = std::min(fewest, tensor->effective_channels);
    }
    const auto n = static_cast<double>(tensors.size());
    return {role,
            format_count(tensors.size()),
            format_count(tensors.front()->channels),
            percent(sum.top_share / n),
            percent(largest),
            fmt::format("{:.1f}", sum.effective_channels / n),
            fmt::format("{:.1f}", fewest),
            format_count(sum.silent)};
}

void put_energy(const ImportanceReport& report, Page& page) {
    if (report.contents.energy.empty()) return;
    page.heading("energy: how unevenly input channels carry the mean square");
    Grid grid{{{"role", "", true, ""},
               {"tensors", "", false, ""},
               {"channels", "", false, ""},
               {"in the top 1 %", "%", false, ""},
               {"at most", "%", false, ""},
               {"effective", "channels", false, ""},
               {"at least", "channels", false, ""},
               {"silent", "channels", false, ""}},
              {}};
    for (const auto& [role, tensors] : by_role(report.contents.energy)) {
        grid.rows.push_back(energy_row(role, tensors));
    }
    page.table(grid);
}

void put_overlaps(const ImportanceReport& report, Page& page) {
    if (report.overlaps.empty()) return;
    page.heading(
        fmt::format("runs of {} words that stand in the importance text, too", report.gram_words));
    for (const OverlapWithText& one : report.overlaps) {
        page.item(fmt::format("{}: {} % ({} of {})", one.name, percent(one.overlap.share),
                              format_count(one.overlap.shared), format_count(one.overlap.grams)));
        for (const std::string& example : one.overlap.examples) page.quote(example);
    }
}

}  // namespace

std::string importance_text(const ImportanceReport& report, Page::Form form) {
    Page page(form);
    put_file(report, page);
    put_list("missing", missing_lines(report), page);
    put_list("with another number of values", mismatch_lines(report.audit), page);
    put_list("not in the model", report.audit.strangers, page);
    put_list("not finite or negative", bad_lines(report.contents), page);
    put_coverage(report, page);
    put_list(fmt::format("experts with fewer than {} tokens", report.fewest_tokens),
             rare_lines(report.rare), page);
    put_energy(report, page);
    put_overlaps(report, page);
    return page.text();
}

}  // namespace bitgauge
