#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/prior.h"

#include "base/json.h"

namespace bitgauge {
namespace {

constexpr double kMostNats = 1e6;
constexpr uint64_t kMostCount = 1'000'000'000'000'000;
constexpr size_t kMostPoints = 10'000;
constexpr size_t kLongestName = 200;

// One place in an entry: a value and the path that leads to it.
class Place {
  public:
    Place(const Json& json, std::string origin, std::string path = {})
        : json_(json), origin_(std::move(origin)), path_(std::move(path)) {}

    [[noreturn]] void refuse(const std::string& problem) const {
        const std::string where = path_.empty() ? "" : fmt::format(" \"{}\"", path_);
        throw Error(ErrorKind::kInput, fmt::format("prior '{}':{} {}", origin_, where, problem),
                    "docs/formats/prior.md has the format; 'bitgauge prior add' writes it");
    }

    Place operator[](const char* key) const {
        if (!json_.is_object()) refuse("is not an object");
        const auto found = json_.find(key);
        if (found == json_.end()) inner(key).refuse("is missing");
        return {*found, origin_, inner(key).path_};
    }

    bool has(const char* key) const { return json_.is_object() && json_.contains(key); }

    std::string text() const {
        if (!json_.is_string()) refuse("is not a text");
        return json_.get<std::string>();
    }

    // Of a model, an architecture, a role: printed and looked up.
    std::string name() const {
        std::string value = text();
        require_name(value);
        return value;
    }

    void require_name(const std::string& value) const {
        const bool plain = std::ranges::all_of(value, [](char c) { return c >= ' ' && c <= '~'; });
        if (value.empty() || value.size() > kLongestName || !plain) {
            refuse(fmt::format("is no name of 1 to {} plain characters", kLongestName));
        }
    }

    bool flag() const {
        if (!json_.is_boolean()) refuse("is neither true nor false");
        return json_.get<bool>();
    }

    uint64_t count(uint64_t fewest, uint64_t most = kMostCount) const {
        const bool in_range = json_.is_number_unsigned() && json_.get<uint64_t>() >= fewest &&
                              json_.get<uint64_t>() <= most;
        if (!in_range) refuse(fmt::format("is no whole number from {} to {}", fewest, most));
        return json_.get<uint64_t>();
    }

    double number(double least, double most) const {
        const double value = json_.is_number() ? json_.get<double>() : NAN;
        if (value >= least && value <= most) return value;
        refuse(fmt::format("is {}, not a number from {} to {}", json_.dump(), least, most));
    }

    template <class Visit>  // visit(name, place)
    void each_member(const Visit& visit) const {
        if (!json_.is_object() || json_.empty()) refuse("is no object with members");
        for (const auto& [key, value] : json_.items()) {
            require_name(key);
            visit(key, Place(value, origin_, inner(key).path_));
        }
    }

    template <class Visit>  // visit(place)
    void each_element(size_t fewest, size_t most, const Visit& visit) const {
        if (!json_.is_array() || json_.size() < fewest || json_.size() > most) {
            refuse(fewest == most ? fmt::format("is no list of {}", fewest)
                                  : fmt::format("is no list of {} to {}", fewest, most));
        }
        for (size_t i = 0; i < json_.size(); ++i) {
            visit(Place(json_[i], origin_, fmt::format("{}[{}]", path_, i)));
        }
    }

  private:
    Place inner(const std::string& key) const {
        return {json_, origin_, path_.empty() ? key : path_ + "." + key};
    }

