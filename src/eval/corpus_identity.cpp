#include "eval/corpus_identity.h"

#include <set>

namespace bitgauge {

CorpusIdentity corpus_identity(const Corpus& corpus, const Windows& windows) {
    CorpusIdentity identity{.key = corpus.key,
                            .windows = windows.windows.size(),
                            .scored_tokens = windows.scored_positions(),
                            .cluster_unit = windows.cluster_unit};
    for (const CorpusFile& file : corpus.files) {
        identity.files.push_back({.name = file.path.filename().string(),
                                  .stratum = file.stratum,
                                  .content_hash = file.content_hash,
                                  .documents = file.documents});
    }
    std::set<uint32_t> scored;
    for (const Window& window : windows.windows) {
        if (window.scored() > 0) scored.insert(window.cluster);
    }
    identity.documents = scored.size();
    return identity;
}

}  // namespace bitgauge
