#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/text.h"

#include "base/files.h"
#include "base/hash.h"
#include "text/corpus_key.h"
#include "text/jsonl.h"
#include "text/utf8.h"
#include "text/wikitext.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

// Beside texts lie notes about them, such as README.md or LICENSE-MIT; these are read only when
// named themselves.
bool is_note(const std::string& name) {
    constexpr std::array<std::string_view, 6> kNotes = {"README",  "LICENSE", "LICENCE",
                                                        "COPYING", "NOTICE",  "SOURCE"};
    const auto begins = [&](std::string_view note) {
        const bool ends = name.size() == note.size();
        return name.starts_with(note) &&
               (ends || !std::isalnum(static_cast<unsigned char>(name[note.size()])));
    };
    return std::any_of(kNotes.begin(), kNotes.end(), begins);
}

bool is_text_of_folder(const fs::directory_entry& entry) {
    const std::string name = entry.path().filename().string();
    return entry.is_regular_file() && !name.starts_with('.') && !is_note(name);
}

std::vector<fs::path> files_of_folder(const fs::path& folder) {
    std::vector<fs::path> files;
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(folder, failed)) {
        if (is_text_of_folder(entry)) files.push_back(entry.path());
    }
    if (failed) {
        throw Error(
            ErrorKind::kInput,
            fmt::format("folder '{}' cannot be read: {}", folder.string(), failed.message()),
            "check the path and its permissions");
    }
    if (files.empty()) {
        throw Error(ErrorKind::kInput, fmt::format("folder '{}' has no text file", folder.string()),
                    "subfolders, hidden files, README and LICENSE in it are not read");
    }
    std::sort(files.begin(), files.end());
    return files;
}

std::vector<fs::path> files_named(std::span<const fs::path> paths) {
    std::vector<fs::path> files;
    for (const fs::path& path : paths) {
        if (!fs::is_directory(path)) {
            files.push_back(path);
            continue;
        }
        const std::vector<fs::path> inside = files_of_folder(path);
        files.insert(files.end(), inside.begin(), inside.end());
    }
    if (files.empty())
        throw Error(ErrorKind::kInput, "no text was given", "name a file or a folder");
    return files;
}

std::vector<Document> articles_of(std::string_view text, const std::string& stratum) {
    std::vector<Document> documents;
    const std::vector<size_t> starts = article_starts(text);
    for (size_t i = 0; i < starts.size(); ++i) {
        const size_t end = i + 1 < starts.size() ? starts[i + 1] : text.size();
        documents.push_back(
            {stratum, std::string(text.substr(starts[i], end - starts[i])), {}, {}});
    }
    return documents;
}

std::vector<Document> documents_of(std::string_view bytes, const fs::path& path,
                                   const std::string& stratum) {
    require_utf8(bytes, path);
    if (path.extension() == ".jsonl") return parse_jsonl(bytes, path, stratum);
    if (is_blank(bytes)) return {};
    return articles_of(bytes, stratum);
}

void require_new(const Corpus& corpus, const CorpusFile& file) {
    for (const CorpusFile& earlier : corpus.files) {
        if (earlier.content_hash != file.content_hash) continue;
        throw Error(ErrorKind::kInput,
                    fmt::format("'{}' has the same content as '{}'", file.path.string(),
                                earlier.path.string()),
                    "give each text once: repeated documents are not independent");
    }
}

void add_file(Corpus& corpus, const fs::path& path) {
    const std::string bytes = read_text_file(path);
    CorpusFile file{path, path.stem().string(), hash_text(bytes), 0};
    require_new(corpus, file);
    std::vector<Document> documents = documents_of(bytes, path, file.stratum);
    if (documents.empty()) {
        throw Error(ErrorKind::kInput,
                    fmt::format("'{}' ({} bytes) holds no text", path.string(), bytes.size()),
                    "give a file with at least one character that is not white space");
    }
    file.documents = documents.size();
    corpus.files.push_back(std::move(file));
    std::move(documents.begin(), documents.end(), std::back_inserter(corpus.documents));
}

// llama-perplexity takes one line feed off the end of what it reads (common/arg.cpp, "--file").
void build_raw(Corpus& corpus) {
    for (const Document& document : corpus.documents) {
        const bool in_line = !corpus.raw.empty() && corpus.raw.back() != '\n';
        if (in_line && !document.text.empty()) corpus.raw += '\n';
        corpus.raw_document_start.push_back(corpus.raw.size());
        corpus.raw += document.text;
    }
    if (corpus.raw.ends_with('\n')) corpus.raw.pop_back();
    for (uint64_t& start : corpus.raw_document_start) start = std::min(start, corpus.raw.size());
}

}  // namespace

std::string corpus_key(std::span<const Document> documents) {
    ContentHash hash;
    hash.add("bitgauge.corpus/1");
    for (const Document& document : documents) {
        for (const std::string* part :
             {&document.stratum, &document.text, &document.messages_json, &document.tools_json}) {
            hash.add(fmt::format("{}:", part->size())).add(*part);
        }
    }
    return hash.hex();
}

Corpus read_corpus(std::span<const fs::path> paths) {
    Corpus corpus;
    for (const fs::path& path : files_named(paths)) add_file(corpus, path);
    build_raw(corpus);
    corpus.key = corpus_key(corpus.documents);
    return corpus;
}

}  // namespace bitgauge
