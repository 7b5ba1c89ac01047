#include "qtype/encode_iq_golden.h"

#include <map>

#include "base/hash.h"

#include <ggml.h>

namespace bitgauge {

std::string hash_of_golden_cases(int type, IqEncode encode) {
    ContentHash hash;
    for (const IqCase& c : ordinary_iq_cases(type, 3, 768)) {
        const std::optional<IqBytes> bytes = encode(c);
        if (!bytes) return c.name + " was refused";
        hash.add(*bytes);
    }
    return hash.hex();
}

std::string golden_hash(int type) {
    static const std::map<int, std::string> hashes = {
        {GGML_TYPE_IQ1_S, "d295b2f708b4005a715dc0ea143933b5"},
        {GGML_TYPE_IQ1_M, "a727f8f327d398efa6fc38782a05764f"},
        {GGML_TYPE_IQ2_XXS, "21d56988f78e22080382728256205dfe"},
        {GGML_TYPE_IQ2_XS, "81c626cec7861fcf9ea9e894c20ad6a3"},
        {GGML_TYPE_IQ2_S, "c7e4aec305401ea7de2b8e1fd0dfadbc"},
        {GGML_TYPE_IQ3_XXS, "56d6a276aec83fa9fb6e4b23e98a90ff"},
        {GGML_TYPE_IQ3_S, "19feafd81761bac084239442782d2db6"},
    };
    return hashes.at(type);
}

}  // namespace bitgauge
