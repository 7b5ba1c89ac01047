#include "hub/http_client.h"

#include <gtest/gtest.h>

#include "bitgauge/error.h"

namespace bitgauge {
namespace {

TEST(Endpoint, IsHttpWithoutAUserAndAQuery) {
    EXPECT_EQ(checked_endpoint("https://hub.example/"), "https://hub.example");
    EXPECT_EQ(checked_endpoint("http://127.0.0.1:80/hf"), "http://127.0.0.1:80/hf");
    for (const char* bad : {"", "hub.example", "file:///etc", "ftp://hub.example",
                            "https://me:pass@hub.example", "https://hub.example/?a=b"}) {
        EXPECT_THROW(checked_endpoint(bad), Error) << bad;
    }
}

TEST(Encoded, KeepsWhatAnAddressMayHold) {
    EXPECT_EQ(encoded("a b/c?d#e%.gguf"), "a%20b/c%3Fd%23e%25.gguf");
    EXPECT_EQ(encoded("refs/pr/1", true), "refs%2Fpr%2F1");
}

TEST(SameOrigin, IsSchemeHostAndPort) {
    EXPECT_TRUE(same_origin("https://hub.example/a", "https://HUB.example:443/b"));
    EXPECT_FALSE(same_origin("https://hub.example", "http://hub.example"));
    EXPECT_FALSE(same_origin("https://hub.example", "https://hub.example:444"));
    EXPECT_FALSE(same_origin("https://hub.example", "https://hub.example.evil"));
    EXPECT_FALSE(same_origin("https://hub.example", "https://hub.example@evil"));
}

TEST(Retrying, WaitsLongerEachTimeAndAsLongAsTheServerAsks) {
    EXPECT_EQ(wait_before(1, {}, "x").count(), 250);
    EXPECT_EQ(wait_before(3, {}, "x").count(), 1000);
    EXPECT_EQ(wait_before(50, {}, "x").count(), 16000);
    EXPECT_EQ(wait_before(1, {CURLE_OK, 429, 7}, "x").count(), 7000);
    EXPECT_THROW(wait_before(1, {CURLE_OK, 429, 3600}, "x"), Error);
}

TEST(Retrying, IsForWhatMayChange) {
    EXPECT_TRUE(is_worth_retrying({CURLE_PARTIAL_FILE, 206, 0}));
    EXPECT_TRUE(is_worth_retrying({CURLE_HTTP_RETURNED_ERROR, 503, 0}));
    EXPECT_TRUE(is_worth_retrying({CURLE_HTTP_RETURNED_ERROR, 429, 0}));
    EXPECT_FALSE(is_worth_retrying({CURLE_HTTP_RETURNED_ERROR, 404, 0}));
    EXPECT_FALSE(is_worth_retrying({CURLE_UNSUPPORTED_PROTOCOL, 302, 0}));
    EXPECT_FALSE(is_worth_retrying({CURLE_COULDNT_RESOLVE_HOST, 0, 0}));
}

TEST(RefusedRequests, HaveTheirOwnSentencesAndNeverTheToken) {
    HubOptions options;
    options.token = "hf_secret";
    for (const auto& [status, words] : {std::pair(401L, "token refused"),
                                        {403L, "not granted"},
                                        {404L, "is not at"},
                                        {500L, "answered 500"}}) {
        try {
            fail_request({CURLE_HTTP_RETURNED_ERROR, status, 0}, "a/b", options);
        } catch (const Error& error) {
            const std::string said = error.what() + error.hint();
            EXPECT_NE(said.find(words), std::string::npos) << said;
            EXPECT_EQ(said.find("hf_secret"), std::string::npos);
        }
    }
}

}  // namespace
}  // namespace bitgauge
