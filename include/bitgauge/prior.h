#pragma once

// What other models' tensors cost: sensitivities by role and depth, for plans without a sweep. A
// plan made with them is a guess.
//
// A prior is one model: per role a curve over relative depth (0: first layer, 1: last) of what a
// single tensor costs. Some come with the program, a user's own are files of one folder. The format
// is docs/formats/prior.md; how well it serves: docs/decisions/0016-priors.md.
//
// Units: as in cost.h (nats per unit of relative error, nats per root of it). Values and pure
// functions except where a folder is named; thread-safe. Failures are Error(kInput) unless said
// otherwise.

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bitgauge/cost.h"
#include "bitgauge/recipe.h"
#include "bitgauge/sweep_table.h"

namespace bitgauge {

// One tensor of a role.
struct PriorPoint {
    double depth = 0;      // layer / (layers - 1); 0 for tensors without layer
    double smooth = 0;     // nats per unit of error
    double switching = 0;  // nats per root of error
};

struct PriorRole {
    uint64_t tensors = 0;           // of the role in the model, measured or not
    uint64_t weights = 0;           // of all of these together
    std::vector<PriorPoint> curve;  // depths ascend; one point: the same everywhere
};

// Where the numbers come from, for people.
struct PriorSource {
    std::string kind;    // "sweep" or "published"
    std::string about;   // what was measured, and how the curves were made from it
    std::string credit;  // whose they are; "" for own sweeps
    std::string link;    // of published ones
    std::string date;    // "2026-11-22"
    std::string corpus;  // names of the texts
    uint64_t tokens = 0;
    std::string build;
};

struct Prior {
    static constexpr const char* kSchema = "bitgauge.prior/1";

    std::string name;          // of the model
    std::string architecture;  // general.architecture
    bool experts = false;
    uint64_t parameters = 0;
    uint32_t layers = 0;
    PriorSource source;
    Calibration calibration;
    std::map<std::string, PriorRole> roles;
    std::string origin;  // "shipped", or the file; not part of the text
};

// --- entries -------------------------------------------------------------------------------------

// Refuses what is no entry, with `origin` and the place: no JSON, another schema, missing or
// unknown keys' values, numbers that are negative, not finite or absurd, depths out of order.
Prior parse_prior(std::string_view text, const std::string& origin);

// Text that parse_prior() reads back as the same entry.
std::string prior_text(const Prior& prior);

// A finished sweep as an entry. Refuses one with a role that has no probe, or without whole mixes.
Prior prior_of(const SweepTable& sweep);

// --- collections ---------------------------------------------------------------------------------

const std::vector<Prior>& shipped_priors();

// A user's own: ${XDG_DATA_HOME:-~/.local/share}/bitgauge/priors; empty where the environment names
// neither.
std::filesystem::path own_priors_folder();

// The folder's entries (none where it does not exist), then the shipped ones that none of these
// replaces by having the same name and architecture. In the order of their names.
std::vector<Prior> all_priors(const std::filesystem::path& folder);

struct KeptPrior {
    std::filesystem::path path;
    bool replaced = false;  // there was one of the same name and architecture
};

// Error(kEnvironment) where the folder cannot be made or written.
KeptPrior keep_prior(const Prior& prior, const std::filesystem::path& folder);

// --- guessing ------------------------------------------------------------------------------------

// The tensors of a model that a quantizer touches; neither errors nor probes yet.
std::vector<TensorCost> quantized_tensors(const ModelHeader& model);

// Of one architecture the nearest in size; else of models that also have (or also have no) experts
// those that know most of the model's weights by role, and of these the nearest in size. Refuses
// where there is none: those of the other kind are worse than uniform bits.
const Prior& nearest_prior(std::span<const Prior> priors, const ModelHeader& model);

// By name, letter case apart; refuses with the nearest name.
const Prior& prior_named(std::span<const Prior> priors, const std::string& name);

struct GuessedSensitivities {
    std::vector<Sensitivity> sensitivities;  // one per tensor; Source::kPrior
    std::vector<std::string> unknown_roles;  // that the prior does not have
};

// A role's curve at a tensor's relative depth. What all tensors of a role cost together is taken
// over, not what one does: with more layers each costs less. An output head that is tied to the
// embeddings costs what both do; where only the prior's is, the head costs that and the embeddings
// a seventh. A role that the prior does not have costs, for its share of the
// weights, the geometric mean of the prior's roles (of routed experts, or of the others).
GuessedSensitivities guess_sensitivities(const Prior& prior,
                                         const std::vector<TensorCost>& tensors);

// --- types of weights nobody has read ------------------------------------------------------------

// The relative error of a type on N(0, 1) weights, encoded by this program once: without
// importance, or with one that is the same everywhere, which makes encoders search more carefully.
// nullopt for types that are not quantized, not known, or need importance where there is none.
std::optional<double> gaussian_error(std::string_view type, bool importance);

// Those of all types that a tensor can have; its own: 0.
std::map<std::string, double> gaussian_errors(const TensorInfo& tensor, bool importance);

}  // namespace bitgauge
