// Linked into llama.cpp's tools by scripts/build_peer: they leave their log queue to a thread and
// end without waiting for it (ggml-org/llama.cpp issue 22142), so the last lines are sometimes
// lost.
#include "log.h"

namespace {
struct FlushAtExit {
    ~FlushAtExit() { common_log_flush(common_log_main()); }
} flush_at_exit;
}  // namespace
