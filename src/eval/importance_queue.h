#pragma once

// Inputs of products on their way to the sums: copied by the thread that evaluates, squared and
// added by another one.

#include <atomic>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <oneapi/tbb/concurrent_queue.h>

#include "engine/product_observer.h"

#include "importance/importance_accumulator.h"

namespace bitgauge {

// One input under way.
struct QueuedInput {
    ProductInput input;
    std::string leader;  // of a shared one, which has no data
    std::vector<std::byte>* data = nullptr;
    std::vector<std::byte>* ids = nullptr;
};

class ImportanceQueue : public ProductObserver {
  public:
    explicit ImportanceQueue(ImportanceAccumulator& sums);
    ~ImportanceQueue() override;

    // Layers' weights; heads and embeddings are the business of whoever sees final states.
    bool wants(const std::string& weight) const override { return weight.starts_with("blk."); }
    void on_product(const ProductInput& input) override;
    void on_shared(const ProductInput& input, const std::string& leader) override;
    // Rows of the same width that a matrix is multiplied with.
    void on_rows(const std::string& weight, std::span<const float> rows, size_t width);

    // Everything handed over is in the sums. Throws what went wrong on the way.
    void drain();

  private:
    using Buffer = std::vector<std::byte>;
    Buffer* copy_of(const std::byte* bytes, size_t size);
    void give_back(Buffer* buffer);
    void put(QueuedInput item);
    void run();
    void add(const QueuedInput& item);
    void take(const QueuedInput& item);
    void rethrow_failure();

    ImportanceAccumulator& sums_;
    std::vector<Buffer> buffers_;
    tbb::concurrent_bounded_queue<Buffer*> free_;
    tbb::concurrent_bounded_queue<QueuedInput> waiting_;  // one without a weight ends the thread
    std::atomic<size_t> pending_ = 0;
    std::mutex mutex_;
    std::exception_ptr failure_;
    std::thread adder_;
};

}  // namespace bitgauge
