#include "cli/hub_arguments.h"

namespace bitgauge {

HubOptions hub_options(const HubArguments& arguments) {
    HubOptions options = hub_options_from_environment();
    if (!arguments.endpoint.empty()) options.endpoint = arguments.endpoint;
    options.offline = options.offline || arguments.offline;
    return options;
}

void add_hub_options(CLI::App& command, HubArguments& arguments, const char* group) {
    command
        .add_option("--endpoint", arguments.endpoint,
                    "The server [HF_ENDPOINT, or else https://huggingface.co]")
        ->type_name("URL")
        ->group(group);
    command.add_flag("--offline", arguments.offline, "Use the cache alone (HF_HUB_OFFLINE)")
        ->group(group);
}

}  // namespace bitgauge
