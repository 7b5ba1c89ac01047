#pragma once

// Instruction sets the encoders are compiled for; include before <hwy/foreach_target.h>.
//
// Vectors of unknown length (SVE, RVV) cannot be members of a struct, which the searches use; such
// machines run the NEON or the portable code. SSSE3 adds no instruction that the encoders use.
// AVX-512 waits for a machine on which encode_test.cpp has compared its bytes: those machines run
// AVX2.

#define HWY_DISABLED_TARGETS \
    (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV | HWY_SSSE3 | HWY_AVX3 | HWY_AVX3_DL)
