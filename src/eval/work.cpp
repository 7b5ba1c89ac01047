#include "eval/work.h"

#include "bitgauge/eval.h"

#include "base/files.h"
#include "engine/model_trial.h"
#include "eval/gain_pass.h"
#include "eval/importance_pass.h"
#include "eval/rounding_pass.h"
#include "eval/speed_job.h"
#include "eval/stage_way.h"
#include "eval/variant_pass.h"

namespace bitgauge {
namespace fs = std::filesystem;

Json do_eval_job(const Json& job, Progress& progress) {
    if (job.at("job") == kCutCheckJob) return do_cut_check(job);
    if (job.at("job") == kVariantsJob) {
        capture_variants(variants_job_from_json(job), progress);
        return Json::object();
    }
    if (job.at("job") == kImportanceJob) {
        measure_sums(importance_job_from_json(job), progress);
        return Json::object();
    }
    if (job.at("job") == kGainJob) return find_gains(gain_job_from_json(job), progress);
    if (job.at("job") == kSpeedJob) {
        return {{"seconds", time_in_turns(speed_job_from_json(job), progress)}};
    }
    if (job.at("job") == kRoundingJob) {
        return {{"tensors", round_in_order(rounding_job_from_json(job), progress)}};
    }
    if (job.at("job") == kTrialJob) return do_model_trial(job);
    return to_json(capture(capture_job_from_json(job), progress));
}

Json run_job(const Json& job, const fs::path& folder, const Isolation& isolation,
             Progress& progress) {
    return run_job(job, folder, isolation, progress, do_eval_job);
}

CaptureReport run_capture(CaptureJob job, const Isolation& isolation, Progress& progress) {
    make_folder(job.out);
    job.way = choose_way(job.model, job.shape, job.engine, isolation, job.out, progress);
    CaptureReport report =
        capture_report_from_json(run_job(to_json(job), job.out, isolation, progress));
    report.evaluation = job.way.text;
    return report;
}

int run_worker(const fs::path& job_file, Progress& progress) {
    return run_worker(job_file, progress, do_eval_job);
}

}  // namespace bitgauge
