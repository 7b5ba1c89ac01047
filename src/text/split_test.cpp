#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <random>
#include <rapidcheck.h>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "bitgauge/text.h"

#include "text/corpus_key.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

const std::vector<double> kThree{0.4, 0.3, 0.3};

// Every paragraph of all texts has a number of its own, so that none can stand in for another.
class Writer {
  public:
    explicit Writer(uint64_t seed) : random_(seed) {}

    std::string paragraph() {
        std::string text = fmt::format("Paragraph {}", number_++);
        const size_t words = 5 + random_() % 80;
        for (size_t w = 0; w < words; ++w) text += fmt::format(" w{}", random_() % 1000);
        return text + (random_() % 2 == 0 ? ".\n\n" : ".\n");
    }
    std::string text(size_t bytes) {
        std::string all;
        while (all.size() < bytes) all += paragraph();
        return all;
    }
    Document chat(const std::string& stratum) {
        const std::string text = paragraph(), content = text.substr(0, text.find('.'));
        return {stratum,
                {},
                R"([{"role":"user","content":")" + content + R"("}])",
                R"([{"name":"tool","arguments":{}}])"};
    }

  private:
    std::mt19937_64 random_;
    int number_ = 0;
};

// Many short articles, few long books, and chats.
Corpus mixed_corpus(uint64_t seed) {
    Writer writer(seed);
    Corpus corpus;
    for (int i = 0; i < 60; ++i) {
        corpus.documents.push_back({"articles", writer.text(900), {}, {}});
        if (i % 20 == 0) corpus.documents.push_back({"books", writer.text(200'000), {}, {}});
        if (i % 2 == 0) corpus.documents.push_back(writer.chat("chats"));
    }
    return corpus;
}

std::vector<std::string> lines_of(const Corpus& corpus, const std::string& stratum) {
    std::vector<std::string> lines;
    for (const Document& document : corpus.documents) {
        if (document.stratum != stratum) continue;
        if (!document.messages_json.empty()) lines.push_back(document.messages_json);
        for (size_t begin = 0; begin < document.text.size();) {
            const size_t end = std::min(document.text.find('\n', begin), document.text.size());
            if (end > begin) lines.push_back(document.text.substr(begin, end - begin));
            begin = end + 1;
        }
    }
    return lines;
}

std::map<std::string, double> bytes_of(const Corpus& corpus) {
    std::map<std::string, double> bytes;
    for (const Document& document : corpus.documents) {
        bytes[document.stratum] +=
            static_cast<double>(document.text.size() + document.messages_json.size());
    }
    return bytes;
}

TEST(SplitCorpus, PartsShareNothingAndNothingIsLost) {
    const Corpus corpus = mixed_corpus(1);
    for (const char* stratum : {"articles", "books", "chats"}) {
        std::vector<std::string> before = lines_of(corpus, stratum), after;
        for (const Corpus& part : split_corpus(corpus, kThree)) {
            const auto lines = lines_of(part, stratum);
            after.insert(after.end(), lines.begin(), lines.end());
        }
        std::ranges::sort(before);
        std::ranges::sort(after);
        EXPECT_EQ(after, before);  // lines are unique: one in two parts would stand there twice
        EXPECT_EQ(std::ranges::adjacent_find(before), before.end());
    }
}

TEST(SplitCorpus, EveryStratumIsSharedOutAsAsked) {
    for (const std::vector<double>& shares : {kThree, {50, 25, 25}, {0, 1, 1}, {1, 3}}) {
        const Corpus corpus = mixed_corpus(2);
        auto whole = bytes_of(corpus);
        double sum = 0;
        for (const double share : shares) sum += share;
        const auto parts = split_corpus(corpus, shares);
        ASSERT_EQ(parts.size(), shares.size());
        for (size_t p = 0; p < parts.size(); ++p) {
            auto bytes = bytes_of(parts[p]);
            for (const auto& [stratum, all] : whole) {
                const double wanted = shares[p] / sum * all;
                EXPECT_NEAR(bytes[stratum], wanted, 0.15 * wanted) << stratum << " part " << p;
            }
        }
    }
}

TEST(SplitCorpus, TheSameCorpusGivesTheSameParts) {
    EXPECT_TRUE(rc::check([](uint64_t seed) {
        const auto first = split_corpus(mixed_corpus(seed), kThree);
        const auto again = split_corpus(mixed_corpus(seed), kThree);
        for (size_t p = 0; p < first.size(); ++p) {
            RC_ASSERT(corpus_key(first[p].documents) == corpus_key(again[p].documents));
        }
    }));
}

TEST(SplitCorpus, LongTextsAreCutBetweenParagraphs) {
    Writer writer(3);
    const Corpus corpus{.documents = {{"book", writer.text(300'000), {}, {}}}};
    std::string joined;
    size_t pieces = 0;
    for (const Corpus& part : split_corpus(corpus, std::vector<double>{1})) {
        for (const Document& document : part.documents) {
            EXPECT_TRUE(document.text.starts_with("Paragraph "));
            EXPECT_EQ(document.text.back(), '\n');
            joined += document.text;
            ++pieces;
        }
    }
    EXPECT_GT(pieces, 20U);
    EXPECT_EQ(joined, corpus.documents[0].text);
}

TEST(SplitCorpus, ManyDocumentsAreLeftWhole) {
    Writer writer(4);
    Corpus corpus;
    std::set<std::string> texts;
    for (int i = 0; i < 30; ++i) {
        corpus.documents.push_back({"articles", writer.text(20'000), {}, {}});
        texts.insert(corpus.documents.back().text);
    }
    for (const Corpus& part : split_corpus(corpus, kThree)) {
        for (const Document& document : part.documents) EXPECT_EQ(texts.erase(document.text), 1U);
    }
    EXPECT_TRUE(texts.empty());
}

TEST(SplitCorpus, ChatsStayWholeAlsoWhenTheyAreRendered) {
    Writer writer(5);
    Corpus corpus;
    for (int i = 0; i < 6; ++i) {
        Document chat = writer.chat("chats");
        chat.text = writer.text(40'000);
        corpus.documents.push_back(chat);
    }
    std::set<std::string> messages;
    size_t documents = 0;
    for (const Corpus& part : split_corpus(corpus, kThree)) {
        for (const Document& document : part.documents) {
            messages.insert(document.messages_json);
            EXPECT_GE(document.text.size(), 40'000U);
            ++documents;
        }
    }
    EXPECT_EQ(documents, 6U);
    EXPECT_EQ(messages.size(), 6U);
}

TEST(SplitCorpus, ATextWithoutLinesIsOnePiece) {
    const Corpus corpus{.documents = {{"line", std::string(100'000, 'x'), {}, {}}}};
    const auto parts = split_corpus(corpus, kThree);
    EXPECT_EQ(parts[0].documents.size() + parts[1].documents.size() + parts[2].documents.size(),
              1U);
}

TEST(WriteCorpus, IsReadBackAsTheSameDocumentsAndStrata) {
    const fs::path path = fs::temp_directory_path() / "bitgauge_split_test.jsonl";
    Corpus corpus = mixed_corpus(6);
    corpus.documents.push_back({"signs", "quotes \" and \\ and \t, \n\n and ä漢😀\n", {}, {}});
    write_corpus(corpus, path);
    const Corpus back = read_corpus(std::vector<fs::path>{path});
    EXPECT_EQ(back.key, corpus_key(corpus.documents));
    ASSERT_EQ(back.documents.size(), corpus.documents.size());
    EXPECT_EQ(back.documents.back().text, corpus.documents.back().text);
    fs::remove(path);
}

}  // namespace
}  // namespace bitgauge
