// SPDX-License-Identifier: BSD-2-Clause
#include "memory_order/support/symbolizer.hpp"

#include <array>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <link.h>
#include <spawn.h>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

namespace percival::testing {
namespace {

// Returns how far the program lies from the addresses in its file.
std::uintptr_t load_bias()
{
    std::uintptr_t bias = 0;
    dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* out) {
            *static_cast<std::uintptr_t*>(out) = info->dlpi_addr;
            return 1; // the first object is the program
        },
        &bias);
    return bias;
}

std::string hexadecimal(std::uintptr_t value)
{
    std::ostringstream out;
    out << "0x" << std::hex << value;
    return out.str();
}

void require(bool holds)
{
    if (!holds)
        std::abort();
}

// Runs a program, found in PATH, and returns what it writes to its standard output.
std::string output_of(std::vector<std::string> command)
{
    std::vector<char*> arguments;
    for (std::string& argument : command)
        arguments.push_back(argument.data());
    arguments.push_back(nullptr);

    std::array<int, 2> pipe{};
    require(pipe2(pipe.data(), O_CLOEXEC) == 0);
    posix_spawn_file_actions_t actions;
    require(posix_spawn_file_actions_init(&actions) == 0);
    require(posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO) == 0);
    pid_t child = 0;
    require(posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ) == 0);
    require(posix_spawn_file_actions_destroy(&actions) == 0);
    require(close(pipe[1]) == 0);

    std::string output;
    std::array<char, 4096> piece{};
    for (ssize_t got = 0; (got = read(pipe[0], piece.data(), piece.size())) > 0;)
        output.append(piece.data(), static_cast<std::size_t>(got));
    require(close(pipe[0]) == 0);
    int status = 0;
    require(waitpid(child, &status, 0) == child && status == 0);
    return output;
}

} // namespace

std::vector<std::vector<std::string>> symbolize(std::span<const void* const> addresses)
{
    std::vector<std::string> command{"llvm-symbolizer-19",
                                     "--obj=/proc/" + std::to_string(getpid()) + "/exe"};
    for (const void* const address : addresses)
        command.push_back(hexadecimal(reinterpret_cast<std::uintptr_t>(address) - load_bias()));

    std::istringstream answer{output_of(std::move(command))};
    std::vector<std::vector<std::string>> places(addresses.size());
    std::string line;
    for (std::vector<std::string>& of_address : places) {
        // For each inlined function two lines, its name and the place; an empty line ends the address.
        while (std::getline(answer, line) && !line.empty()) {
            std::getline(answer, line);
            of_address.push_back(line);
        }
    }
    return places;
}

} // namespace percival::testing
