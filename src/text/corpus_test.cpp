#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/error.h"
#include "bitgauge/text.h"

#include "text/wikitext.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

// A fresh folder per test.
class ReadCorpus : public ::testing::Test {
  protected:
    void SetUp() override {
        const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
        folder_ = fs::temp_directory_path() / (std::string("bitgauge_corpus_test_") + test->name());
        fs::remove_all(folder_);
        fs::create_directories(folder_);
    }
    void TearDown() override { fs::remove_all(folder_); }

    fs::path file(const std::string& name, const std::string& bytes) const {
        std::ofstream(folder_ / name, std::ios::binary) << bytes;
        return folder_ / name;
    }

    static Corpus read(const std::vector<fs::path>& paths) { return read_corpus(paths); }

    static std::string error_of(const std::vector<fs::path>& paths) {
        try {
            read_corpus(paths);
        } catch (const Error& error) {
            EXPECT_EQ(error.kind(), ErrorKind::kInput);
            EXPECT_FALSE(error.hint().empty());
            return error.what();
        }
        return "no error";
    }

    fs::path folder_;
};

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

const char* const kTwoArticles =
    " \n = First = \n \n Prose = with signs = \n \n = = Section = = \n \n More .\n"
    " = broken formula = \n end .\n \n = Second ( film ) = \n \n Text .\n \n";

TEST_F(ReadCorpus, PlainTextIsOneDocumentOfItsStem) {
    const Corpus corpus = read({file("novel.part.txt", "All of it.\nTwo lines.\n")});
    ASSERT_EQ(corpus.documents.size(), 1u);
    EXPECT_EQ(corpus.documents[0].stratum, "novel.part");
    EXPECT_EQ(corpus.documents[0].text, "All of it.\nTwo lines.\n");
    EXPECT_EQ(corpus.files[0].documents, 1u);
}

TEST_F(ReadCorpus, WikiTextIsOneDocumentPerArticle) {
    const Corpus corpus = read({file("wiki.raw", kTwoArticles)});
    ASSERT_EQ(corpus.documents.size(), 2u);
    EXPECT_TRUE(corpus.documents[0].text.starts_with(" \n = First = \n"));
    EXPECT_TRUE(corpus.documents[1].text.starts_with(" = Second ( film ) = \n"));
    EXPECT_EQ(corpus.documents[0].text + corpus.documents[1].text, kTwoArticles);
}

TEST_F(ReadCorpus, AHeadingBetweenLinesOfProseIsNone) {
    EXPECT_TRUE(article_headings("a low pass\n = 1 rad / s and k = \n 1 ohm\n").empty());
    EXPECT_EQ(article_headings(" = A = \n").size(), 1u);
    EXPECT_TRUE(article_headings(" = = A = = \n").empty());
    EXPECT_TRUE(article_headings(" = = \n").empty());
}

TEST_F(ReadCorpus, WindowsLineEndsDoNotHideHeadings) {
    EXPECT_EQ(article_headings(" \r\n = A = \r\n \r\n Text\r\n \r\n = B = \r\n").size(), 2u);
}

TEST_F(ReadCorpus, RawIsTheFileLessOneLineFeedAsLlamaPerplexityReadsIt) {
    EXPECT_EQ(read({file("a.txt", "text\n\n")}).raw, "text\n");
    EXPECT_EQ(read({file("b.txt", "text")}).raw, "text");
    EXPECT_EQ(read({file("c.txt", "text \n ")}).raw, "text \n ");
}

TEST_F(ReadCorpus, RawOfSeveralFilesKeepsThemOnLinesOfTheirOwn) {
    const Corpus corpus =
        read({file("a.txt", "one\n"), file("b.txt", "two"), file("c.txt", "x\n")});
    EXPECT_EQ(corpus.raw, "one\ntwo\nx");
    EXPECT_EQ(corpus.raw_document_start, (std::vector<uint64_t>{0, 4, 8}));
}

TEST_F(ReadCorpus, RawStartsPointAtTheDocuments) {
    const Corpus corpus = read({file("wiki.raw", kTwoArticles)});
    for (size_t i = 0; i < corpus.documents.size(); ++i) {
        const std::string head = corpus.documents[i].text.substr(0, 8);
        EXPECT_EQ(corpus.raw.substr(corpus.raw_document_start[i], 8), head);
    }
}

TEST_F(ReadCorpus, JsonLinesInAllFourForms) {
    const Corpus corpus = read({file("mixed.jsonl",
                                     "\"a string\"\n"
                                     "{\"text\": \"an object\", \"stratum\": \"law\"}\r\n\n"
                                     "{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}], "
                                     "\"tools\": [{\"type\": \"function\"}]}\n"
                                     "[{\"role\": \"user\", \"content\": \"ho\"}]")});
    ASSERT_EQ(corpus.documents.size(), 4u);
    EXPECT_EQ(corpus.documents[0].text, "a string");
    EXPECT_EQ(corpus.documents[0].stratum, "mixed");
    EXPECT_EQ(corpus.documents[1].stratum, "law");
    EXPECT_EQ(corpus.documents[2].messages_json, R"([{"role":"user","content":"hi"}])");
    EXPECT_EQ(corpus.documents[2].tools_json, R"([{"type":"function"}])");
    EXPECT_EQ(corpus.documents[3].messages_json, R"([{"role":"user","content":"ho"}])");
    EXPECT_EQ(corpus.raw, "a string\nan object");
    EXPECT_EQ(corpus.raw_document_start, (std::vector<uint64_t>{0, 9, 18, 18}));
}

