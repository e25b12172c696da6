// SPDX-License-Identifier: BSD-2-Clause
// A PCI bus with a virtio-mem device, found and started as the kernel does, and the kernel's RAM.
#pragma once

#include "kernel/virtio/structures.hpp"
#include "virtio/virtio_model.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace percival {

class VirtioBed : public testing::Test {
protected:
    VirtioBed() { make(256 << 20); }
    ~VirtioBed() override;

    // Replaces the machine by one with a region of that size.
    void make(u64 region_size);
    // Finds the device, and makes `device` of it. Returns the error, or an empty text.
    std::string_view find();
    // Starts it. Returns the error, or an empty text.
    std::string_view start();

    std::unique_ptr<VirtioMemModel> model;
    std::unique_ptr<VirtioBusModel> bus;
    std::unique_ptr<MemoryDevice> device;
    VirtioDevice registers{};
};

} // namespace percival
