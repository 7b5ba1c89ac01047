#include "cli/scratch_folder.h"

#include <stdlib.h>
#include <string>
#include <system_error>

#include "bitgauge/error.h"

namespace bitgauge {

ScratchFolder::ScratchFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "bitgauge-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
        throw Error(ErrorKind::kEnvironment, "no temporary folder could be made",
                    "set TMPDIR to a folder that can be written");
    }
    path_ = name;
}

ScratchFolder::~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

}  // namespace bitgauge
