#pragma once

// The divergence where the matrices are multiplied: heads lie in the memory of a ggml device,
// states go there, and a graph reduces logits to a few figures per position, which alone come back.
//
// With l and m the logits of original and candidate, p = softmax(l), t = arg-max l, u = arg-max m:
//   KL(P || Q) = sum_v p_v ((l_v - l_t) - (m_v - m_t)) + ln p_t - ln q_t,
//   ln q_t = m_t - m_u + ln q_u;   nats [Kullback & Leibler 1951].
// Not thread-safe. Error(kEnvironment) when the device has too little memory.

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "bitgauge/token.h"

#include "engine/head.h"

namespace bitgauge {

// What one position contributes; nothing of it means anything where a figure is not finite.
struct DeviceFigures {
    double kld_nats = 0;
    double nll_nats = 0;        // -ln Q(next)
    double reference_nats = 0;  // -ln P(next)
    bool same_top = false;
};

class Device {
  public:
    enum class Kind { kAccelerator, kCpu };

    // The first device of that kind, or nothing.
    static std::unique_ptr<Device> open(Kind kind);
    ~Device();
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

    // A head's weights in the device's memory, for as long as it lives; the device must outlive it.
    class LoadedHead;
    std::shared_ptr<const LoadedHead> load(const Head& head);

    // Rows of original_states and candidate_states (each of its head's width) and next belong
    // together. Works through as many rows at once as `scratch_bytes` of the device's memory hold.
    std::vector<DeviceFigures> diverge(const LoadedHead& original,
                                       std::span<const float> original_states,
                                       const LoadedHead& candidate,
                                       std::span<const float> candidate_states,
                                       std::span<const TokenId> next,
                                       size_t scratch_bytes = size_t{1} << 30);

  private:
    struct Parts;
    explicit Device(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace bitgauge