TEST_F(ReadCorpus, AFolderIsItsVisibleFilesByNameWithoutNotes) {
    file("b.txt", "second");
    file("a.md", "first");
    file(".hidden", "\xFF");
    file("README.md", "about");
    file("LICENSE", "terms");
    file("LICENSE-MIT", "more terms");
    fs::create_directories(folder_ / "deeper");
    const Corpus corpus = read({folder_});
    ASSERT_EQ(corpus.files.size(), 2u);
    EXPECT_EQ(corpus.raw, "first\nsecond");
    EXPECT_EQ(read({folder_ / "README.md"}).raw, "about");
}

TEST_F(ReadCorpus, TheKeyFollowsTextAndStratum) {
    const std::string key = read({file("a.txt", "text")}).key;
    EXPECT_EQ(read({file("a.txt", "text")}).key, key);
    EXPECT_NE(read({file("a.txt", "text ")}).key, key);
    EXPECT_NE(read({file("b.txt", "text")}).key, key);
    EXPECT_NE(read({file("c.jsonl", "\"te\"\n\"xt\"")}).key,
              read({file("c.jsonl", "\"t\"\n\"ext\"")}).key);
}

TEST_F(ReadCorpus, InvalidUtf8IsNamedByFileLineAndByte) {
    const std::string error = error_of({file("latin1.txt", "good\nna\xEFve\n")});
    EXPECT_TRUE(contains(error, "latin1.txt")) << error;
    EXPECT_TRUE(contains(error, "line 2, byte offset 7, byte 0xEF")) << error;
}

TEST_F(ReadCorpus, OverlongFormsAndSurrogatesAreNotUtf8) {
    for (const char* bytes : {"\xC0\xAF", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\xE2\x82"}) {
        EXPECT_TRUE(contains(error_of({file("bad.txt", bytes)}), "byte offset 0"));
    }
}

TEST_F(ReadCorpus, TextWithoutCharactersIsAnError) {
    EXPECT_TRUE(contains(error_of({file("empty.txt", "")}), "(0 bytes) holds no text"));
    EXPECT_TRUE(contains(error_of({file("blank.txt", " \n\t\r\n")}), "holds no text"));
    EXPECT_TRUE(contains(error_of({file("blank.jsonl", "\n\" \"\n")}), "holds no text"));
}

TEST_F(ReadCorpus, MissingFilesAndEmptyFoldersAreErrors) {
    EXPECT_TRUE(contains(error_of({folder_ / "none.txt"}), "No such file"));
    EXPECT_TRUE(contains(error_of({folder_}), "has no text file"));
    EXPECT_TRUE(contains(error_of({}), "no text was given"));
}

TEST_F(ReadCorpus, ATextGivenTwiceIsAnError) {
    const std::string error = error_of({file("a.txt", "same"), file("b.txt", "same")});
    EXPECT_TRUE(contains(error, "same content")) << error;
}

TEST_F(ReadCorpus, MalformedJsonIsNamedByLine) {
    const std::string good = "\"fine\"\n";
    EXPECT_TRUE(contains(error_of({file("a.jsonl", good + "{\"text\": ")}), "line 2: not JSON"));
    EXPECT_TRUE(contains(error_of({file("a.jsonl", good + "17")}), "line 2: a number"));
    EXPECT_TRUE(contains(error_of({file("a.jsonl", good + "{\"body\": 1}")}), "only body"));
    EXPECT_TRUE(contains(error_of({file("a.jsonl", "{\"messages\": []}")}), "empty"));
    EXPECT_TRUE(contains(error_of({file("a.jsonl", "[\"hi\"]")}), "\"role\""));
    EXPECT_TRUE(contains(error_of({file("a.jsonl", "\"\\ud800\"")}), "not JSON"));
    EXPECT_TRUE(contains(error_of({file("a.jsonl", "1e999")}), "not JSON"));
    const std::string deep = "[{\"role\": \"u\", \"c\": " + std::string(100'000, '[');
    EXPECT_TRUE(contains(error_of({file("a.jsonl", deep)}), "nested deeper than 256 levels"));
}

TEST(EmbeddedTexts, HaveDocumentsForEveryInterval) {
    const fs::path folder = fs::path(BITGAUGE_TEST_DATA).parent_path().parent_path() / "data/text";
    const Corpus corpus = read_corpus(std::vector<fs::path>{folder});
    ASSERT_EQ(corpus.files.size(), 3u);
    EXPECT_EQ(corpus.files[0].documents, 41u);
    EXPECT_EQ(corpus.files[1].documents, 22u);
    EXPECT_EQ(corpus.files[2].documents, 12u);
    EXPECT_EQ(corpus.files[2].stratum, "wiki.test.excerpt");
}

// Merity et al. 2016, table 1: the test split has 60 articles.
TEST(WikiText2, TestSplitHasSixtyArticles) {
    const char* path = std::getenv("BITGAUGE_WIKITEXT2_TEST");
    if (path == nullptr) GTEST_SKIP() << "BITGAUGE_WIKITEXT2_TEST does not name wiki.test.raw";
    EXPECT_EQ(read_corpus(std::vector<fs::path>{path}).documents.size(), 60u);
}

}  // namespace
}  // namespace bitgauge
