#pragma once

// Ownership of ggml's GGUF contexts; private to this room.

#include <filesystem>
#include <memory>

#include <gguf.h>

namespace bitgauge {

struct FreeGguf {
    void operator()(gguf_context* context) const noexcept { gguf_free(context); }
};
using GgufHandle = std::unique_ptr<gguf_context, FreeGguf>;

// The header of one file, read by ggml after check_header() has found it whole; ggml's own messages
// are kept from the user and become the Error's. Without its tensors where some have types that
// ggml does not know (ik_header.h). Throws Error(kInput). Not to be called while another thread
// changes ggml's log callback.
GgufHandle read_gguf_header(const std::filesystem::path& path);

}  // namespace bitgauge
