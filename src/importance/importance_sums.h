#pragma once

// What measuring importance adds up: squares of every matrix's inputs, and how many rows they came
// from. Files of it are written and read here, and sums of several passes added.
//
// Unit: sum over rows of x^2 per input channel, in double; a row is one token, or for routed
// experts one token at one of its experts. importance.h reads the same files for whoever only needs
// E[x^2].

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace bitgauge {

struct ImportanceSums {
    // What one activation adds up to. Several tensors may have read it (q, k and v).
    struct Group {
        uint64_t channels = 0;        // of a row
        uint64_t matrices = 1;        // experts, or matrices of a tensor of three dimensions
        std::vector<double> sums;     // channels x matrices, matrix after matrix
        std::vector<int64_t> counts;  // rows: one per expert of a routed tensor, else one in all
    };
    struct Text {
        std::string path;
        std::string stratum;
        std::string content_hash;
        uint64_t documents = 0;
    };
    struct Stratum {
        std::string name;
        uint64_t documents = 0;  // clusters that were read
        uint64_t windows = 0;
        uint64_t tokens = 0;
    };
    // What the sums come from; empty or 0 where that is not known.
    struct Provenance {
        std::string bitgauge;    // version of the program that measured
        std::string engine;      // of llama.cpp, with its commit
        std::string model;       // base name of the model's file
        std::string model_hash;  // content hash of it
        std::string protocol;    // "documents" or "llama-perplexity"
        std::vector<Text> texts;
        std::vector<Stratum> strata;
    };

    std::vector<Group> groups;              // one that no tensor names is left out of files
    std::map<std::string, size_t> tensors;  // "blk.0.attn_q.weight" -> index of its group
    std::vector<std::string> datasets;      // texts, as they were named
    int64_t chunks = 0;                     // windows
    uint32_t chunk_size = 0;                // tokens of a window at most
    Provenance made;

    const Group& of(const std::string& tensor) const { return groups[tensors.at(tensor)]; }
};

}  // namespace bitgauge
