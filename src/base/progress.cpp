#include "bitgauge/progress.h"

namespace bitgauge {

Progress& silent_progress() {
    static Progress silent;
    return silent;
}

}  // namespace bitgauge
