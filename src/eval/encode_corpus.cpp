#include "eval/encode_corpus.h"

#include <algorithm>

#include "bitgauge/error.h"

namespace bitgauge {
namespace {

// Document of each token, from the lengths of the tokens' texts.
std::vector<uint32_t> documents_of(const std::vector<TokenId>& tokens, const Corpus& corpus,
                                   const Model& model) {
    std::vector<uint32_t> documents;
    documents.reserve(tokens.size());
    uint64_t byte = 0;
    uint32_t document = 0;
    for (TokenId token : tokens) {
        while (document + 1 < corpus.raw_document_start.size() &&
               byte >= corpus.raw_document_start[document + 1]) {
            ++document;
        }
        documents.push_back(document);
        if (token != model.bos()) byte += model.token_bytes(token);
    }
    return documents;
}

Windows encode_as_llama_perplexity(const Corpus& corpus, const Model& model,
                                   const Protocol& protocol) {
    if (corpus.raw.empty()) {
        throw Error(ErrorKind::kInput, "the protocol llama-perplexity reads plain text, not chats",
                    "leave --protocol away to evaluate chats as documents");
    }
    const auto tokens = model.tokenize(corpus.raw, /*add_special=*/true, /*parse_special=*/false);
    return disjoint_windows(tokens, documents_of(tokens, corpus, model), protocol,
                            model.adds_bos() ? model.bos() : -1);
}

Windows encode_documents(Corpus& corpus, const Model& model, const Protocol& protocol) {
    render_chats(corpus, {model.chat_template(), model.bos_text(), model.eos_text()});
    std::vector<TokenizedDocument> documents;
    for (const Document& document : corpus.documents) {
        const bool is_chat = !document.messages_json.empty();
        auto tokens = model.tokenize(document.text, /*add_special=*/false, is_chat);
        if (!tokens.empty() && tokens.front() == model.bos()) tokens.erase(tokens.begin());
        documents.push_back({document.stratum, std::move(tokens)});
    }
    return document_windows(documents, protocol, model.adds_bos() ? model.bos() : -1);
}

}  // namespace

Windows encode_corpus(Corpus& corpus, const Model& model, Protocol& protocol) {
    if (protocol.kind == Protocol::Kind::kLlamaPerplexity) {
        return encode_as_llama_perplexity(corpus, model, protocol);
    }
    if (model.trained_context() > 0) {
        protocol.window_tokens = std::min(protocol.window_tokens, model.trained_context());
    }
    return encode_documents(corpus, model, protocol);
}

}  // namespace bitgauge
