#include "base/scripts.h"

#include <cstdlib>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/files.h"

namespace bitgauge {
namespace fs = std::filesystem;

fs::path script_path(const std::string& name) {
    std::error_code unknown;
    const fs::path program = fs::read_symlink("/proc/self/exe", unknown);
    const fs::path installed = program.parent_path().parent_path() / "share/bitgauge" / name;
    for (const fs::path& path : {installed, fs::path(BITGAUGE_SCRIPTS) / name}) {
        if (fs::exists(path, unknown)) return path;
    }
    throw Error(ErrorKind::kEnvironment,
                fmt::format("the script '{}' is neither at '{}' nor in '{}'", name,
                            installed.string(), BITGAUGE_SCRIPTS),
                "install bitgauge again, or run it from its source tree");
}

std::string script_python() {
    if (const char* chosen = std::getenv("BITGAUGE_PYTHON")) return chosen;
    const fs::path cache = cache_folder();
    std::error_code unknown;
    const fs::path own = cache / "venv/bin/python";
    return !cache.empty() && fs::exists(own, unknown) ? own.string() : "python3";
}

}  // namespace bitgauge
