#include <charconv>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "bitgauge/chat.h"
#include "bitgauge/error.h"
#include "bitgauge/gguf.h"

#include "base/files.h"
#include "base/units.h"
#include "cli/chat_context.h"
#include "cli/chat_placement.h"
#include "cli/chat_session.h"
#include "cli/choice.h"
#include "cli/commands.h"
#include "cli/engine_options.h"
#include "cli/fit_machine.h"
#include "cli/hub_arguments.h"
#include "cli/memory_fit.h"
#include "cli/require.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kMostLayers = 10'000;

struct RunArguments {
    std::string model;
    std::optional<std::string> prompt;
    fs::path chat_template;
    std::string context;              // tokens, as typed
    std::string gpu_layers = "auto";  // as typed
    std::optional<uint32_t> cpu_expert_layers;
    int64_t answer_tokens = -1;
    int64_t seed = -1;
    HubArguments hub;
    // llama.cpp's own defaults
    ChatOptions chat = {
        .sampling = {.temperature = 0.8F, .top_k = 40, .top_p = 0.95F, .min_p = 0.05F}};
};

// What is to be answered once; nothing where somebody types.
std::optional<std::string> given_prompt(const RunArguments& a) {
    if (a.prompt || ::isatty(STDIN_FILENO) == 1) return a.prompt;
    std::string text(std::istreambuf_iterator<char>(std::cin), {});
    if (text.ends_with('\n')) text.pop_back();
    return text;
}

// Before a model is loaded for minutes.
void require_text(const std::optional<std::string>& prompt) {
    require(!prompt || !prompt->empty(), "the prompt is empty",
            "give it with -p PROMPT or through a pipe, or run this in a terminal to talk");
}

// Nothing for "auto"; nothing else for what is neither a number nor a word.
struct TypedLayers {
    bool valid = true;
    std::optional<uint32_t> layers;
};

TypedLayers layers_by_name(const std::string& text) {
    constexpr uint32_t kAll = std::numeric_limits<int32_t>::max();
    if (text == "auto") return {};
    if (text == "all" || text == "-1") return {.layers = kAll};
    uint32_t layers = 0;
    const char* end = text.data() + text.size();
    const auto [stop, problem] = std::from_chars(text.data(), end, layers);
    return {.valid = problem == std::errc() && stop == end && layers <= kAll, .layers = layers};
}

ChatWish wish_of(const RunArguments& a) {
    ChatWish wish{.key_type = a.chat.key_type,
                  .value_type = a.chat.value_type,
                  .gpu_layers = layers_by_name(a.gpu_layers).layers,
                  .cpu_expert_layers = a.cpu_expert_layers};
    if (a.context == "0") wish.tokens = 0;  // all the model was trained with
    if (!a.context.empty() && a.context != "0") wish.tokens = parse_tokens(a.context);
    return wish;
}

// Where the model goes becomes its options.
void take(const ChatPlacement& placed, const ChatWish& wish, EngineOptions& engine) {
    const Placement& placement = placed.placement;
    const bool nowhere = placement.fit == Fit::kNowhere && !wish.gpu_layers;
    engine.gpu_layers = nowhere ? -1 : static_cast<int32_t>(placement.gpu_layers);
    engine.cpu_expert_layers = placement.cpu_expert_layers;
    if (engine.tensor_split.empty()) engine.tensor_split = placement.split;
}

// What a conversation has: its context, and on a machine with cards where the model is.
struct Start {
    ChatContext context;
    std::string where;  // "" without cards
};

Start start_of(RunArguments& a, const fs::path& path, Console& console) {
    const ChatWish wish = wish_of(a);
    const GgufFile model = GgufFile::open(path);
    const Machine machine = memories_here();
    if (machine.cards.empty()) return {choose_context(model, wish, available_memory()), ""};
    const ChatPlacement placed =
        place_chat(path, model, machine, wish, this_program(), console.progress());
    take(placed, wish, a.chat.engine);
    return {placed.context, placed.where};
}

uint32_t drawn_seed() {
    return std::random_device()();
}

void complete(RunArguments& a, const ChatContext& context) {
    a.chat.isolation = this_program();
    a.chat.context_tokens = context.tokens;
    a.chat.answer_tokens = a.answer_tokens > 0 ? static_cast<uint32_t>(a.answer_tokens) : 0;
    a.chat.seed = a.seed >= 0 ? static_cast<uint32_t>(a.seed) : drawn_seed();
    if (!a.chat_template.empty()) a.chat.chat_template = read_text_file(a.chat_template);
}

void say_what_runs(const RunArguments& a, const fs::path& path, const Start& start,
                   Console& console) {
    const ChatContext& context = start.context;
    console.note(fmt::format("{}: context of {} tokens ({}){}{}", path.filename().string(),
                             format_count(context.tokens), context.why,
                             start.where.empty() ? "" : "; ", start.where));
    if (!context.warning.empty()) console.progress().warn(context.warning);
    console.progress().detail(fmt::format("seed {}", a.chat.seed));
}

void say_without_template(const Chat& chat, const RunArguments& a, Console& console) {
    if (chat.has_template()) return;
    console.note(a.chat.raw ? "each text is continued as it stands, by itself"
                            : "the model has no chat template: each text is continued as it "
                              "stands, by itself (--chat-template FILE gives it one)");
}

