#include "eval/stage_way.h"

#include <algorithm>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/hardware.h"

#include "base/files.h"
#include "base/units.h"
#include "engine/cut_check.h"
#include "eval/work.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

class Chooser {
  public:
    Chooser(const fs::path& model, const PassShape& shape, const EngineOptions& engine,
            const MemoryRoom& room)
        : path_(model),
          engine_(engine),
          wish_{.stages = engine.stages > 0 ? static_cast<uint32_t>(engine.stages) : 0},
          staged_(model, engine, wish_),
          need_(evaluation_memory(staged_.anatomy().file(), shape.window_tokens, shape.sequences,
                                  shape.ubatch_tokens)),
          room_(room) {
        if (!engine.single_precision) return;
        need_.weights = 0;
        for (size_t i = 0; i < staged_.stages(); ++i) need_.weights += staged_.weight_bytes(i);
    }

    bool fits() const { return need_.total() <= room_.bytes; }
    bool wants_stages() const { return engine_.stages > 0 || !fits(); }

    StageWay whole(const std::string& why, Progress& progress) const {
        progress.warn(fmt::format("{} is evaluated as a whole: {}{}", path_.filename().string(),
                                  why,
                                  fits() ? ""
                                         : "; it does not fit in memory, so its weights are "
                                           "read from the disk over and over"));
        return {.text = "whole: " + why};
    }

    std::string why_not_cut() const { return staged_.plan().whole; }

    void require_room_for_one() const {
        const uint64_t needed = largest_stages().first + beside_weights();
        if (needed > room_.bytes) refuse(needed);
    }

    StageWay staged(const CutCheck& check) const {
        return {.staged = true,
                .stages = wish_.stages,
                .two_resident = largest_stages().second + beside_weights() <= room_.bytes,
                .forget_pages = !fits(),
                .text = fmt::format("{} stages: {}", staged_.stages(), check.how)};
    }

    std::string check_key() const { return cut_check_key(staged_, fits()); }

    Json check_job() const {
        return {{"job", kCutCheckJob},        {"model", path_.string()},
                {"stages", wish_.stages},     {"whole_fits", fits()},
                {"threads", engine_.threads}, {"gpu_layers", engine_.gpu_layers}};
    }

  private:
    uint64_t beside_weights() const {
        return need_.context() / staged_.stages() + need_.compute + need_.scores;
    }

    // The largest stage and the two neighbours that are largest together.
    std::pair<uint64_t, uint64_t> largest_stages() const {
        uint64_t one = 0, two = 0, before = 0;
        for (size_t i = 0; i < staged_.stages(); ++i) {
            const uint64_t bytes = staged_.weight_bytes(i);
            one = std::max(one, bytes);
            two = std::max(two, before + bytes);
            before = bytes;
        }
        return {one, two};
    }

    [[noreturn]] void refuse(uint64_t needed) const {
        const StagedModel smallest(path_, engine_, {});
        const bool more = smallest.stages() > staged_.stages();
        throw Error(ErrorKind::kEnvironment,
                    fmt::format("the largest of {} stages of '{}' needs {}, {} leaves {}",
                                staged_.stages(), path_.string(), format_bytes(needed),
                                room_.bound_by, format_bytes(room_.bytes)),
                    more ? fmt::format("--stages {} makes them smaller", smallest.stages())
                         : "fewer tokens per call (--ubatch) or a shorter window need less");
    }

    fs::path path_;
    EngineOptions engine_;
    StageChoice wish_;
    StagedModel staged_;
    EvaluationMemory need_;
    MemoryRoom room_;
};

Json check_to_json(const CutCheck& check) {
    return {{"same", check.same}, {"how", check.how}};
}

CutCheck check_from_json(const Json& json) {
    return {.same = json.at("same"), .how = json.at("how")};
}

fs::path kept_check(const std::string& key) {
    const fs::path cache = cache_folder();
    return cache.empty() ? fs::path() : cache / "cuts" / (key + ".json");
}

std::optional<CutCheck> earlier_check(const fs::path& kept) {
    if (kept.empty() || !fs::exists(kept)) return std::nullopt;
    try {
        return check_from_json(Json::parse(read_text_file(kept)));
    } catch (const Json::exception&) {
        return std::nullopt;  // damaged: as good as none
    }
}

// A cache that cannot be written costs a check next time, nothing else.
void keep_check(const fs::path& kept, const CutCheck& check) {
    if (kept.empty()) return;
    try {
        make_folder(kept.parent_path());
        write_file_atomically(kept, check_to_json(check).dump());
    } catch (const Error&) {
        return;
    }
}

CutCheck checked(const Chooser& chooser, const Isolation& isolation, const fs::path& scratch,
                 Progress& progress) {
    const fs::path kept = kept_check(chooser.check_key());
    if (const auto earlier = earlier_check(kept)) return *earlier;
    CutCheck check;
    try {
        check = check_from_json(run_job(chooser.check_job(), scratch, isolation, progress));
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::kInput) throw;
        check.how = error.what();  // libllama refused a stage, or ended the child
    }
    keep_check(kept, check);
    return check;
}

}  // namespace

StageWay choose_way(const fs::path& model, const PassShape& shape, const EngineOptions& engine,
                    const Isolation& isolation, const fs::path& scratch, Progress& progress,
                    const MemoryRoom& room) {
    if (engine.stages == kStagesOff) return {.text = "whole, as asked for"};
    const Chooser chooser(model, shape, engine, room);
    if (!chooser.wants_stages()) return {};
    if (engine.stages == 1) return {.text = "whole, as asked for"};
    if (!chooser.why_not_cut().empty()) return chooser.whole(chooser.why_not_cut(), progress);
    chooser.require_room_for_one();
    const CutCheck check = checked(chooser, isolation, scratch, progress);
    return check.same ? chooser.staged(check) : chooser.whole(check.how, progress);
}

Json do_cut_check(const Json& job) {
    const EngineOptions engine{.threads = job.at("threads"), .gpu_layers = job.at("gpu_layers")};
    return check_to_json(check_cut(job.at("model").get<std::string>(), engine,
                                   {.stages = job.at("stages")}, job.at("whole_fits")));
}

}  // namespace bitgauge
