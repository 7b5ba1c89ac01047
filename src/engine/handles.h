#pragma once

// Who owns what of llama.h: a deleter for each handle, nothing else in the project frees one.

#include <memory>

#include <llama.h>

namespace bitgauge {

template <auto Free>
struct FreeWith {
    template <class T>
    void operator()(T* handle) const noexcept {
        Free(handle);
    }
};

using ModelHandle = std::unique_ptr<llama_model, FreeWith<llama_model_free>>;
using ContextHandle = std::unique_ptr<llama_context, FreeWith<llama_free>>;

}  // namespace bitgauge
