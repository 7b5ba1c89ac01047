#pragma once

// ggml's blocks as they stand in files (ggml-common.h): a super-block has 256 weights in sub-blocks
// of 16 or 32, a plain block has 32. `Half` is the bits of an F16.

#include <cstdint>

namespace bitgauge {

using Half = uint16_t;

constexpr int kSuperBlock = 256;
constexpr int kPlainBlock = 32;

struct BlockQ2K {
    uint8_t scales[16];  // low four bits: scale, high four: minimum
    uint8_t qs[64];
    Half d;
    Half dmin;
};
struct BlockQ3K {
    uint8_t hmask[32];  // third bit of the levels
    uint8_t qs[64];
    uint8_t scales[12];  // sixteen of six bits
    Half d;
};
struct BlockQ4K {
    Half d;
    Half dmin;
    uint8_t scales[12];  // eight scales and eight minimums of six bits
    uint8_t qs[128];
};
struct BlockQ5K {
    Half d;
    Half dmin;
    uint8_t scales[12];
    uint8_t qh[32];  // fifth bit of the levels
    uint8_t qs[128];
};
struct BlockQ6K {
    uint8_t ql[128];
    uint8_t qh[64];
    int8_t scales[16];
    Half d;
};
static_assert(sizeof(BlockQ2K) == 84 && sizeof(BlockQ3K) == 110 && sizeof(BlockQ4K) == 144 &&
              sizeof(BlockQ5K) == 176 && sizeof(BlockQ6K) == 210);

// Packed, to be made in place wherever rows stand.
#pragma pack(push, 1)
struct BlockQ4Zero {
    Half d;
    uint8_t qs[16];
};
struct BlockQ4One {
    Half d;
    Half m;
    uint8_t qs[16];
};
struct BlockQ5Zero {
    Half d;
    uint8_t qh[4];
    uint8_t qs[16];
};
struct BlockQ5One {
    Half d;
    Half m;
    uint8_t qh[4];
    uint8_t qs[16];
};
struct BlockQ8Zero {
    Half d;
    int8_t qs[32];
};
struct BlockMxfp4 {
    uint8_t e;  // exponent, E8M0
    uint8_t qs[16];
};
#pragma pack(pop)
struct BlockIq4Nl {
    Half d;
    uint8_t qs[16];
};
struct BlockIq4Xs {
    Half d;
    uint16_t scales_h;
    uint8_t scales_l[4];
    uint8_t qs[128];
};
static_assert(sizeof(BlockQ4Zero) == 18 && sizeof(BlockQ4One) == 20 && sizeof(BlockQ5Zero) == 22 &&
              sizeof(BlockQ5One) == 24 && sizeof(BlockQ8Zero) == 34 && sizeof(BlockMxfp4) == 17 &&
              sizeof(BlockIq4Nl) == 18 && sizeof(BlockIq4Xs) == 136);

}  // namespace bitgauge
