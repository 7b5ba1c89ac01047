#include <fstream>

#include <fmt/format.h>

#include "bitgauge/engine.h"
#include "bitgauge/version.h"

#include "engine/llama_log.h"

#include <ggml-backend.h>
#include <ggml.h>
#include <llama.h>

namespace bitgauge {
namespace {

std::string device_list() {
    std::string list;
    for (size_t i = 0; i < ggml_backend_dev_count(); ++i) {
        ggml_backend_dev_t device = ggml_backend_dev_get(i);
        if (ggml_backend_dev_type(device) == GGML_BACKEND_DEVICE_TYPE_CPU) continue;
        list += fmt::format("{}{}: {}", list.empty() ? "" : ", ", ggml_backend_dev_name(device),
                            ggml_backend_dev_description(device));
    }
    return list.empty() ? "CPU" : list;
}

std::string cpu_name() {
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);) {
        if (line.rfind("model name", 0) != 0) continue;
        const size_t colon = line.find(": ");
        if (colon != std::string::npos) return line.substr(colon + 2);
    }
    return "unknown";
}

}  // namespace

EngineDescription describe_engine() {
    start_libllama();
    return {.llama = llama_version(),
            .ggml = fmt::format("{} ({})", ggml_version(), ggml_commit()),
            .backend = device_list(),
            .cpu = cpu_name()};
}

BuildIdentity build_identity(const EngineOptions& options) {
    const EngineDescription engine = describe_engine();
    return {.bitgauge = kVersion,
            .llama = engine.llama,
            .ggml = engine.ggml,
            .backend = engine.backend,
            .cpu = engine.cpu,
            .threads = resolve_threads(options.threads)};
}

}  // namespace bitgauge
