# SPDX-License-Identifier: BSD-2-Clause
"""Mutants of PCI, of virtio, and of the memory that follows a virtio-mem device."""

from __future__ import annotations

from mutant import Mutant, on_host

SOURCES = (
    "tests/host/virtio/pci_model.cpp",
    "tests/host/virtio/virtio_bed.cpp",
    "tests/host/virtio/virtio_model.cpp",
    "tests/host/virtio/pci_host_test.cpp",
    "tests/host/virtio/virtio_device_test.cpp",
    "tests/host/virtio/memory_device_test.cpp",
    "tests/host/virtio/memory_follower_test.cpp",
    "kernel/pci/host.cpp",
    "kernel/virtio/device.cpp",
    "kernel/virtio/request_queue.cpp",
    "kernel/virtio/structures.cpp",
    "kernel/virtio_mem/memory_device.cpp",
    "kernel/virtio_mem/memory_follower.cpp",
)
HOST = "kernel/pci/host.cpp"
DEVICE = "kernel/virtio/device.cpp"
QUEUE = "kernel/virtio/request_queue.cpp"
STRUCTURES = "kernel/virtio/structures.cpp"
MEMORY = "kernel/virtio_mem/memory_device.cpp"
FOLLOWER = "kernel/virtio_mem/memory_follower.cpp"


def _mutant(name: str, file: str, old: str, new: str, tests: str) -> Mutant:
    return on_host(f"virtio: {name}", file, old, new, SOURCES, tests)


MUTANTS = (
    _mutant(
        "a loop of capabilities ends late",
        "kernel/pci/capabilities.hpp",
        "PciFunction::kHeaderEnd) / 4;",
        "PciFunction::kHeaderEnd) * 4;",
        "*in_a_loop_end*",
    ),
    _mutant(
        "capabilities are looked for in the header",
        "kernel/pci/capabilities.hpp",
        "at < PciFunction::kHeaderEnd || left == 0",
        "left == 0",
        "*in_the_header_end*",
    ),
    _mutant(
        "what firmware has started keeps its addresses",
        HOST,
        "            function.stop();\n",
        "            static_cast<void>(function);\n",
        "*firmware_has_started*",
    ),
    _mutant(
        "a BAR is not aligned to its size",
        HOST,
        "Bytes{bus}.align_up(wanted) - Bytes{bus}",
        "Bytes{bus}.align_up(Bytes{16}) - Bytes{bus}",
        "*aligned_to_its_size*",
    ),
    _mutant(
        "a window has no end",
        HOST,
        "if (skipped > size || wanted > size - skipped)",
        "if (skipped > size)",
        "*without_room*",
    ),
    _mutant(
        "a size need not be a power of two",
        HOST,
        "if (kept != (all & ~(size - 1)))",
        "if (kept == 0)",
        "*cannot_be*",
    ),
    _mutant(
        "a structure beyond its BAR is used",
        STRUCTURES,
        "return bar.contains(range) ? range : PhysRange{};",
        "return range;",
        "*no_structure_beyond*",
    ),
    _mutant(
        "the last structure of a kind counts",
        STRUCTURES,
        "structure == nullptr || structure->length != 0 ||",
        "structure == nullptr ||",
        "*order_of_the_specification*",
    ),
    _mutant(
        "the end of a reset is not waited for",
        DEVICE,
        "if (!arch::poll_until([this] { return status() == 0; }))",
        "if (!arch::poll_until([] { return true; }))",
        "*until_it_is_reset*",
    ),
    _mutant(
        "features are not looked at again",
        DEVICE,
        "if ((status() & kFeaturesOk) == 0)",
        "if (status() == 0)",
        "*does_not_accept_its_features*",
    ),
    _mutant(
        "all offered features are accepted",
        DEVICE,
        "offered & (wanted | required)",
        "offered",
        "*only_what_is_offered_and_known*",
    ),
    _mutant(
        "a notification goes anywhere",
        DEVICE,
        "if (notify_at + kNotifyBytes > registers_.notify_length || ",
        "if (",
        "*where_it_says*",
    ),
    _mutant(
        "the queue may be seen before its memory is",
        DEVICE,
        "    arch::dmb<arch::Shareability::OuterShareable, arch::Access::Store>();\n    common.write16(",
        "    common.write16(",
        "*order_of_the_specification*",
    ),
    _mutant(
        "the notification may come before the request",
        DEVICE,
        "    arch::dmb<arch::Shareability::OuterShareable, arch::Access::Store>();\n    registers_.notify",
        "    registers_.notify",
        "*an_answer_is_waited_for*",
    ),
    _mutant(
        "the index may come before the request",
        QUEUE,
        "    arch::dmb<arch::Shareability::OuterShareable, arch::Access::Store>();\n    ++sent_;",
        "    ++sent_;",
        "*an_answer_is_waited_for*",
    ),
    _mutant(
        "the answer may be older than its index",
        QUEUE,
        "    arch::dmb<arch::Shareability::OuterShareable, arch::Access::Load>();\n",
        "",
        "*changes_the_state_of_blocks*",
    ),
    _mutant(
        "a barrier does not reach devices",
        QUEUE,
        "arch::Shareability::OuterShareable, arch::Access::Load",
        "arch::Shareability::InnerShareable, arch::Access::Load",
        "*changes_the_state_of_blocks*",
    ),
    _mutant(
        "an index that jumps is believed",
        QUEUE,
        "if (seen != static_cast<u16>(sent_ - 1))",
        "if (false)",
        "*an_index_that_jumps*",
    ),
    _mutant(
        "a short answer is believed",
        QUEUE,
        "if (used.length < answer.size())",
        "if (used.length == 0)",
        "*a_short_answer*",
    ),
    _mutant(
        "a changing configuration is believed",
        "kernel/virtio/device.hpp",
        "if (generation() == before)",
        "if (generation() >= before)",
        "*changes_meanwhile*",
    ),
    _mutant(
        "a predecessor's memory stays plugged",
        MEMORY,
        "if (now->plugged != Bytes{0}) {",
        "if (now->plugged == now->region.size) {",
        "*what_a_predecessor_has_plugged*",
    ),
    _mutant(
        "a region may lie beyond the physical addresses",
        MEMORY,
        "region > kPhysicalLimit.raw() - address",
        "region > kPhysicalLimit.raw()",
        "*impossible_configuration*",
    ),
    _mutant(
        "memory is added without being plugged",
        FOLLOWER,
        "    if (spare == 0) {\n",
        "    if (spare == 1) {\n",
        "*grows_and_shrinks*",
    ),
    _mutant(
        "memory that cannot be added stays plugged",
        FOLLOWER,
        "        if (const auto unplugged = unplug(index); !unplugged)\n            return unplugged;\n",
        "",
        "*is_given_back*",
    ),
    _mutant(
        "a unit in use ends the round",
        FOLLOWER,
        "            stuck_ |= bit(index);\n            continue;\n",
        '            return obstacle("pages are in use");\n',
        "*units_in_use_stay*",
    ),
    _mutant(
        "memory is unplugged though it is in use",
        FOLLOWER,
        "            stuck_ |= bit(index);\n            continue;\n",
        "",
        "*units_in_use_stay*",
    ),
    _mutant(
        "memory beyond the usable part is plugged",
        FOLLOWER,
        "if (index >= units_ || into_region_ + unit_ * (index + 1) > usable)",
        "if (index >= units_ || usable == Bytes{0})",
        "*beyond_the_usable_part*",
    ),
)
