#pragma once

// What every table in text may be asked for.

namespace bitgauge {

struct TableOptions {
    bool wide = false;  // every column; else those that fit about 110 characters
};

}  // namespace bitgauge
