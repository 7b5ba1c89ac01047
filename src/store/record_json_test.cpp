#include "store/record_json.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "bitgauge/error.h"

#include "store/example_record.h"

namespace bitgauge {
namespace {

// What a reader of the text gets after a full trip through it.
MeasureRecord through_text(const MeasureRecord& record) {
    return record_from_json(Json::parse(to_json(record).dump()));
}

std::string message_of(const Json& json) {
    try {
        record_from_json(json);
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kInput);
        EXPECT_FALSE(error.hint().empty());
        return error.what();
    }
    return "no error";
}

TEST(RecordJson, EveryFieldSurvivesTheTripThroughText) {
    const MeasureRecord record = example_record();
    // Equal text from both sides: the list of keys is one, so nothing can hide outside it but a
    // field nobody listed, which the next test looks for.
    EXPECT_EQ(to_json(through_text(record)).dump(2), to_json(record).dump(2));
}

TEST(RecordJson, NoFieldOfTheExampleIsLeftAtItsDefault) {
    // The example sets every field; a key that prints as a default was added to the record
    // without the example, or is not read back.
    const Json filled = to_json(through_text(example_record())).flatten();
    const Json empty = to_json(MeasureRecord{}).flatten();
    for (const auto& [path, value] : empty.items()) {
        // An empty list or object flattens to null; filled, its path is a prefix of others.
        if (path == "/schema" || !filled.contains(path)) continue;
        EXPECT_NE(filled[path], value) << path;
    }
}

TEST(RecordJson, DoublesKeepEveryBit) {
    MeasureRecord record = example_record();
    for (const double value : {0.1, 1.0 / 3.0, 1e-300, 5e-324, 1.7976931348623157e308, -0.0, 3.0}) {
        record.kld_nats.maximum = value;
        const double back = through_text(record).kld_nats.maximum;
        EXPECT_EQ(std::signbit(back), std::signbit(value));
        EXPECT_EQ(back, value);
    }
}

TEST(RecordJson, CountsKeepAll64Bits) {
    MeasureRecord record = example_record();
    record.model.size_bytes = std::numeric_limits<uint64_t>::max();
    EXPECT_EQ(through_text(record).model.size_bytes, std::numeric_limits<uint64_t>::max());
}

TEST(RecordJson, AMissingIntervalIsNullAndStaysMissing) {
    MeasureRecord record = example_record();
    record.ppl = {6.5};
    EXPECT_TRUE(to_json(record)["ppl"]["low"].is_null());
    EXPECT_FALSE(through_text(record).ppl.has_interval());
    EXPECT_EQ(through_text(record).ppl.value, 6.5);
}

TEST(RecordJson, InfinityIsKept) {
    MeasureRecord record = example_record();
    record.kld_nats.maximum = std::numeric_limits<double>::infinity();
    EXPECT_EQ(through_text(record).kld_nats.maximum, std::numeric_limits<double>::infinity());
}

TEST(RecordJson, AnotherSchemaIsRefusedNamingBoth) {
    Json json = to_json(example_record());
    json["schema"] = "bitgauge.measure/2";
    const std::string message = message_of(json);
    EXPECT_NE(message.find("bitgauge.measure/2"), std::string::npos);
    EXPECT_NE(message.find("bitgauge.measure/1"), std::string::npos);
}

TEST(RecordJson, TextThatIsNoRecordIsRefused) {
    EXPECT_NE(message_of(Json::array()).find("\"none\""), std::string::npos);
    EXPECT_NE(message_of(Json("text")).find("\"none\""), std::string::npos);
}

TEST(RecordJson, AMissingKeyIsNamedWithItsPath) {
    Json json = to_json(example_record());
    json["model"].erase("size_bytes");
    EXPECT_EQ(message_of(json), "the record's \"model.size_bytes\" is missing");
}

TEST(RecordJson, AMistypedValueIsNamedWithItsPath) {
    const auto message_with = [](const char* pointer, Json value) {
        Json json = to_json(example_record());
        json[Json::json_pointer(pointer)] = std::move(value);
        return message_of(json);
    };
    EXPECT_EQ(message_with("/kld_nats/mean/value", "small"),
              "the record's \"kld_nats.mean.value\" is not a number");
    EXPECT_EQ(message_with("/protocol/window_tokens", -1),
              "the record's \"protocol.window_tokens\" is not a whole number in its range");
    EXPECT_EQ(message_with("/protocol/window_tokens", 5'000'000'000),
              "the record's \"protocol.window_tokens\" is not a whole number in its range");
    EXPECT_EQ(message_with("/strata", 1), "the record's \"strata\" is not a list");
    EXPECT_EQ(message_with("/model", 1), "the record's \"model\" is not an object");
    EXPECT_EQ(message_with("/model/type_bytes", 1),
              "the record's \"model.type_bytes\" is not an object");
    EXPECT_EQ(message_with("/complete", 1), "the record's \"complete\" is neither true nor false");
    EXPECT_EQ(message_with("/key", 1), "the record's \"key\" is not a text");
}

}  // namespace
}  // namespace bitgauge
