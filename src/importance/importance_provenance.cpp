#include "importance/importance_provenance.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "gguf/data.h"

namespace bitgauge {
namespace {

using Made = ImportanceProvenance;

struct TextKey {
    const char* key;
    std::string Made::*value;
};
constexpr TextKey kTexts[] = {
    {"bitgauge.version", &Made::bitgauge},
    {"bitgauge.llama.version", &Made::llama},
    {"bitgauge.original.file", &Made::model},
    {"bitgauge.original.hash", &Made::model_hash},
    {"bitgauge.importance.protocol", &Made::protocol},
    {"bitgauge.importance.pass", &Made::pass},
};

template <class Item, class Value>
std::vector<Value> column(const std::vector<Item>& items, Value Item::*member) {
    std::vector<Value> values;
    values.reserve(items.size());
    for (const Item& item : items) values.push_back(item.*member);
    return values;
}

// The columns of a table whose rows are Items, one array each.
template <class Item>
class Table {
  public:
    Table(const GgufArrays& arrays, const std::string& first, std::string Item::*member)
        : arrays_(arrays) {
        const auto names = arrays.texts(first).value_or(std::vector<std::string>());
        items.resize(names.size());
        for (size_t i = 0; i < names.size(); ++i) items[i].*member = names[i];
    }
    void read(const std::string& key, std::string Item::*member) {
        fill(arrays_.texts(key), [&](Item& item, const std::string& text) { item.*member = text; });
    }
    void read(const std::string& key, uint64_t Item::*member) {
        fill(arrays_.integers(key), [&](Item& item, int64_t number) {
            item.*member = static_cast<uint64_t>(std::max<int64_t>(0, number));
        });
    }
    std::vector<Item> items;

  private:
    void fill(const auto& values, const auto& set) {
        if (!values || values->size() != items.size()) return items.clear();
        for (size_t i = 0; i < items.size(); ++i) set(items[i], (*values)[i]);
    }
    const GgufArrays& arrays_;
};

void set_texts_read(GgufWriter& writer, const std::vector<Made::Text>& texts) {
    if (texts.empty()) return;
    writer.set_texts("bitgauge.importance.text.paths", column(texts, &Made::Text::path));
    writer.set_texts("bitgauge.importance.text.strata", column(texts, &Made::Text::stratum));
    writer.set_texts("bitgauge.importance.text.hashes", column(texts, &Made::Text::content_hash));
    writer.set_array("bitgauge.importance.text.documents", column(texts, &Made::Text::documents));
}

void set_strata(GgufWriter& writer, const std::vector<Made::Stratum>& strata) {
    if (strata.empty()) return;
    writer.set_texts("bitgauge.importance.strata", column(strata, &Made::Stratum::name));
    writer.set_array("bitgauge.importance.strata.documents",
                     column(strata, &Made::Stratum::documents));
    writer.set_array("bitgauge.importance.strata.windows", column(strata, &Made::Stratum::windows));
    writer.set_array("bitgauge.importance.strata.tokens", column(strata, &Made::Stratum::tokens));
}

std::vector<Made::Text> read_texts_read(const GgufArrays& arrays) {
    Table<Made::Text> table(arrays, "bitgauge.importance.text.paths", &Made::Text::path);
    table.read("bitgauge.importance.text.strata", &Made::Text::stratum);
    table.read("bitgauge.importance.text.hashes", &Made::Text::content_hash);
    table.read("bitgauge.importance.text.documents", &Made::Text::documents);
    return table.items;
}

std::vector<Made::Stratum> read_strata(const GgufArrays& arrays) {
    Table<Made::Stratum> table(arrays, "bitgauge.importance.strata", &Made::Stratum::name);
    table.read("bitgauge.importance.strata.documents", &Made::Stratum::documents);
    table.read("bitgauge.importance.strata.windows", &Made::Stratum::windows);
    table.read("bitgauge.importance.strata.tokens", &Made::Stratum::tokens);
    return table.items;
}

}  // namespace

void set_importance_provenance(GgufWriter& writer, const Made& made) {
    for (const auto& [key, value] : kTexts) {
        if (!(made.*value).empty()) writer.set_text(key, made.*value);
    }
    set_texts_read(writer, made.texts);
    set_strata(writer, made.strata);
}

Made read_importance_provenance(const GgufFile& file) {
    Made made;
    for (const auto& [key, value] : kTexts) made.*value = file.text(key).value_or("");
    const GgufArrays arrays(file);
    made.texts = read_texts_read(arrays);
    made.strata = read_strata(arrays);
    return made;
}

}  // namespace bitgauge
