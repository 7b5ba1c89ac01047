// LiveCodeBench (Jain et al. 2024), "code generation lite" as published.

#include <regex>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "questions/jsonl_sets.h"
#include "questions/packed_text.h"
#include "questions/pickled_text.h"
#include "questions/row.h"
#include "questions/set_builder.h"

namespace bitgauge {
namespace {

// What the benchmark's own judge imports before each answer.
constexpr const char* kPrelude = R"(from string import *
from re import *
from datetime import *
from collections import *
from heapq import *
from bisect import *
from copy import *
from math import *
from random import *
from statistics import *
from itertools import *
from functools import *
from operator import *
from io import *
from sys import *
from json import *
from builtins import *
from typing import *
import string, re, datetime, collections, heapq, bisect, copy, math, random, statistics
import itertools, functools, operator, io, sys, json
sys.setrecursionlimit(50000)
)";

// Each input is one line of JSON per argument; a tuple counts as a list. As the benchmark's own
// judge has it, a function that stands outside a class will do.
constexpr const char* kFunctionTests = R"(
def _check(text, name):
    import json
    call = getattr(Solution(), name) if "Solution" in globals() else globals()[name]
    for number, case in enumerate(json.loads(text), start=1):
        result = call(*[json.loads(line) for line in case["input"].split("\n")])
        result = list(result) if isinstance(result, tuple) else result
        if result != json.loads(case["output"]):
            raise AssertionError(f"case {{number}} is wrong")

_check({}, {})
)";

bool recognizes(const Json& first) {
    return first.contains("question_content") && first.contains("public_test_cases");
}

std::string set_of(const Json&) {
    return "livecodebench";
}

std::string id_of(const Json& row, size_t) {
    const auto found = row.find("question_id");
    if (found == row.end()) return {};
    return found->is_string() ? found->get<std::string>() : found->dump();
}

// JSON, or the pickled text of it, compressed, in base 64.
Json private_cases(const Json& row) {
    const std::string text = optional_text_of(row, "private_test_cases");
    if (text.empty()) return Json::array();
    if (text.front() == '[') return parsed_text_of(row, "private_test_cases");
    std::string pickled;
    std::string json;
    if (!inflate_text(decoded_base64(text), pickled) || !unpickle_text(pickled, json)) {
        throw BadQuestion{"\"private_test_cases\" cannot be unpacked"};
    }
    return parsed_text_of(Json{{"private_test_cases", json}}, "private_test_cases");
}

Json all_cases(const Json& row) {
    Json cases = parsed_text_of(row, "public_test_cases");
    if (!cases.is_array()) throw BadQuestion{"\"public_test_cases\" is no list"};
    for (Json& each : private_cases(row)) cases.push_back(std::move(each));
    if (cases.empty()) throw BadQuestion{"no tests"};
    return cases;
}

// "stdin" or "functional", of all cases together.
std::string test_type_of(const Json& cases) {
    std::string type = text_of(cases[0], "testtype");
    for (const Json& each : cases) {
        text_of(each, "input");
        text_of(each, "output");
        if (text_of(each, "testtype") != type) throw BadQuestion{"tests of several types"};
    }
    if (type == "stdin" || type == "functional") return type;
    throw BadQuestion{fmt::format("\"testtype\" is '{}', neither stdin nor functional", type)};
}

std::string function_name_of(const Json& row, const std::string& starter) {
    if (row.contains("metadata")) {
        const Json metadata = parsed_text_of(row, "metadata");
        if (metadata.is_object() && metadata.contains("func_name")) {
            return text_of(metadata, "func_name");
        }
    }
    static const std::regex method(R"(\bdef\s{1,8}([A-Za-z_]\w{0,99})\s{0,8}\()");
    std::smatch match;
    if (std::regex_search(starter, match, method)) return match[1];
    throw BadQuestion{"no name of the function to call"};
}

// JSON's text of a text is also Python's.
std::string python_text(const std::string& text) {
    return Json(text).dump();
}

std::vector<ProgramCase> program_cases(const Json& cases) {
    std::vector<ProgramCase> programs;
    for (const Json& each : cases)
        programs.push_back({text_of(each, "input"), text_of(each, "output")});
    return programs;
}

std::string title_and_text(const Json& row) {
    const std::string title = optional_text_of(row, "question_title");
    const std::string content = text_of(row, "question_content");
    return title.empty() ? content : fmt::format("{}\n\n{}", title, content);
}

Question question_of(const Json& row) {
    Question question;
    question.kind = AnswerKind::kCode;
    question.category = optional_text_of(row, "difficulty");
    question.prompt = title_and_text(row);
    question.starter = optional_text_of(row, "starter_code");
    question.prelude = kPrelude;
    const Json cases = all_cases(row);
    if (test_type_of(cases) == "stdin") {
        question.cases = program_cases(cases);
    } else {
        question.tests = fmt::format(kFunctionTests, python_text(cases.dump()),
                                     python_text(function_name_of(row, question.starter)));
    }
    return question;
}

}  // namespace

const JsonlFormat kLiveCodeBench = {recognizes, set_of, id_of, question_of};

}  // namespace bitgauge
