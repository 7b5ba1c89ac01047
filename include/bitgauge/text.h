#pragma once

// Documents, strata and windows: what a model is asked to read. No model here; tokens are numbers.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bitgauge/token.h"

namespace bitgauge {

// One text. Documents are the clusters of every interval: neighbouring tokens are not independent.
struct Document {
    std::string stratum;        // the file it came from (its stem), or the JSONL's "stratum"
    std::string text;           // UTF-8; empty when `messages_json` is set
    std::string messages_json;  // a chat: JSON array of messages, to be rendered with a template
    std::string tools_json;     // tool definitions that go with it; may be empty
};

struct CorpusFile {
    std::filesystem::path path;
    std::string stratum;
    std::string content_hash;
    uint64_t documents = 0;
};

struct Corpus {
    std::vector<Document> documents;
    std::vector<CorpusFile> files;
    std::string key;  // content key over all documents and strata, in order
    // What llama-perplexity reads (-f) from all texts in one file: their bytes in order, one line
    // feed at the very end taken off. A line feed is put between two texts where the first has none
    // at its end. Chats are absent.
    std::string raw;
    // Per document the byte offset in `raw` where it begins, ascending; a chat takes no bytes.
    std::vector<uint64_t> raw_document_start;
};

// Reads text files, JSONL files and folders of them (sorted by name, not recursive). In a folder
// every regular file is a text, but for hidden ones and notes (README.md, LICENSE-MIT and the
// like).
// - text: one document, or one per article when the file has WikiText headings (" = Title = "
// between
//   blank lines);
// - .jsonl: one document per line: a string, {"text": ...}, {"messages": [...], "tools": [...]} or
// a
//   bare array of messages; "stratum" overrides the file's; lines without text are left out.
// The stratum of a file is its stem. Throws Error(kInput): missing, empty (no document with a
// character that is not white space), invalid UTF-8 (with line and byte), malformed JSON (with
// line), a file with the same content as an earlier one (its documents would look independent).
Corpus read_corpus(std::span<const std::filesystem::path> paths);

// A model's Jinja template and the tokens it may put into a text.
struct ChatTemplate {
    std::string source;
    std::string bos_token;
    std::string eos_token;
};

// Renders each chat of `corpus` into its text with the model's own Jinja template, through Jinja2
// of Python in a separate process with limits, and renews `corpus.key`. Documents without messages
// are untouched; `raw` stays without chats. Tool-call arguments given as JSON text are decoded
// first, as most templates want objects; a template that fails on those gets the messages as they
// are. Python is $BITGAUGE_PYTHON, else that of the private environment of scripts/setup, else
// python3. Error(kEnvironment) when no Python with Jinja2 is found, Error(kInput) when the template
// cannot be parsed, runs too long or refuses a conversation (with its number among the chats, from
// 1).
void render_chats(Corpus& corpus, const ChatTemplate& chat_template);

// Likewise each conversation (a JSON array of messages) up to where the model's answer begins.
// `thinking` is what the template gets as enable_thinking.
std::vector<std::string> render_prompts(std::span<const std::string> messages_json,
                                        const ChatTemplate& chat_template, bool thinking);

// The same for one conversation after the other, by a process that stays: the first takes what
// Python takes to start, the others about a millisecond. Thread-compatible.
class PromptRenderer {
  public:
    // Starts the process and does not wait for it. Error(kEnvironment) when it cannot be started.
    explicit PromptRenderer(const ChatTemplate& chat_template);
    ~PromptRenderer();
    PromptRenderer(PromptRenderer&&) noexcept;
    PromptRenderer& operator=(PromptRenderer&&) noexcept;

