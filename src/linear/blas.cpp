#include "linear/blas.h"

#include <cstdlib>
#include <dlfcn.h>
#include <string_view>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include <cblas.h>

namespace bitgauge {
namespace {

constexpr const char* kLibrary = "libopenblas.so.0";

// LAPACK's spotrf in Fortran's calling convention, without the hidden length of its first argument,
// which OpenBLAS's own does not read.
using Potrf = void (*)(const char* half, const int* size, float* matrix, const int* stride,
                       int* failed_at);

using CoreName = decltype(&openblas_get_corename);

struct Functions {
    CoreName core_name;
    decltype(&cblas_sgemm) gemm;
    decltype(&cblas_ssyrk) syrk;
    decltype(&cblas_strsm) trsm;
    Potrf potrf;
};

[[noreturn]] void fail() {
    throw Error(ErrorKind::kEnvironment, fmt::format("OpenBLAS cannot be loaded: {}", ::dlerror()),
                "run scripts/setup");
}

template <class Function>
Function found(void* library, const char* name) {
    void* symbol = ::dlsym(library, name);
    if (symbol == nullptr) fail();
    return reinterpret_cast<Function>(symbol);
}

void* open_library() {
    void* library = ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) fail();
    return library;
}

CoreName core_name(void* library) {
    return found<CoreName>(library, "openblas_get_corename");
}

// What this processor can do in OpenBLAS's names; null where its choice cannot be bettered.
const char* known_core() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl")) {
        return "SKYLAKEX";
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "HASWELL";
#endif
    return nullptr;
}

// A processor younger than the library is taken for a Prescott of 2004, and products take 4.7 times
// as long.
bool is_mistaken(void* library) {
    return std::string_view(core_name(library)()) == "Prescott" && known_core() != nullptr;
}

// Loaded when the first product is asked for: OpenBLAS starts a thread per core when it is loaded,
// which spin for a tenth of a second, also in commands that multiply nothing. Told before, it
// starts none: the callers' own threads each work on a tile. The kind of processor is read while
// the library is loaded, so it is loaded anew where that went wrong.
Functions load() {
    ::setenv("OPENBLAS_NUM_THREADS", "1", 1);
    void* library = open_library();
    if (std::getenv("OPENBLAS_CORETYPE") == nullptr && is_mistaken(library)) {
        ::dlclose(library);
        ::setenv("OPENBLAS_CORETYPE", known_core(), 1);
        library = open_library();
    }
    return {core_name(library), found<decltype(&cblas_sgemm)>(library, "cblas_sgemm"),
            found<decltype(&cblas_ssyrk)>(library, "cblas_ssyrk"),
            found<decltype(&cblas_strsm)>(library, "cblas_strsm"),
            found<Potrf>(library, "spotrf_")};
}

const Functions& blas() {
    static const Functions functions = load();
    return functions;
}

int as_int(size_t number) {
    return static_cast<int>(number);
}

CBLAS_TRANSPOSE as_cblas(Form form) {
    return form == Form::kPlain ? CblasNoTrans : CblasTrans;
}

}  // namespace

std::string product_processor() {
    return blas().core_name();
}

void multiply_transposed(std::span<const float> left, size_t rows, std::span<const float> right,
                         size_t columns, size_t width, std::span<float> out) {
    blas().gemm(CblasRowMajor, CblasNoTrans, CblasTrans, as_int(rows), as_int(columns),
                as_int(width), 1.0F, left.data(), as_int(width), right.data(), as_int(width), 0.0F,
                out.data(), as_int(columns));
}

void add_product(float factor, ConstMatrix left, Form left_form, ConstMatrix right, Form right_form,
                 Matrix sum) {
    const size_t inner = left_form == Form::kPlain ? left.columns : left.rows;
    blas().gemm(CblasRowMajor, as_cblas(left_form), as_cblas(right_form), as_int(sum.rows),
                as_int(sum.columns), as_int(inner), factor, left.data, as_int(left.stride),
                right.data, as_int(right.stride), 1.0F, sum.data, as_int(sum.stride));
}

void add_gram(ConstMatrix rows, Matrix sum) {
    blas().syrk(CblasRowMajor, CblasLower, CblasTrans, as_int(sum.rows), as_int(rows.rows), 1.0F,
                rows.data, as_int(rows.stride), 1.0F, sum.data, as_int(sum.stride));
}

bool factor_cholesky(Matrix matrix) {
    // The lower half by rows is the upper half by columns, as Fortran counts.
    const int size = as_int(matrix.rows);
    const int stride = as_int(matrix.stride);
    int failed_at = 0;
    blas().potrf("U", &size, matrix.data, &stride, &failed_at);
    return failed_at == 0;
}

void solve_unit_upper(ConstMatrix upper, Form form, Matrix solution) {
    blas().trsm(CblasRowMajor, CblasLeft, CblasUpper, as_cblas(form), CblasUnit,
                as_int(solution.rows), as_int(solution.columns), 1.0F, upper.data,
                as_int(upper.stride), solution.data, as_int(solution.stride));
}

}  // namespace bitgauge
