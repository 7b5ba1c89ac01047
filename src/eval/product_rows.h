#pragma once

// Inputs of products as rows in memory of their own, and which matrices share them.

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "engine/product_observer.h"

namespace bitgauge {

// What one call of the model multiplied some matrices with.
struct ProductRows {
    size_t width = 0;
    size_t tokens = 0;
    size_t slots = 1;              // rows of one token
    std::vector<float> values;     // [tokens][slots][width]
    size_t choices = 0;            // experts that took one token; 0: none are chosen
    std::vector<int32_t> experts;  // [tokens][choices]; choice c took row c % slots

    std::span<const float> row(size_t token, size_t slot) const {
        return std::span(values).subspan((token * slots + slot) * width, width);
    }
    int32_t expert(size_t token, size_t choice) const { return experts[token * choices + choice]; }
    bool operator==(const ProductRows&) const = default;
};

ProductRows copy_rows(const ProductInput& input);

// Matrices of a layer that are multiplied with one and the same input.
struct InputGroup {
    std::vector<std::string> members;  // in the order of their products
    size_t width = 0;
    size_t experts = 0;  // matrices that each token chooses from; 0: one matrix

    const std::string& leader() const { return members.front(); }
};

// Collects the inputs of some weights. Weights of several matrices that no expert is chosen from
// are passed over: their products are of parts of rows.
class ProductRowsObserver : public ProductObserver {
  public:
    explicit ProductRowsObserver(std::set<std::string> wanted) : wanted_(std::move(wanted)) {}

    // The inputs of this one are the last that are wanted of a call.
    void stop_after(const std::string& weight) { last_ = weight; }
    bool is_enough(const std::string& weight) const override { return weight == last_; }

    bool wants(const std::string& weight) const override { return wanted_.contains(weight); }
    void on_product(const ProductInput& input) override;
    void on_shared(const ProductInput& input, const std::string& leader) override;

    // In the order of their first products.
    const std::vector<InputGroup>& groups() const { return groups_; }
    // By the groups' leaders, call after call since the last time.
    std::map<std::string, std::vector<ProductRows>> take();

  private:
    InputGroup* group_led_by(const std::string& leader);

    std::set<std::string> wanted_;
    std::string last_;
    std::vector<InputGroup> groups_;
    std::map<std::string, std::vector<ProductRows>> rows_;
};

}  // namespace bitgauge