void run_chat(RunArguments& a, Console& console) {
    const auto prompt = given_prompt(a);
    require_text(prompt);
    const fs::path path = find_model(a.model, hub_options(a.hub), console.progress());
    const Start start = start_of(a, path, console);
    complete(a, start.context);
    say_what_runs(a, path, start, console);
    Chat chat(path, a.chat, console.progress());
    say_without_template(chat, a, console);
    ChatSession session(chat, start.context.tokens, console);
    if (prompt) {
        session.answer_once(*prompt);
    } else {
        console.note("/help names the commands");
        session.converse();
    }
    console.note(speed_text(session.totals()));
}

void add_texts(CLI::App& command, RunArguments& a) {
    command
        .add_option("MODEL", a.model,
                    "A GGUF file, or USER/NAME[:TAG] of Hugging Face: from the cache, else fetched")
        ->required()
        ->type_name("");
    command
        .add_option("-p,--prompt", a.prompt,
                    "Answer this and end [standard input, if it is no "
                    "terminal]")
        ->type_name("PROMPT");
    command.add_option("--system", a.chat.system, "A message before all others; also -sys")
        ->type_name("MESSAGE");
    command
        .add_option("--chat-template,--chat-template-file", a.chat_template,
                    "A Jinja template in place of the model's own")
        ->type_name("FILE");
    command.add_flag("--raw", a.chat.raw, "Continue texts as they stand, without a template");
    command.add_flag_callback(
        "--think", [&a] { a.chat.thinking = true; },
        "Ask the template for thoughts before answers");
    command.add_flag_callback(
        "--no-think", [&a] { a.chat.thinking = false; }, "Ask the template for none");
}

void add_sampling(CLI::App& command, RunArguments& a) {
    SamplingOptions& s = a.chat.sampling;
    const auto add = [&command](const char* name, auto& value, const char* type, const char* text) {
        return command.add_option(name, value, text)
            ->type_name(type)
            ->capture_default_str()
            ->group("Sampling");
    };
    add("-n,--n-predict,--predict", a.answer_tokens, "N", "Tokens of an answer, at most (-1: any)");
    add("--temp,--temperature", s.temperature, "T", "0: always the likeliest token")
        ->check(CLI::Range(0.0, 100.0));
    add("--top-k", s.top_k, "N", "Draw from the N likeliest (0: all)")
        ->check(CLI::Range(0, 1 << 24));
    add("--top-p", s.top_p, "P", "Draw from the likeliest that reach P together")
        ->check(CLI::Range(0.0, 1.0));
    add("--min-p", s.min_p, "P", "Draw from those with P of the likeliest's probability")
        ->check(CLI::Range(0.0, 1.0));
    add("--repeat-penalty", s.repeat_penalty, "X", "Tokens used lately become less likely (1: not)")
        ->check(CLI::Range(0.01, 100.0));
    add("--repeat-last-n", s.repeat_last, "N", "Lately: among the last N tokens")
        ->check(CLI::Range(0, 1 << 24));
    add("-s,--seed", a.seed, "N", "Of the draws (-1: another each time)")
        ->check(CLI::Range(int64_t{-1}, int64_t{UINT32_MAX}));
}

void add_context(CLI::App& command, RunArguments& a) {
    command
        .add_option("-c,--ctx-size", a.context,
                    "Tokens of prompt and answer together, such as 32k; 0: all the model was "
                    "trained with [of those as many as memory holds, at most 8,192]")
        ->type_name("N")
        ->group("Evaluation");
    const auto add_type = [&command](const char* name, std::string& type, const char* text) {
        command.add_option(name, type, text)
            ->type_name("TYPE")
            ->check(one_of(kept_types()))
            ->capture_default_str()
            ->group("Evaluation");
    };
    add_type("--cache-type-k", a.chat.key_type, "Of keys; also -ctk");
    add_type("--cache-type-v", a.chat.value_type, "Of values; also -ctv");
}

void add_machine(CLI::App& command, RunArguments& a) {
    command.add_option("-t,--threads", a.chat.engine.threads, "Threads (0: one per core)")
        ->type_name("N")
        ->capture_default_str()
        ->group("Evaluation");
    command
        .add_option("--n-gpu-layers,--gpu-layers", a.gpu_layers,
                    "Layers on accelerators: a number, all, or auto: as fit says; also -ngl")
        ->check([](const std::string& text) {
            return layers_by_name(text).valid
                       ? std::string()
                       : "expected auto, all or a number, not '" + text + "'";
        })
        ->type_name("N")
        ->capture_default_str()
        ->group("Evaluation");
    command
        .add_option("--n-cpu-moe", a.cpu_expert_layers,
                    "Experts of the first N layers in main memory [as fit says]; also -ncmoe")
        ->type_name("N")
        ->check(CLI::Range(0U, kMostLayers))
        ->group("Evaluation");
    command
        .add_option("--tensor-split", a.chat.engine.tensor_split,
                    "Layers on each accelerator [as fit says]; also -ts")
        ->type_name("N,...")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->group("Evaluation");
    add_hub_options(command, a.hub, "Transfer");
}

}  // namespace

void add_run(CLI::App& app, Console& console) {
    const auto a = std::make_shared<RunArguments>();
    CLI::App* command =
        add_command(app, console, "run", "Talk to a model, or have one text answered",
                    "  bitgauge run model-Q4_K_M.gguf\n"
                    "  bitgauge run unsloth/Qwen3-8B-GGUF:Q4_K_M --system 'Answer in French.'\n"
                    "  bitgauge run model.gguf -p 'Why is the sky blue?' --temp 0 -n 200\n"
                    "  git diff | bitgauge run model.gguf --system 'Review this.' > review.md");
    add_texts(*command, *a);
    add_sampling(*command, *a);
    add_context(*command, *a);
    add_machine(*command, *a);
    command->callback([a, &console] { run_chat(*a, console); });
}

}  // namespace bitgauge
