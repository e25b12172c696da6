// SPDX-License-Identifier: BSD-2-Clause
// The firmware as the stub sees it while boot services run: its console, its memory, its tables. Nothing here
// may be used once the end of boot services was tried, but for what frees memory.
#pragma once

#include "boot/uefi/firmware_tables.hpp"
#include "kernel/lib/address.hpp"
#include "kernel/lib/text.hpp"

#include <array>
#include <string_view>

namespace percival::boot::uefi {

struct Firmware {
    Handle image;
    SystemTable& table;

    BootServices& services() const { return *table.boot_services; }

    // The longest text of a line, in characters.
    static constexpr std::size_t kText = 160;

    // Prints a line. Text beyond kText is cut.
    void print(std::string_view text) const
    {
        constexpr std::string_view kBefore{"Percival: "};
        constexpr std::string_view kEnd{"\r\n"};
        std::array<char16_t, kBefore.size() + kText + kEnd.size() + 1> line;
        std::size_t used = 0;
        for (const std::string_view part : {kBefore, slice(text, 0, kText), kEnd}) {
            for (const char c : part)
                line[used++] = static_cast<u8>(c);
        }
        line[used] = 0;
        if (table.console_out != nullptr)
            table.console_out->output_string(table.console_out, line.data());
    }

    Status refuse(std::string_view why, Status status) const
    {
        print(why);
        return status;
    }
};

// Memory of the firmware that is freed again, unless the kernel takes it.
class Pages {
public:
    explicit Pages(const Firmware& firmware) : firmware_{firmware} {}
    ~Pages()
    {
        if (count_ != 0)
            firmware_.services().free_pages(base_, count_);
    }
    Pages(const Pages&) = delete;
    Pages& operator=(const Pages&) = delete;

    bool allocate(Bytes size)
    {
        const u64 count = size.align_up(Bytes{kFirmwarePage}) / Bytes{kFirmwarePage};
        if (firmware_.services().allocate_pages(AllocateType::AnyPages, kLoaderData, count, &base_) !=
            kSuccess)
            return false;
        count_ = count;
        return true;
    }
    u64 base() const { return base_; }
    Bytes size() const { return Bytes{count_ * kFirmwarePage}; }

private:
    const Firmware& firmware_;
    u64 base_{0};
    u64 count_{0};
};

template <class T>
T* pointer_to(u64 address)
{
    // SAFETY: the firmware maps memory at its physical address until the MMU is off (2.3.6).
    return reinterpret_cast<T*>(address);
}

// Returns null if the firmware has no such table.
inline const void* configuration_table(const SystemTable& table, const Guid& vendor)
{
    for (u64 at = 0; at < table.configuration_tables; ++at) {
        if (table.configuration[at].vendor == vendor)
            return table.configuration[at].table;
    }
    return nullptr;
}

} // namespace percival::boot::uefi
