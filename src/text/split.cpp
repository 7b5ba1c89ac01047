#include <algorithm>
#include <map>
#include <numeric>

#include "bitgauge/text.h"

#include "base/files.h"
#include "base/json.h"

namespace bitgauge {
namespace {

constexpr size_t kPiece = 6000;      // bytes: some windows of 512 tokens
constexpr size_t kLeastPiece = 400;  // for texts that are short altogether
constexpr size_t kPiecesEach = 8;    // that a part gets of a short text

// Where the first paragraph, line or word ends that does so from byte `at` on within `piece` bytes;
// words of scripts without spaces may end the text.
size_t end_of_piece(const std::string& text, size_t at, size_t piece) {
    for (const char* end : {"\n\n", "\n", " "}) {
        const size_t found = text.find(end, at);
        if (found != std::string::npos && found <= at + piece) {
            return std::min(text.find_first_not_of(end[0], found), text.size());
        }
    }
    return text.size();
}

// A long text in pieces that end with paragraphs; chats stay whole.
std::vector<Document> pieces_of(const Document& document, size_t piece) {
    if (!document.messages_json.empty()) return {document};  // also where it is rendered
    std::vector<Document> pieces;
    const std::string& text = document.text;
    size_t begin = 0;
    while (text.size() - begin > 2 * piece) {
        const size_t end = end_of_piece(text, begin + piece, piece);
        if (end == text.size()) break;
        pieces.push_back(document);
        pieces.back().text = text.substr(begin, end - begin);
        begin = end;
    }
    pieces.push_back(document);
    pieces.back().text = text.substr(begin);
    return pieces;
}

size_t length(const Document& document) {
    return document.text.size() + document.messages_json.size();
}

// Few long documents cannot be shared out; many short ones are left as they are.
std::vector<Document> shareable(const std::vector<const Document*>& documents, size_t parts) {
    std::vector<Document> all;
    size_t bytes = 0;
    for (const Document* document : documents) bytes += length(*document);
    const size_t piece = std::clamp(bytes / (kPiecesEach * parts), kLeastPiece, kPiece);
    const bool cut = documents.size() < kPiecesEach * parts;
    for (const Document* document : documents) {
        if (!cut) {
            all.push_back(*document);
            continue;
        }
        for (Document& part : pieces_of(*document, piece)) all.push_back(std::move(part));
    }
    return all;
}

// Who is furthest behind its share after `given` bytes gets the next.
size_t next_part(const std::vector<double>& has, std::span<const double> shares, double given) {
    size_t best = 0;
    for (size_t p = 1; p < shares.size(); ++p) {
        if (shares[p] * given - has[p] > shares[best] * given - has[best]) best = p;
    }
    return best;
}

Json json_of(const Document& document) {
    Json json = {{"stratum", document.stratum}};
    if (document.messages_json.empty()) {
        json["text"] = document.text;
        return json;
    }
    json["messages"] = Json::parse(document.messages_json);
    if (!document.tools_json.empty()) json["tools"] = Json::parse(document.tools_json);
    return json;
}

}  // namespace

std::vector<Corpus> split_corpus(const Corpus& corpus, std::span<const double> shares) {
    std::map<std::string, std::vector<const Document*>> strata;
    for (const Document& document : corpus.documents) strata[document.stratum].push_back(&document);
    const double whole = std::accumulate(shares.begin(), shares.end(), 0.0);
    std::vector<Corpus> parts(shares.size());
    for (const auto& [stratum, documents] : strata) {
        std::vector<double> has(shares.size());
        double given = 0;
        for (Document& document : shareable(documents, shares.size())) {
            const auto bytes = static_cast<double>(length(document));
            given += bytes;
            const size_t part = next_part(has, shares, given / whole);
            has[part] += bytes;
            parts[part].documents.push_back(std::move(document));
        }
    }
    return parts;
}

void write_corpus(const Corpus& corpus, const std::filesystem::path& path) {
    std::string lines;
    for (const Document& document : corpus.documents) {
        lines += json_of(document).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    }
    write_file_atomically(path, lines);
}

}  // namespace bitgauge
