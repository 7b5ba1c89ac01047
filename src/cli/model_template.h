#pragma once

// The chat template in a model file's header, and how two files' differ in what they get wrong.

#include <map>
#include <optional>
#include <string>

#include "bitgauge/gguf.h"
#include "bitgauge/text.h"

#include "base/json.h"
#include "cli/console.h"

namespace bitgauge {

inline constexpr const char* kTemplateKey = "tokenizer.chat_template";

// With the texts of its bos and eos tokens; nothing where the file has none.
std::optional<ChatTemplate> template_of(const GgufFile& model);

// Errors and warnings of two files whose templates differ, as `bitgauge template` finds them.
// Nothing where they are the same, or where templates cannot be tried here, which is warned of.
class TemplateDifference {
  public:
    static std::optional<TemplateDifference> of(const GgufFile& a, const GgufFile& b,
                                                Console& console);

    std::string text() const;  // "chat template checks (a | b)" and a line per finding
    Json json() const;         // finding: which of the files have it

  private:
    struct Found {
        std::string severity;
        bool in_a = false;
        bool in_b = false;
    };
    std::map<std::string, Found> findings_;
};

}  // namespace bitgauge
