#include "bitgauge/template.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/gguf.h"
#include "bitgauge/version.h"

#include "base/files.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/model_template.h"
#include "cli/require.h"
#include "cli/template_report.h"
#include "gguf/header_copy.h"
#include "report/escape.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

struct TemplateArguments {
    fs::path file;
    fs::path out;
    bool fix = false;
    bool json = false;
};

// Where a template comes from: `model` is there for a GGUF file.
struct TemplateSource {
    std::optional<GgufFile> model;
    ChatTemplate chat_template;
};

bool is_model(const fs::path& path) {
    char magic[4] = {};
    std::ifstream(path, std::ios::binary).read(magic, sizeof magic);
    return path.extension() == ".gguf" || std::string_view(magic, sizeof magic) == "GGUF";
}

// Any text is a Jinja template, but one without a tag is hardly meant as one.
std::string read_template_text(const fs::path& path) {
    std::string text = read_text_file(path);
    require(text.find("{{") != std::string::npos || text.find("{%") != std::string::npos,
            fmt::format("'{}' is neither a model nor a template: it has no {{{{ and no {{%",
                        path.string()),
            "give a GGUF file, or a Jinja template by itself");
    return text;
}

TemplateSource read_template(const fs::path& path) {
    if (!is_model(path)) return {{}, {read_template_text(path), "<s>", "</s>"}};
    GgufFile model = GgufFile::open(path);
    const auto chat_template = template_of(model);
    require(chat_template.has_value(),
            fmt::format("'{}' has no chat template ({})", path.string(), kTemplateKey),
            "give the template as a .jinja file");
    return {std::move(model), *chat_template};
}

std::string change_note(const TemplateLint& lint) {
    return fmt::format("bitgauge {}: {}", kVersion, fmt::join(lint.changes, "; "));
}

// Says what became of the tensors.
std::string write_corrected(const TemplateArguments& a, const TemplateSource& source,
                            const TemplateLint& lint, Console& console) {
    if (!source.model) {
        std::error_code absent;
        require(!fs::equivalent(a.file, a.out, absent),
                fmt::format("'{}' would be replaced by its correction", a.file.string()),
                "give another path for the new file");
        write_file_atomically(a.out, *lint.corrected);
        return fmt::format("wrote {}\n", a.out.string());
    }
    const std::string hash = write_with_texts(
        *source.model,
        {{kTemplateKey, *lint.corrected},
         {"bitgauge.template.change", change_note(lint)},
         {"bitgauge.template.original.hash", hash_text(source.chat_template.source)}},
        a.out, console.progress());
    return fmt::format("wrote {}: {}, {} bytes, unchanged (hash {})\n", a.out.string(),
                       counted(source.model->tensors().size(), "tensor"),
                       format_count(source.model->tensor_bytes()), hash);
}

void require_usable(const TemplateArguments& a, const TemplateLint& lint) {
    if (lint.unusable.empty()) return;
    throw Error(ErrorKind::kInput,
                fmt::format("the chat template of '{}' cannot be used: {}", a.file.string(),
                            printable(lint.unusable)),
                "take the template from the model's own publisher");
}

bool may_be_corrected(const TemplateFinding& finding) {
    return finding.severity == Severity::kError &&
           finding.id.find("text-arguments") != std::string::npos;
}

void require_no_errors(const TemplateArguments& a, const TemplateLint& lint) {
    const uint64_t errors = lint.count(Severity::kError);
    if (errors == 0) return;
    const bool known = std::ranges::any_of(lint.findings, may_be_corrected);
    throw Error(ErrorKind::kGate,
                fmt::format("the chat template of '{}' has {}",
                            (lint.corrected ? a.out : a.file).string(), counted(errors, "error")),
                known ? "'--fix -o NEW' writes a file with a corrected template" : "");
}

void run_template(const TemplateArguments& a, Console& console) {
    require(a.fix == !a.out.empty(), "--fix and -o go together",
            "add --fix -o NEW.gguf to write a corrected file");
    const TemplateSource source = read_template(a.file);
    const TemplateLint lint = lint_template(source.chat_template, a.fix);
    std::string written;
    if (lint.corrected) written = write_corrected(a, source, lint, console);
    const std::string name = printable(a.file.filename().string());
    if (a.json) {
        Json record = template_json(name, lint);
        if (lint.corrected) record["output"] = printable(a.out.string());
        console.print(record.dump(2) + "\n");
    } else {
        console.print(template_text(name, lint) + written);
    }
    require_usable(a, lint);
    require(!a.fix || lint.corrected.has_value(),
            fmt::format("no correction is known for what is wrong with '{}'", a.file.string()),
            "--fix corrects tool-call arguments that are given as JSON text");
    require_no_errors(a, lint);
}

}  // namespace

void add_template(CLI::App& app, Console& console) {
    const auto a = std::make_shared<TemplateArguments>();
    CLI::App* command =
        add_command(app, console, "template", "What is wrong with a model's chat template",
                    "  bitgauge template model-Q4_K_M.gguf\n"
                    "  bitgauge template chat_template.jinja --json\n"
                    "  bitgauge template model.gguf --fix -o corrected.gguf");
    command->add_option("FILE", a->file, "A model, or a template by itself (.jinja)")
        ->required()
        ->type_name("");
    command->add_flag("--fix", a->fix,
                      "Write a file with a corrected template, the rest unchanged");
    command->add_option("-o,--output", a->out, "The corrected file")->type_name("NEW");
    command->add_flag("--json", a->json, "Print one JSON record");
    command->callback([a, &console] { run_template(*a, console); });
}

}  // namespace bitgauge
