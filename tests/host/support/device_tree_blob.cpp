// SPDX-License-Identifier: BSD-2-Clause
#include "support/device_tree_blob.hpp"

#include "support/machine_invariants.hpp"

#include <libfdt.h>
#include <sanitizer/asan_interface.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace percival::testing {
namespace {

const std::filesystem::path kTrees{PERCIVAL_DEVICE_TREES};

// Returns `result`, or ends the program if it is an error: then the input of the test is wrong, not the
// tested code.
int expect_fdt(int result, const std::string& what)
{
    if (result >= 0)
        return result;
    static_cast<void>(std::fprintf(stderr, "test input: %s: %s\n", what.c_str(), fdt_strerror(result)));
    std::abort();
}

std::string describe(const DeviceTreeError& error)
{
    std::array<char, 512> room;
    Writer out{room};
    error.describe(out);
    return std::string{out.text()};
}

} // namespace

Blob load_tree(std::string_view name)
{
    std::ifstream file{kTrees / (std::string{name} + ".dtb"), std::ios::binary};
    const std::vector<char> bytes{std::istreambuf_iterator<char>{file}, {}};
    if (bytes.empty())
        expect_fdt(-FDT_ERR_NOTFOUND, std::string{name});
    Blob blob(bytes.size());
    std::memcpy(blob.data(), bytes.data(), bytes.size());
    expect_fdt(fdt_pack(blob.data()), "pack");
    blob.resize(fdt_totalsize(blob.data()));
    return blob;
}

std::vector<std::string> all_trees()
{
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator{kTrees}) {
        if (entry.path().extension() == ".dtb")
            names.push_back(entry.path().stem());
    }
    std::ranges::sort(names);
    return names;
}

TreeEditor::TreeEditor(const Blob& blob) : blob_(blob.size() + 256 * 1024)
{
    expect_fdt(fdt_open_into(blob.data(), blob_.data(), static_cast<int>(blob_.size())), "open");
}

int TreeEditor::node(const std::string& path) const
{
    return expect_fdt(fdt_path_offset(blob_.data(), path.c_str()), path);
}

TreeEditor& TreeEditor::add_node(const std::string& parent, const std::string& name)
{
    expect_fdt(fdt_add_subnode(blob_.data(), node(parent), name.c_str()), name);
    return *this;
}

TreeEditor& TreeEditor::remove_node(const std::string& path)
{
    expect_fdt(fdt_del_node(blob_.data(), node(path)), path);
    return *this;
}

TreeEditor& TreeEditor::set_cells(const std::string& path, const std::string& property,
                                  std::initializer_list<u32> cells)
{
    std::vector<std::byte> bytes;
    for (u32 cell : cells) {
        for (unsigned shift : {24U, 16U, 8U, 0U})
            bytes.push_back(static_cast<std::byte>(cell >> shift));
    }
    return set_bytes(path, property, bytes);
}

TreeEditor& TreeEditor::set_text(const std::string& path, const std::string& property, std::string_view text)
{
    std::vector<std::byte> bytes(text.size() + 1);
    std::ranges::transform(text, bytes.begin(), [](char c) { return static_cast<std::byte>(c); });
    return set_bytes(path, property, bytes);
}

TreeEditor& TreeEditor::set_bytes(const std::string& path, const std::string& property,
                                  std::span<const std::byte> bytes)
{
    expect_fdt(
        fdt_setprop(blob_.data(), node(path), property.c_str(), bytes.data(), static_cast<int>(bytes.size())),
        property);
    return *this;
}

TreeEditor& TreeEditor::remove_property(const std::string& path, const std::string& property)
{
    expect_fdt(fdt_delprop(blob_.data(), node(path), property.c_str()), path + " " + property);
    return *this;
}

TreeEditor& TreeEditor::add_block_reservation(u64 address, u64 size)
{
    expect_fdt(fdt_add_mem_rsv(blob_.data(), address, size), "memreserve");
    return *this;
}

Blob TreeEditor::finish() const
{
    Blob packed = blob_;
    expect_fdt(fdt_pack(packed.data()), "pack");
    packed.resize(fdt_totalsize(packed.data()));
    return packed;
}

GuardedBlob::GuardedBlob(std::span<const std::byte> bytes)
{
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    // The reader needs 8-byte alignment, so up to 7 bytes lie between the last byte and the page behind.
    const std::size_t room = (bytes.size() + 7) / 8 * 8;
    const std::size_t readable = (room + page - 1) / page * page;
    mapping_size_ = readable + page;
    void* mapping = mmap(nullptr, mapping_size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED || mprotect(static_cast<std::byte*>(mapping) + readable, page, PROT_NONE) != 0)
        std::abort();
    mapping_ = static_cast<std::byte*>(mapping);
    bytes_ = {mapping_ + readable - room, bytes.size()};
    std::ranges::copy(bytes, bytes_.begin());
    ASAN_POISON_MEMORY_REGION(mapping_, readable - room);
    ASAN_POISON_MEMORY_REGION(bytes_.data() + bytes_.size(), room - bytes.size());
}

GuardedBlob::~GuardedBlob()
{
    ASAN_UNPOISON_MEMORY_REGION(mapping_, mapping_size_);
    munmap(mapping_, mapping_size_);
}

Reading::Reading(std::span<const std::byte> bytes, const FirmwareFacts& facts)
    : blob{std::make_unique<GuardedBlob>(bytes)}, machine{std::make_unique<MachineDescription>()}
{
    const auto done = read_device_tree(blob->bytes(), *machine, facts);
    if (done)
        violation = violated_invariant(*machine, blob->bytes());
    else
        sentence = describe(done.error());
}

bool Reading::has_note(std::string_view text) const
{
    return all_notes().find(text) != std::string::npos;
}

std::string Reading::all_notes() const
{
    std::string all;
    for (const DeviceTreeError& note : machine->notes)
        all += describe(note) + "\n";
    return all;
}

} // namespace percival::testing
