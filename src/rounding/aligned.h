#pragma once

// Vectors whose values begin at a line of the cache, so that no load of a whole one straddles two.

#include <cstddef>
#include <new>
#include <vector>

namespace bitgauge {

template <class T>
struct LineAllocator {
    using value_type = T;
    static constexpr std::align_val_t kLine{64};

    LineAllocator() = default;
    template <class U>
    LineAllocator(const LineAllocator<U>&) {}  // NOLINT(google-explicit-constructor): a rebind

    T* allocate(size_t count) { return static_cast<T*>(::operator new(count * sizeof(T), kLine)); }
    void deallocate(T* values, size_t) { ::operator delete(values, kLine); }
    bool operator==(const LineAllocator&) const = default;
};

template <class T>
using AlignedVector = std::vector<T, LineAllocator<T>>;

}  // namespace bitgauge
