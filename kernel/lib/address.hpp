// SPDX-License-Identifier: BSD-2-Clause
// Physical and virtual addresses as types that convert neither into each other nor into integers.
//
// A physical address becomes a pointer in one place only (mm/kernel_map/linear_map.hpp). A local percpu
// address becomes a global one in one place only (mm/percpu/area.hpp). To audit every conversion, search for
// calls of these.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival {

// A number of bytes.
class Bytes {
public:
    constexpr Bytes() = default;
    constexpr explicit Bytes(u64 count) : count_{count} {}
    constexpr u64 count() const { return count_; }
    constexpr Bytes operator+(Bytes other) const { return Bytes{count_ + other.count_}; }
    constexpr Bytes operator-(Bytes other) const { return Bytes{count_ - other.count_}; }
    constexpr Bytes operator*(u64 factor) const { return Bytes{count_ * factor}; }
    // How often `part` fits.
    constexpr u64 operator/(Bytes part) const { return count_ / part.count_; }
    constexpr Bytes& operator+=(Bytes other)
    {
        count_ += other.count_;
        return *this;
    }

    // `alignment` is a power of two.
    constexpr Bytes align_down(Bytes alignment) const { return Bytes{count_ & ~(alignment.count_ - 1)}; }
    constexpr Bytes align_up(Bytes alignment) const
    {
        return Bytes{count_ + alignment.count_ - 1}.align_down(alignment);
    }

    friend constexpr auto operator<=>(Bytes, Bytes) = default;

private:
    u64 count_{0};
};

template <class Tag>
class Address {
public:
    constexpr Address() = default;
    constexpr explicit Address(u64 raw) : raw_{raw} {}

    constexpr u64 raw() const { return raw_; }

    constexpr Address operator+(Bytes n) const { return Address{raw_ + n.count()}; }
    constexpr Address operator-(Bytes n) const { return Address{raw_ - n.count()}; }
    // Returns the distance from `other` up to this address.
    constexpr Bytes operator-(Address other) const { return Bytes{raw_ - other.raw_}; }
    constexpr Address& operator+=(Bytes n)
    {
        raw_ += n.count();
        return *this;
    }

    // `alignment` must be a power of two.
    constexpr bool is_aligned(Bytes alignment) const { return (raw_ & (alignment.count() - 1)) == 0; }
    constexpr Address align_down(Bytes alignment) const { return Address{raw_ & ~(alignment.count() - 1)}; }
    constexpr Address align_up(Bytes alignment) const
    {
        return Address{(raw_ + alignment.count() - 1) & ~(alignment.count() - 1)};
    }

    friend constexpr auto operator<=>(Address, Address) = default;

private:
    u64 raw_{0};
};

// Printed with the prefix P: or V:, so that a log always shows the kind of an address.
using PhysAddr = Address<struct PhysTag>;
using VirtAddr = Address<struct VirtTag>;

inline VirtAddr address_of(const volatile void* object)
{
    // SAFETY: a pointer has 64 bits, and its value is the virtual address.
    return VirtAddr{reinterpret_cast<u64>(object)};
}

// The half-open range [base, base + size). An empty range contains nothing and overlaps nothing.
template <class A>
struct Range {
    A base;
    Bytes size;

    constexpr A end() const { return base + size; }
    constexpr bool is_empty() const { return size == Bytes{0}; }
    constexpr bool contains(A address) const { return address >= base && address - base < size; }
    constexpr bool contains(Range other) const
    {
        return contains(other.base) && other.size <= size - (other.base - base) && !other.is_empty();
    }
    constexpr bool overlaps(Range other) const
    {
        // Compares distances, because a range that reaches the end of the address space has an end() of 0.
        return base <= other.base ? other.base - base < size && !other.is_empty()
                                  : base - other.base < other.size && !is_empty();
    }
    friend constexpr bool operator==(Range, Range) = default;
};

using PhysRange = Range<PhysAddr>;

// The end of the architecture's physical address space: 52 bits (Arm ARM D8.1.3, FEAT_LPA and FEAT_LPA2).
inline constexpr PhysAddr kPhysicalLimit{u64{1} << 52};
using VirtRange = Range<VirtAddr>;

inline namespace literals {
constexpr Bytes operator""_KiB(unsigned long long n)
{
    return Bytes{n << 10};
}
constexpr Bytes operator""_MiB(unsigned long long n)
{
    return Bytes{n << 20};
}
constexpr Bytes operator""_GiB(unsigned long long n)
{
    return Bytes{n << 30};
}
constexpr Bytes operator""_TiB(unsigned long long n)
{
    return Bytes{n << 40};
}
} // namespace literals

} // namespace percival
