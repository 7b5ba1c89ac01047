#include "bitgauge/recipe.h"

#include <filesystem>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/resolution_report.h"
#include "report/grid.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

struct RecipeArguments {
    fs::path file;
    std::string recipe;
    std::string tensor;
    std::string base;
    bool importance = false;
    bool custom_q = false;
    bool json = false;
};

using Arguments = std::shared_ptr<RecipeArguments>;

void print_json(const Json& record, Console& console) {
    // names in a model file may be no UTF-8
    console.print(record.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

Json recipe_json(const Recipe& recipe) {
    return {{"name", recipe.name},        {"about", recipe.about},
            {"source", recipe.source},    {"confidence", recipe.confidence},
            {"extends", recipe.extends},  {"rules", recipe.rules.size()},
            {"text", recipe_text(recipe)}};
}

// --- list, show
// ------------------------------------------------------------------------------------

void run_list(const RecipeArguments& a, Console& console) {
    Json all = Json::array();
    Grid grid;
    grid.columns = {
        {"preset", "", true, ""}, {"confidence", "", true, ""}, {"about", "", true, ""}};
    for (const Recipe& preset : presets()) {
        if (preset.name == "never") continue;
        all.push_back(recipe_json(preset));
        grid.rows.push_back({preset.name, preset.confidence, preset.about});
    }
    if (a.json) return print_json({{"schema", "bitgauge.recipes/1"}, {"recipes", all}}, console);
    console.print(text_of(grid));
}

void run_show(const RecipeArguments& a, Console& console) {
    const Recipe recipe = load_recipe(a.recipe);
    if (!a.json) return console.print(recipe_text(recipe));
    print_json({{"schema", "bitgauge.recipes/1"}, {"recipes", {recipe_json(recipe)}}}, console);
}

// --- explain
// ---------------------------------------------------------------------------------------

Resolution resolve_for(const RecipeArguments& a, const Recipe& recipe, Console& console) {
    const ModelHeader model = model_header(GgufFile::open(a.file));
    Resolution resolution = resolve(model, recipe, a.importance);
    for (const std::string& note : resolution.notes) console.progress().warn(note);
    return resolution;
}

void check_importance(const Resolution& resolution) {
    require_importance(resolution,
                       "add --with-importance, or let the recipe choose a type there that does "
                       "without");
}

void print_explanation(const RecipeArguments& a, const Resolution& resolution, const Recipe& recipe,
                       Console& console) {
    if (a.json) return print_json(resolution_json(resolution, recipe, a.tensor), console);
    console.print(a.tensor.empty() ? resolution_text(resolution, recipe)
                                   : tensor_explanation(resolution, a.tensor));
}

// The answer comes first: one may want to know why importance would be needed.
void run_explain(const RecipeArguments& a, Console& console) {
    const Recipe recipe = load_recipe(a.recipe);
    const Resolution resolution = resolve_for(a, recipe, console);
    print_explanation(a, resolution, recipe, console);
    check_importance(resolution);
}

// --- other tools
// -----------------------------------------------------------------------------------

void run_export(const RecipeArguments& a, Console& console) {
    const Resolution resolution = resolve_for(a, load_recipe(a.recipe), console);
    check_importance(resolution);
    warn_of_fallbacks(resolution, console.progress());
    console.print(a.custom_q ? custom_q(resolution) : tensor_type_file(resolution));
}

void run_import(const RecipeArguments& a, Console& console) {
    const Recipe recipe =
        a.custom_q ? read_custom_q(a.file, a.base) : read_tensor_type_file(a.file, a.base);
    console.print(recipe_text(recipe));
}

void add_json(CLI::App* command, const Arguments& a) {
    command->add_flag("--json", a->json, "Print JSON");
}

void add_recipe_argument(CLI::App* command, const Arguments& a) {
    command->add_option("RECIPE", a->recipe, "A preset's name or a .recipe file")
        ->required()
        ->type_name("");
}

void add_model_argument(CLI::App* command, const Arguments& a) {
    command->add_option("FILE", a->file, "The model; of a split one, the first shard")
        ->required()
        ->type_name("");
}

void add_importance(CLI::App* command, const Arguments& a) {
    command->add_flag("-i,--with-importance", a->importance,
                      "As if an importance matrix was there");
}

void add_list(CLI::App& recipe, Console& console) {
    const auto a = std::make_shared<RecipeArguments>();
    CLI::App* command =
        add_command(recipe, console, "list", "The presets", "  bitgauge recipe list");
    add_json(command, a);
    command->callback([a, &console] { run_list(*a, console); });
}

void add_show(CLI::App& recipe, Console& console) {
    const auto a = std::make_shared<RecipeArguments>();
    CLI::App* command = add_command(recipe, console, "show", "A recipe's text",
                                    "  bitgauge recipe show AesSedai-Q4_K_M > mine.recipe");
    add_recipe_argument(command, a);
    add_json(command, a);
    command->callback([a, &console] { run_show(*a, console); });
}

void add_explain(CLI::App& recipe, Console& console) {
    const auto a = std::make_shared<RecipeArguments>();
    CLI::App* command =
        add_command(recipe, console, "explain", "Which tensor gets which type, and why",
                    "  bitgauge recipe explain model-BF16.gguf Q4_K_M\n"
                    "  bitgauge recipe explain model-BF16.gguf mine.recipe '*.ffn_down.*'");
    add_model_argument(command, a);
    add_recipe_argument(command, a);
    command->add_option("TENSOR", a->tensor, "One tensor's name, or a pattern with * and ?")
        ->type_name("");
    add_importance(command, a);
    add_json(command, a);
    command->callback([a, &console] { run_explain(*a, console); });
}

void add_export(CLI::App& recipe, Console& console) {
    const auto a = std::make_shared<RecipeArguments>();
    CLI::App* command =
        add_command(recipe, console, "export", "The same types for llama-quantize or ik_llama.cpp",
                    "  bitgauge recipe export model-BF16.gguf AesSedai-Q4_K_M > types.txt\n"
                    "  llama-quantize --tensor-type-file types.txt model-BF16.gguf out.gguf Q8_0");
    add_model_argument(command, a);
    add_recipe_argument(command, a);
    add_importance(command, a);
    command->add_flag("--custom-q", a->custom_q, "For ik_llama.cpp's --custom-q");
    command->callback([a, &console] { run_export(*a, console); });
}

void add_import(CLI::App& recipe, Console& console) {
    const auto a = std::make_shared<RecipeArguments>();
    CLI::App* command =
        add_command(recipe, console, "import", "A recipe from a --tensor-type-file or a --custom-q",
                    "  bitgauge recipe import types.txt --base Q4_K_M > mine.recipe");
    command->add_option("RULES", a->file, "The file with REGEX=TYPE")->required()->type_name("");
    command->add_option("--base", a->base, "The file type that was given with it")
        ->required()
        ->type_name("NAME");
    command->add_flag("--custom-q", a->custom_q, "It is ik_llama.cpp's --custom-q");
    command->callback([a, &console] { run_import(*a, console); });
}

}  // namespace

void add_recipe(CLI::App& app, Console& console) {
    CLI::App* recipe = add_command(app, console, "recipe", "Recipes: which tensor gets which type",
                                   "  bitgauge recipe list\n"
                                   "  bitgauge recipe explain model-BF16.gguf Q4_K_M\n"
                                   "'bitgauge recipe COMMAND --help' tells the options of each.");
    recipe->require_subcommand(1);
    add_list(*recipe, console);
    add_show(*recipe, console);
    add_explain(*recipe, console);
    add_export(*recipe, console);
    add_import(*recipe, console);
}

}  // namespace bitgauge
