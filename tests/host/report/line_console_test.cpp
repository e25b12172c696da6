// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/report/line_console.hpp"

#include "arch/cpu/cpu_identity.hpp"
#include "arch/cpu/processor.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace percival {
namespace {

// Records the characters that are sent. `before_put` can make the device slow, dead or faulty.
class RecordingDevice final : public ConsoleDevice {
public:
    void put(char c) override
    {
        unmasked_puts += arch::interrupts_masked() ? 0 : 1;
        if (before_put)
            before_put(c);
        text += c;
    }
    void drain() override { ++drains; }
    u64 lost() const override { return lost_characters; }

    std::vector<std::string> lines() const
    {
        std::vector<std::string> result;
        std::istringstream in{text};
        for (std::string line; std::getline(in, line);)
            result.push_back(line);
        return result;
    }

    std::function<void(char)> before_put;
    std::string text;
    unsigned unmasked_puts{0};
    unsigned drains{0};
    u64 lost_characters{0};
};

class LineConsoleTest : public testing::Test {
protected:
    LineConsoleTest() { arch::played_affinity = 0; }

    static std::thread cpu(u64 affinity, std::function<void()> run)
    {
        return std::thread{[affinity, run = std::move(run)] {
            arch::played_affinity = affinity;
            run();
        }};
    }

