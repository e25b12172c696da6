// SPDX-License-Identifier: BSD-2-Clause
// A vector with a fixed capacity and no heap. push() returns false when the vector is full, so that callers
// can report what they had to leave out.
//
// Only items that were pushed exist: to make an empty vector costs one store, whatever its capacity.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>

namespace percival {

template <class T, std::size_t Capacity>
class BoundedVector {
    static_assert(std::is_trivially_copyable_v<T>, "items are copied with the vector, and not destroyed");

public:
    constexpr BoundedVector()
    {
        if consteval { // a constant has no uninitialized parts
            std::construct_at(&items_);
        }
    }

    [[nodiscard]] constexpr bool push(const T& value)
    {
        if (size_ == Capacity)
            return false;
        std::construct_at(&items_[size_++], value);
        return true;
    }
    // Removes item `at` and moves the last item to its place.
    constexpr void remove_unordered(std::size_t at) { items_[at] = items_[--size_]; }
    // Keeps at most the first `size` items.
    constexpr void truncate(std::size_t size) { size_ = size < size_ ? size : size_; }
    constexpr void clear() { size_ = 0; }

    constexpr std::size_t size() const { return size_; }
    [[nodiscard]] constexpr bool empty() const { return size_ == 0; }
    constexpr T& operator[](std::size_t at) { return items_[at]; }
    constexpr const T& operator[](std::size_t at) const { return items_[at]; }
    constexpr T* begin() { return items_.data(); }
    constexpr T* end() { return items_.data() + size_; }
    constexpr const T* begin() const { return items_.data(); }
    constexpr const T* end() const { return items_.data() + size_; }
    constexpr std::span<const T> span() const { return {items_.data(), size_}; }

private:
    union {
        std::array<T, Capacity> items_;
    };
    std::size_t size_{0};
};

} // namespace percival
