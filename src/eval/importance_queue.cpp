#include "eval/importance_queue.h"

#include <cstring>
#include <utility>

namespace bitgauge {
namespace {

constexpr size_t kBuffers = 12;  // inputs and routings that wait at most

ImportanceWeight weight_of(const ProductInput& input) {
    return {.name = input.weight, .matrices = input.matrices, .stacks = input.stacks};
}

}  // namespace

ImportanceQueue::ImportanceQueue(ImportanceAccumulator& sums) : sums_(sums), buffers_(kBuffers) {
    for (Buffer& buffer : buffers_) free_.push(&buffer);
    adder_ = std::thread([this] { run(); });
}

ImportanceQueue::~ImportanceQueue() {
    waiting_.push({});
    adder_.join();
}

void ImportanceQueue::put(QueuedInput item) {
    ++pending_;
    waiting_.push(std::move(item));
}

// The other thread: in the order of arrival, until something without a name comes.
void ImportanceQueue::run() {
    for (QueuedInput item;;) {
        waiting_.pop(item);
        if (item.input.weight.empty()) return;
        add(item);
        --pending_;
        pending_.notify_all();
    }
}

// Waits where too much is under way.
ImportanceQueue::Buffer* ImportanceQueue::copy_of(const std::byte* bytes, size_t size) {
    Buffer* buffer = nullptr;
    free_.pop(buffer);
    buffer->resize(size);
    std::memcpy(buffer->data(), bytes, size);
    return buffer;
}

void ImportanceQueue::give_back(Buffer* buffer) {
    if (buffer != nullptr) free_.push(buffer);
}

void ImportanceQueue::on_product(const ProductInput& input) {
    rethrow_failure();
    QueuedInput item{.input = input};
    item.data = copy_of(input.data, input.bytes);
    if (input.ids != nullptr) item.ids = copy_of(input.ids, input.id_bytes);
    put(std::move(item));
}

void ImportanceQueue::on_shared(const ProductInput& input, const std::string& leader) {
    put({.input = input, .leader = leader});
}

void ImportanceQueue::on_rows(const std::string& weight, std::span<const float> rows,
                              size_t width) {
    const uint64_t row = width * sizeof(float);
    on_product({.weight = weight,
                .data = reinterpret_cast<const std::byte*>(rows.data()),
                .shape = {width, rows.size() / width, 1, 1},
                .strides = {sizeof(float), row, rows.size_bytes(), rows.size_bytes()},
                .bytes = rows.size_bytes()});
}

void ImportanceQueue::add(const QueuedInput& item) {
    try {
        take(item);
    } catch (...) {
        const std::lock_guard lock(mutex_);
        if (!failure_) failure_ = std::current_exception();
    }
    give_back(item.data);
    give_back(item.ids);
}

void ImportanceQueue::take(const QueuedInput& item) {
    const ProductInput& in = item.input;
    if (!item.leader.empty()) return sums_.share(weight_of(in), item.leader);
    const Activation x{.data = item.data->data(), .shape = in.shape, .strides = in.strides};
    if (item.ids == nullptr) return sums_.add(weight_of(in), x);
    sums_.add_routed(weight_of(in), x,
                     {.data = item.ids->data(),
                      .slots = in.id_shape[0],
                      .tokens = in.id_shape[1],
                      .slot_stride = in.id_strides[0],
                      .token_stride = in.id_strides[1]});
}

void ImportanceQueue::drain() {
    for (size_t left = pending_; left > 0; left = pending_) pending_.wait(left);
    rethrow_failure();
}

void ImportanceQueue::rethrow_failure() {
    const std::lock_guard lock(mutex_);
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

}  // namespace bitgauge