    // On the heap, because it is large, and so that sanitizers see its ends.
    std::unique_ptr<LineConsole> console_ = std::make_unique<LineConsole>();
    RecordingDevice device_;
};

TEST_F(LineConsoleTest, EarlyLinesComeOutFirstAndInOrder)
{
    console_->write_line("one");
    console_->write_line("");
    console_->write_line("two");
    console_->attach(device_);
    console_->write_line("three");
    EXPECT_EQ(device_.text, "one\n\ntwo\nthree\n");
}

TEST_F(LineConsoleTest, TheOldestEarlyLinesAreKeptWholeAndTheOthersCounted)
{
    const std::string filling(100, 'x');
    for (int i = 0; i < 1000; ++i)
        console_->write_line(std::to_string(1000 + i) + filling);
    console_->write_line("s"); // would fit, but must not appear after a gap
    console_->attach(device_);
    const std::vector<std::string> lines = device_.lines();
    ASSERT_GT(lines.size(), 100u);
    const std::size_t kept = lines.size() - 1;
    for (std::size_t i = 0; i < kept; ++i)
        EXPECT_EQ(lines[i], std::to_string(1000 + i) + filling);
    EXPECT_EQ(lines.back(),
              "console: " + std::to_string(1001 - kept) + " lines before this one did not fit the early log");
}

TEST_F(LineConsoleTest, ALineWithControlCharactersStaysOneLineAndShowsThem)
{
    constexpr std::string_view kForged{"quoted\r\npercival: verdict: passed\x1b[2K\x7f\xe9", 39};
    const std::string shown = "quoted\\x0d\\x0apercival: verdict: passed\\x1b[2K\\x7f\\xe9\n";
    console_->write_line(kForged); // into the early log
    console_->attach(device_);
    EXPECT_EQ(device_.text, shown);
    console_->write_line(kForged);
    EXPECT_EQ(device_.text, shown + shown);
    console_->enter_panic();
    console_->write_line(kForged);
    EXPECT_EQ(device_.text, shown + shown + shown);
}

TEST_F(LineConsoleTest, LinesOfSeveralCpusNeverInterleave)
{
    console_->attach(device_);
    device_.before_put = [](char) { std::this_thread::yield(); };
    std::vector<std::thread> cpus;
    for (u64 id = 0; id < 4; ++id) {
        cpus.push_back(cpu(id, [this, id] {
            const std::string line(40, static_cast<char>('a' + id));
            for (int i = 0; i < 50; ++i)
                console_->write_line(line);
        }));
    }
    for (std::thread& thread : cpus)
        thread.join();
    const std::vector<std::string> lines = device_.lines();
    EXPECT_EQ(lines.size(), 200u);
    for (const std::string& line : lines) {
        EXPECT_EQ(line.size(), 40u);
        EXPECT_EQ(line.find_first_not_of(line[0]), std::string::npos) << line;
    }
}

TEST_F(LineConsoleTest, InterruptsAreMaskedWhileALineIsSent)
{
    console_->attach(device_);
    console_->write_line("line");
    console_->enter_panic();
    console_->write_line("panic");
    EXPECT_EQ(device_.unmasked_puts, 0u);
    EXPECT_FALSE(arch::interrupts_masked());
}

TEST_F(LineConsoleTest, OnlyTheFirstCpuThatPanicsPrints)
{
    console_->attach(device_);
    cpu(1, [this] {
        console_->enter_panic();
        console_->write_line("first panic");
    }).join();
    cpu(2, [this] {
        console_->write_line("other CPU");
        console_->enter_panic();
        console_->write_line("second panic");
    }).join();
    cpu(1, [this] {
        console_->enter_panic(); // a panic inside the panic
        console_->write_line("again");
    }).join();
    EXPECT_EQ(device_.text, "first panic\nagain\n");
}

TEST_F(LineConsoleTest, APanicWaitsForTheLineThatIsBeingSent)
{
    console_->attach(device_);
    std::atomic<bool> sending{false};
    device_.before_put = [&](char c) {
        if (c == 'b') {
            sending = true;
            std::this_thread::sleep_for(std::chrono::milliseconds{2});
        }
    };
    std::thread other = cpu(1, [this] { console_->write_line("abc"); });
    while (!sending)
        arch::relax();
    console_->enter_panic();
    console_->write_line("panic");
    other.join();
    EXPECT_EQ(device_.text, "abc\npanic\n");
}

TEST_F(LineConsoleTest, APanicIsPrintedAlthoughTheLocksHolderDied)
{
    console_->attach(device_);
    std::atomic<bool> dead{false};
    std::atomic<bool> test_over{false};
    device_.before_put = [&](char c) {
        if (c != 'b')
            return;
        dead = true;
        while (!test_over)
            arch::relax();
    };
    std::thread other = cpu(1, [this] { console_->write_line("abc"); });
    while (!dead)
        arch::relax();
    console_->enter_panic();
    console_->write_line("panic 1");
    console_->write_line("panic 2");
    EXPECT_EQ(device_.text, "a\npanic 1\npanic 2\n"); // the truncated line is ended first
    // The lock's holder was not dead after all: only the character that it was sending appears.
    test_over = true;
    other.join();
    EXPECT_EQ(device_.text, "a\npanic 1\npanic 2\nb");
}

TEST_F(LineConsoleTest, APanicInTheMiddleOfTheCpusOwnLineIsPrintedAtOnce)
{
    console_->attach(device_);
    bool panicked = false;
    device_.before_put = [&](char c) {
        if (c != 'b' || panicked)
            return;
        panicked = true;
        console_->enter_panic();
        console_->write_line("panic");
        console_->write_line("more");
    };
    console_->write_line("abc");
    EXPECT_EQ(device_.text, "a\npanic\nmore\nbc\n");
}

TEST_F(LineConsoleTest, APanicBeforeADeviceIsAttachedIsKept)
{
    console_->enter_panic();
    console_->write_line("panic");
    console_->attach(device_);
    EXPECT_EQ(device_.text, "panic\n");
}

TEST_F(LineConsoleTest, DrainDrainsTheDevice)
{
    console_->drain();
    console_->attach(device_);
    console_->drain();
    EXPECT_EQ(device_.drains, 1u);
}

TEST_F(LineConsoleTest, TheDevicesLossIsTheConsolesOnceThereIsADevice)
{
    device_.lost_characters = 7;
    EXPECT_EQ(console_->lost(), 0u);
    console_->attach(device_);
    EXPECT_EQ(console_->lost(), 7u);
}

} // namespace
} // namespace percival
