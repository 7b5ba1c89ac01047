#pragma once

// The page of a model's quantized files: a README.md as Hugging Face reads it (a "model card"),
// made from the files' headers and from records.
//
// Goals: no figure without a record; what the records do not decide is called so; every command
// that led to a figure stands there. Non-goals: prose about the model, which its authors have
// written. Pure and thread-safe. Names out of files are escaped for the form they are put into.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bitgauge/drift_record.h"
#include "bitgauge/identity.h"
#include "bitgauge/record.h"
#include "bitgauge/task_record.h"

namespace bitgauge {

// Matrices of one role that have one type.
struct CardTensors {
    std::string role;  // "ffn_down_exps"
    std::string type;  // ggml's name
    uint64_t tensors = 0;
};

// One model file, by its header.
struct CardFile {
    std::string path;     // from the folder, '/' between parts; of a split one, the first shard
    ModelIdentity model;  // without content_hash no record can be of it
    std::string tokenizer_hash;   // as GgufFile's
    std::string original_file;    // that it says it was made from; "" where it says nothing
    std::string original_hash;    // of that
    std::string importance_file;  // that it says it was made with; "" for none
    std::string promised_nats;    // mean KLD that a plan promised, as the file has it; "" for none
    bool guessed = false;         // that was a guess from another model
    std::string preset;           // "Q4_K_M", or what it is like: "like Q4_K_M"; "" unknown
    std::vector<CardTensors> tensors;
};

// What goes into the page's head and its commands; "" leaves out what is not said.
struct CardOptions {
    std::string title;
    std::string repository;  // "user/name": where the page will stand
    std::string license;
    std::string base_model;  // "user/name" of the original
    std::string quantized_by;
    std::string pipeline_tag = "text-generation";
    std::string store = "bitgauge.db";  // as commands name it
    std::string baseline;               // only records of this one; its key or the beginning of it
    bool can_run = false;               // the program has the command 'run'
};

// Everything that a store has; what is of other files is left out.
struct CardRecords {
    std::vector<MeasureRecord> measured;
    std::vector<TaskRecord> answered;
    std::vector<DriftRecord> drifted;
};

// Requires files. Error(kInput): files of several originals, by their headers or by their records,
// with names.
std::string model_card(const std::vector<CardFile>& files, const CardRecords& records,
                       const CardOptions& options);

// Whether model_card() wrote this text.
bool is_model_card(std::string_view text);

}  // namespace bitgauge