    // Without `thinking` the template does as it does by itself. Errors as render_chats(), at
    // which the renderer stays usable; Error(kInterrupted) at Ctrl-C.
    std::string render(const std::string& messages_json, std::optional<bool> thinking);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// Parts that share no text, one per share (of bytes, >= 0, in any unit), each stratum in every part
// as far as its documents go round. Where a stratum has few documents, long ones are cut between
// paragraphs, else lines or words, and the pieces are documents. The same corpus gives the same
// parts.
std::vector<Corpus> split_corpus(const Corpus& corpus, std::span<const double> shares);

// JSON Lines that read_corpus() reads back as the same documents and strata.
void write_corpus(const Corpus& corpus, const std::filesystem::path& path);

// How windows are cut and which positions are scored.
struct Protocol {
    enum class Kind { kDocuments, kLlamaPerplexity };
    Kind kind = Kind::kDocuments;
    uint32_t window_tokens = 2048;
    uint32_t warmup_tokens = 64;  // documents: context only; llama-perplexity: window / 2
    uint32_t max_windows = 0;     // 0: all
    uint64_t max_scored = 0;      // as many windows as score so many positions, about; 0: all
};

// A run of tokens evaluated by itself. Position p (first_scored <= p <= tokens.size() - 2) scores
// the prediction of tokens[p + 1].
struct Window {
    std::vector<TokenId> tokens;
    uint32_t first_scored = 0;
    uint32_t cluster = 0;  // document, or block of windows
    uint32_t stratum = 0;  // index into Windows::strata

    uint32_t scored() const {
        const auto n = static_cast<uint32_t>(tokens.size());
        return n >= 2 && n - 1 > first_scored ? n - 1 - first_scored : 0;
    }
};

struct Windows {
    std::vector<Window> windows;
    std::vector<std::string> strata;
    uint32_t n_clusters = 0;
    std::string cluster_unit;  // "document" or "block of N windows"
    uint64_t scored_positions() const;
};

struct TokenizedDocument {
    std::string stratum;
    std::vector<TokenId> tokens;  // without BOS
};

// Protocol "documents": each document its own windows of at most `window_tokens` (BOS included when
// `bos` >= 0), consecutive windows of one document overlapping by the warm-up so that every token
// from the warm-up on is scored exactly once. Documents shorter than twice the warm-up are warmed
// up by half their length; without BOS the first token is never scored. `max_windows` keeps as many
// windows of one stratum as of the other as far as their sizes allow: the first window of each
// document, then the second of each, and so on, in the order of the corpus. Clusters are documents;
// with fewer than 10 of them, blocks of consecutive windows of one document (10 blocks or more
// where there are 10 windows). Throws Error(kInput) when the windows are too short for the warm-up
// or nothing can be scored.
Windows document_windows(std::span<const TokenizedDocument> documents, const Protocol& protocol,
                         TokenId bos);

// Protocol "llama-perplexity": disjoint windows over one run of tokens, a rest is dropped, the
// first token of each window is replaced by `bos` where that is >= 0, positions window / 2 ...
// window - 2 are scored. `token_document[i]` is the document of token i (same length as `tokens`,
// ascending); a window belongs to the document of its first scored token. Clusters as for
// document_windows; one stratum, "all". `max_windows` keeps the first ones, as --chunks does.
// Throws Error(kInput) where the tokens do not fill two windows.
Windows disjoint_windows(std::span<const TokenId> tokens, std::span<const uint32_t> token_document,
                         const Protocol& protocol, TokenId bos);

// How much of one text stands in another.
struct TextOverlap {
    double share = 0;     // shared / grams, [0, 1]; 0 without grams
    uint64_t grams = 0;   // runs of n words of `b`, one beginning at each word
    uint64_t shared = 0;  // of them, those that also stand in `a`
    // The longest shared passages, as `b` has them (white space to single spaces, cut after about
    // 200 bytes), each from the first word of a shared run to its last; at most five, no two alike.
    std::vector<std::string> examples;
};

// Runs of n words that stand word for word in both, by Brown et al. 2020 (arXiv 2005.14165,
// appendix C), who take n up to 13 and ignore punctuation, white space and case. Words are what
// lies between white space (Unicode), in lower case, without punctuation, symbols and invisible
// characters; in scripts without spaces each wide character is one. Runs stay within a document; of
// a chat that is not rendered the messages' contents are read.
//
// Words are compared by hashes of 64 bits. Memory: 8 bytes per run of `a`, at most 128 MiB at a
// time (a larger `a` is gone through in parts), and 1 bit per run of `b`. Error(kInput) for n = 0.
TextOverlap text_overlap(const Corpus& a, const Corpus& b, size_t n = 13);

}  // namespace bitgauge
