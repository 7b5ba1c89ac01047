#include "engine/blas.h"

#include <cstdlib>
#include <dlfcn.h>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include <cblas.h>

namespace bitgauge {
namespace {

constexpr const char* kLibrary = "libopenblas.so.0";

// Loaded when the first product is asked for: OpenBLAS starts a thread per core when it is loaded,
// which spin for a tenth of a second, also in commands that multiply nothing. Told before, it
// starts none: the callers' own threads each work on a tile.
decltype(&cblas_sgemm) load_sgemm() {
    ::setenv("OPENBLAS_NUM_THREADS", "1", 1);
    void* library = ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
    void* found = library == nullptr ? nullptr : ::dlsym(library, "cblas_sgemm");
    if (found != nullptr) return reinterpret_cast<decltype(&cblas_sgemm)>(found);
    throw Error(ErrorKind::kEnvironment, fmt::format("OpenBLAS cannot be loaded: {}", ::dlerror()),
                "run scripts/setup");
}

int as_int(size_t number) {
    return static_cast<int>(number);
}

}  // namespace

void multiply_transposed(std::span<const float> left, size_t rows, std::span<const float> right,
                         size_t columns, size_t width, std::span<float> out) {
    static const auto sgemm = load_sgemm();
    sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, as_int(rows), as_int(columns), as_int(width),
          1.0F, left.data(), as_int(width), right.data(), as_int(width), 0.0F, out.data(),
          as_int(columns));
}

}  // namespace bitgauge