    const Json& json_;
    std::string origin_;
    std::string path_;
};

Json parsed(std::string_view text, const std::string& origin) {
    try {
        return Json::parse(text);
    } catch (const Json::exception& error) {
        Place(Json(), origin).refuse("is no JSON: " + reason_of(error));
    }
}

PriorSource read_source(const Place& place) {
    const std::string kind = place["kind"].text();
    if (kind != "sweep" && kind != "published") {
        place["kind"].refuse(R"(is neither "sweep" nor "published")");
    }
    return {.kind = kind,
            .about = place["about"].text(),
            .credit = place["credit"].text(),
            .link = place["link"].text(),
            .date = place["date"].text(),
            .corpus = place["corpus"].text(),
            .tokens = place["tokens"].count(0),
            .build = place["build"].text()};
}

Calibration read_calibration(const Place& place) {
    return {.norm = place["norm"].number(1, 2),
            .scale = place["scale"].number(1e-6, kMostNats),
            .exponent = place["exponent"].number(0.5, 2),
            .floor = place["floor_nats"].number(0, 10)};
}

PriorPoint read_point(const Place& place) {
    double numbers[3] = {};
    const double most[3] = {1, kMostNats, kMostNats};
    size_t i = 0;
    place.each_element(3, 3, [&](const Place& one) {
        numbers[i] = one.number(0, most[i]);
        ++i;
    });
    if (numbers[1] + numbers[2] > 0) return {numbers[0], numbers[1], numbers[2]};
    place.refuse("costs nothing: one of its parts must be above 0");
}

PriorRole read_role(const Place& place) {
    PriorRole role{.tensors = place["tensors"].count(1, 1'000'000),
                   .weights = place["weights"].count(1)};
    place["curve"].each_element(1, kMostPoints, [&](const Place& one) {
        const PriorPoint point = read_point(one);
        if (!role.curve.empty() && point.depth <= role.curve.back().depth) {
            one.refuse("lies no deeper than the point before it");
        }
        role.curve.push_back(point);
    });
    return role;
}

// --- writing -------------------------------------------------------------------------------------

// Six digits: far more than was measured.
double rounded(double value) {
    return std::stod(fmt::format("{:.5e}", value));
}

Json role_json(const PriorRole& role) {
    Json curve = Json::array();
    for (const PriorPoint& p : role.curve) {
        curve.push_back({rounded(p.depth), rounded(p.smooth), rounded(p.switching)});
    }
    return {{"tensors", role.tensors}, {"weights", role.weights}, {"curve", curve}};
}

// One role per line, which a person can read and a diff can show.
std::string roles_text(const Prior& prior) {
    std::string text;
    for (const auto& [name, role] : prior.roles) {
        text += fmt::format("{}  {}: {}", text.empty() ? "" : ",\n", Json(name).dump(),
                            role_json(role).dump());
    }
    return text;
}

}  // namespace

Prior parse_prior(std::string_view text, const std::string& origin) {
    const Json json = parsed(text, origin);
    const Place place(json, origin);
    if (const std::string schema = place["schema"].text(); schema != Prior::kSchema) {
        place["schema"].refuse(
            fmt::format("is \"{}\", this program reads \"{}\"", schema, Prior::kSchema));
    }
    Prior prior{.name = place["name"].name(),
                .architecture = place["architecture"].name(),
                .experts = place["experts"].flag(),
                .parameters = place["parameters"].count(1),
                .layers = static_cast<uint32_t>(place["layers"].count(1, 100'000)),
                .source = read_source(place["source"]),
                .calibration = read_calibration(place["calibration"]),
                .origin = origin};
    place["roles"].each_member(
        [&](const std::string& name, const Place& role) { prior.roles[name] = read_role(role); });
    return prior;
}

std::string prior_text(const Prior& prior) {
    const PriorSource& s = prior.source;
    const Calibration& c = prior.calibration;
    const Json head = {{"schema", Prior::kSchema},
                       {"name", prior.name},
                       {"architecture", prior.architecture},
                       {"experts", prior.experts},
                       {"parameters", prior.parameters},
                       {"layers", prior.layers},
                       {"source",
                        {{"kind", s.kind},
                         {"about", s.about},
                         {"credit", s.credit},
                         {"link", s.link},
                         {"date", s.date},
                         {"corpus", s.corpus},
                         {"tokens", s.tokens},
                         {"build", s.build}}},
                       {"calibration",
                        {{"norm", rounded(c.norm)},
                         {"scale", rounded(c.scale)},
                         {"exponent", rounded(c.exponent)},
                         {"floor_nats", rounded(c.floor)}}}};
    std::string text = head.dump(1);
    text.resize(text.rfind("\n}"));
    return text + ",\n \"roles\": {\n" + roles_text(prior) + "\n }\n}\n";
}

}  // namespace bitgauge
