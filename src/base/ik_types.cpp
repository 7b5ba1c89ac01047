#include "base/ik_types.h"

#include <algorithm>
#include <array>

namespace bitgauge {
namespace {

constexpr std::array kIkTypes = {
    IkType{133, "q6_0", 32, 26, 0},        IkType{134, "iq1_bn", 64, 13, 2},
    IkType{135, "iq2_bn", 64, 16, 4},      IkType{137, "iq2_k", 256, 76, 0},
    IkType{138, "iq3_k", 256, 110, 0},     IkType{139, "iq4_k", 256, 144, 0},
    IkType{140, "iq5_k", 256, 176, 0},     IkType{141, "iq6_k", 256, 212, 0},
    IkType{144, "iq4_ks", 256, 136, 4},    IkType{145, "iq2_ks", 256, 70, 2},
    IkType{146, "iq4_kss", 256, 128, 4},   IkType{151, "q8_KV", 32, 32, 8},
    IkType{152, "iq5_ks", 256, 168, 4},    IkType{153, "iq2_kt", 256, 68, 4},
    IkType{154, "iq3_kt", 256, 100, 4},    IkType{155, "iq4_kt", 256, 128, 4},
    IkType{156, "iq3_ks", 256, 102, 2},    IkType{157, "iq2_kl", 256, 86, 2},
    IkType{158, "iq1_kt", 256, 56, 4},     IkType{202, "q4_0_r8", 32, 18, 0},
    IkType{206, "q5_0_r4", 32, 22, 0},     IkType{208, "q8_0_r8", 32, 34, 0},
    IkType{210, "q2_k_r4", 256, 84, 0},    IkType{211, "q3_k_r4", 256, 110, 0},
    IkType{212, "q4_k_r4", 256, 144, 0},   IkType{213, "q5_k_r4", 256, 176, 0},
    IkType{214, "q6_k_r4", 256, 210, 0},   IkType{216, "iq2_xxs_r4", 256, 66, 0},
    IkType{217, "iq2_xs_r4", 256, 74, 0},  IkType{218, "iq3_xxs_r4", 256, 98, 0},
    IkType{219, "iq1_s_r4", 32, 6, 2},     IkType{220, "iq4_nl_r4", 32, 18, 0},
    IkType{221, "iq3_s_r4", 256, 110, 0},  IkType{222, "iq2_s_r4", 256, 82, 0},
    IkType{223, "iq4_xs_r8", 256, 136, 0}, IkType{229, "iq1_m_r4", 32, 7, 2},
    IkType{230, "bf16_r16", 1, 2, 0},      IkType{233, "q6_0_r4", 32, 26, 0},
    IkType{335, "iq2_bn_r4", 64, 16, 4},   IkType{337, "iq2_k_r4", 256, 76, 0},
    IkType{338, "iq3_k_r4", 256, 110, 0},  IkType{339, "iq4_k_r4", 256, 144, 0},
    IkType{340, "iq5_k_r4", 256, 176, 0},  IkType{344, "iq4_ks_r4", 256, 136, 4},
    IkType{352, "iq5_ks_r4", 256, 168, 4}, IkType{353, "mxfp4_r8", 32, 17, 0},
    IkType{397, "q8_k_r16", 256, 258, 0},  IkType{398, "q8_KV_r8", 32, 32, 4},
    IkType{399, "q8_k_r8", 256, 258, 0},
};

}  // namespace

std::span<const IkType> ik_types() {
    return kIkTypes;
}

const IkType* ik_type_by_id(int id) {
    const auto at = std::find_if(kIkTypes.begin(), kIkTypes.end(),
                                 [id](const IkType& type) { return type.id == id; });
    return at == kIkTypes.end() ? nullptr : &*at;
}

}  // namespace bitgauge
