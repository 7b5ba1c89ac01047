#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/verdict.h"

#include "questions/questions_testing.h"
#include "questions/sandbox.h"

namespace bitgauge {
namespace {

using namespace std::chrono_literals;

Question code_question(const std::string& tests) {
    Question question;
    question.kind = AnswerKind::kCode;
    question.prompt = "?";
    question.tests = tests;
    return question;
}

std::string block(const std::string& program) {
    return "```python\n" + program + "\n```\n";
}

JudgeLimits short_limits() {
    JudgeLimits limits;
    limits.code_time = 1s;
    return limits;
}

// Skips where programs cannot be run at all.
class JudgeCode : public testing::Test {
  protected:
    void SetUp() override {
        static const SandboxState state = sandbox_available();
        if (!state.available) GTEST_SKIP() << "no sandbox here: " << state.reason;
    }

    static Verdict judged(const Question& question, const std::string& answer) {
        return judge_answers({&question, 1}, {&answer, 1}, short_limits())[0];
    }
    static Verdict judged(const std::string& program, const std::string& tests) {
        return judged(code_question(tests), block(program));
    }

    // The note on a hostile program, after which a good one must still be right.
    static std::string note_on(const std::string& program) {
        const std::vector<Question> questions = {code_question("assert x == 1"),
                                                 code_question("assert x == 1")};
        const std::vector<std::string> answers = {block(program + "\nx = 1"), block("x = 1")};
        const std::vector<Verdict> verdicts = judge_answers(questions, answers, short_limits());
        EXPECT_FALSE(verdicts[0].correct);
        EXPECT_TRUE(verdicts[1].correct) << verdicts[1].note;
        return verdicts[0].note;
    }
};

TEST_F(JudgeCode, IsRightWhenTheTestsPass) {
    const Verdict verdict = judged("def add(a, b):\n    return a + b", "assert add(1, 2) == 3");
    EXPECT_TRUE(verdict.correct) << verdict.note;
    EXPECT_TRUE(contains(verdict.found, "return a + b"));
}

TEST_F(JudgeCode, SaysWhereItFailed) {
    EXPECT_EQ(judged("def add(a, b):\n    return a - b", "\nassert add(1, 2) == 3").note,
              "AssertionError (line 2 of the tests)");
    EXPECT_TRUE(contains(judged("x = y", "pass").note, "NameError: name 'y' is not defined"));
    EXPECT_TRUE(contains(judged("x = = y", "pass").note, "SyntaxError"));
}

TEST_F(JudgeCode, TakesAWholeTextThatIsPython) {
    EXPECT_TRUE(judged(code_question("assert x == 1"), "x = 1\n").correct);
    EXPECT_FALSE(judged(code_question("assert x == 1"), "The answer is x.").correct);
    EXPECT_EQ(judged(code_question("pass"), " \n").note, "there is no program in it");
}

TEST_F(JudgeCode, GoesOnFromTheStarter) {
    Question question = code_question("assert twice(2) == 4");
    question.starter = "def helper(x):\n    return x + x\n\ndef twice(x):\n    '''Twice x.'''\n";
    EXPECT_TRUE(judged(question, block("    return helper(x)")).correct);
    EXPECT_TRUE(judged(question, block("def twice(x):\n    return helper(x)")).correct);
    EXPECT_FALSE(judged(question, block("y = 1")).correct);
}

TEST_F(JudgeCode, CanonicalSolutionsOfHumanEvalAreRight) {
    // HumanEval/38: decode_cyclic() needs encode_cyclic() of the starter.
    const QuestionSet set = read_questions(data_path("HumanEval_excerpt.jsonl.gz"));
    const Question& question = set.questions.at(2);
    const std::string solution = "    return encode_cyclic(encode_cyclic(s))\n";
    const Verdict verdict = judged(question, block(solution));
    EXPECT_TRUE(verdict.correct) << verdict.note;
    EXPECT_FALSE(judged(question, block("    return s\n")).correct);
}

TEST_F(JudgeCode, JudgesMethodsAndProgramsOfLiveCodeBench) {
    const QuestionSet set = read_questions(data_path("livecodebench_v6_made_up.jsonl"));
    const std::string program = block("a, b = map(int, input().split())\nprint(a + b)");
    EXPECT_TRUE(judged(set.questions.at(0), program).correct)
        << judged(set.questions[0], program).note;
    EXPECT_EQ(judged(set.questions.at(0), block("print(3)")).note,
              "case 2 of 3: its output is not the right one");
    const std::string method = block(
        "class Solution:\n    def largestFirst(self, nums: List[int]) -> List[int]:\n"
        "        return sorted(nums)[::-1]");
    EXPECT_TRUE(judged(set.questions.at(1), method).correct)
        << judged(set.questions[1], method).note;
    const std::string function =
        block("def largestFirst(nums):\n    return tuple(sorted(nums)[::-1])");
    EXPECT_TRUE(judged(set.questions.at(1), function).correct);
    const std::string wrong = block("def largestFirst(nums):\n    return nums");
    EXPECT_TRUE(contains(judged(set.questions.at(1), wrong).note, "case 1 is wrong"));
}

TEST_F(JudgeCode, ComparesOutputByWordsAndNumbers) {
    Question question = code_question("");
    question.cases = {{"", "1 2\n0.5\n"}};
    EXPECT_TRUE(judged(question, block("print('1  2 ')\nprint('0.50\\n\\n')")).correct);
    EXPECT_FALSE(judged(question, block("print('1 2 0.5')")).correct);
    EXPECT_TRUE(contains(judged(question, block("print('1 2\\n0.5'); exit(3)")).note, "status 3"));
}

TEST_F(JudgeCode, AMainProgramRunsInCasesOnly) {
    const std::string program = block("x = 1\nif __name__ == '__main__':\n    x = 2\n    print(x)");
    EXPECT_TRUE(judged(code_question("assert x == 1"), program).correct);
    Question question = code_question("");
    question.cases = {{"", "2"}};
    EXPECT_TRUE(judged(question, program).correct);
}

TEST_F(JudgeCode, ThatEndsBeforeItsTestsIsWrong) {
    EXPECT_TRUE(contains(note_on("import sys\nsys.exit(0)"), "before its tests were through"));
    EXPECT_NE(note_on("import os\nos._exit(0)"), "");
    EXPECT_NE(note_on("import os\nif os.fork():\n    os._exit(0)"), "");
}

TEST_F(JudgeCode, ContainsAForkBomb) {
    EXPECT_TRUE(
        contains(note_on("import os\nwhile True: os.fork()"), "Resource temporarily unavailable"));
    EXPECT_EQ(note_on("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"),
              "it ran longer than 1 s");
}

TEST_F(JudgeCode, ContainsALargeAllocation) {
    EXPECT_EQ(note_on("b = bytearray(10 << 30)"), "MemoryError: it may have 1024 MiB");
}

TEST_F(JudgeCode, ContainsALoopWithoutEnd) {
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(note_on("while True: pass"), "it ran longer than 1 s");
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
}

TEST_F(JudgeCode, ContainsWritingOutside) {
    for (const char* path :
         {"/usr/x", "/x", "/dev/shm/x", "/usr/lib/python3/x", "/run_answer.py"}) {
        const std::string note = note_on("open('" + std::string(path) + "', 'w')");
        EXPECT_TRUE(contains(note, "Read-only file system") || contains(note, "Permission denied"))
            << path << ": " << note;
    }
    EXPECT_TRUE(contains(note_on("import os\nos.mkdir('" BITGAUGE_TEST_DATA "/x')"),
                         "No such file or directory"));
    EXPECT_TRUE(judged("open('/tmp/x', 'w').write('a')\nx = 1", "assert x == 1").correct);
}

TEST_F(JudgeCode, ContainsLargeFiles) {
    EXPECT_NE(note_on("f = open('/tmp/x', 'wb')\nfor i in range(64): f.write(bytes(1 << 20))"), "");
    EXPECT_NE(note_on("for n in range(8):\n    f = open(f'/tmp/{n}', 'wb')\n"
                      "    for i in range(15): f.write(bytes(1 << 20))"),
              "");
}

TEST_F(JudgeCode, ContainsASocket) {
    const std::string note =
        note_on("import socket\nsocket.create_connection(('1.1.1.1', 80), timeout=1)");
    EXPECT_TRUE(contains(note, "Network is unreachable")) << note;
}

TEST_F(JudgeCode, CannotReadHome) {
    const char* home = std::getenv("HOME");
    if (home == nullptr) GTEST_SKIP() << "HOME is not set";
    EXPECT_TRUE(contains(note_on("import os\nos.listdir('" + std::string(home) + "')"),
                         "No such file or directory"));
    EXPECT_TRUE(contains(note_on("open('/etc/passwd')"), "No such file or directory"));
    EXPECT_TRUE(
        contains(note_on("import os\nassert set(os.environ) <= {'PATH', 'HOME', 'LC_ALL', "
                         "'PWD', 'PYTHONHASHSEED', 'OPENBLAS_NUM_THREADS'}\nraise KeyError"),
                 "KeyError"));
}

TEST_F(JudgeCode, HasNoRights) {
    EXPECT_TRUE(contains(note_on("import os\nos.setuid(0)\nassert os.getuid() == 0"), "Error"));
    EXPECT_TRUE(contains(note_on("import resource as r\n"
                                 "r.setrlimit(r.RLIMIT_AS, (r.RLIM_INFINITY, r.RLIM_INFINITY))"),
                         "Error"));
}

TEST_F(JudgeCode, ContainsPrintingForever) {
    EXPECT_EQ(note_on("while True: print('x' * 1000)"), "it printed more than 16.00 MiB");
}

bool is_running(const std::string& name) {
    for (const auto& process : std::filesystem::directory_iterator("/proc")) {
        std::ifstream file(process.path() / "cmdline");
        std::string first;
        if (std::getline(file, first, '\0') && first == name) return true;
    }
    return false;
}

TEST_F(JudgeCode, LeavesNoProcessBehind) {
    const std::string name = "bitgauge-sleeper-" + std::to_string(::getpid());
    const std::string sleep = "os.setsid(); os.execv('/bin/sleep', ['" + name + "', '60'])";
    note_on("import os\nif os.fork() == 0: " + sleep + "\nraise ValueError");
    note_on("import os\nif os.fork() == 0: " + sleep + "\nwhile True: pass");
    EXPECT_FALSE(is_running(name));
}

TEST(Sandbox, IsNeverGoneRound) {
    const Error error = error_of([] { Sandbox({}, "/no/such/bwrap"); });
    EXPECT_EQ(error.kind(), ErrorKind::kEnvironment);
    EXPECT_TRUE(contains(error.what(), "only run inside bubblewrap")) << error.what();
    EXPECT_TRUE(contains(error.what(), "'/no/such/bwrap' is not installed")) << error.what();
    EXPECT_TRUE(contains(error.hint(), "install the package bubblewrap"));
}

}  // namespace
}  // namespace bitgauge
