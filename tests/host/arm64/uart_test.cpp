// SPDX-License-Identifier: BSD-2-Clause
// Tests the driver of the UARTs on a model of each kind (uart_model.hpp), in each layout of registers.
#include "arm64/uart_model.hpp"

#include "arch/cpu/poll.hpp"
#include "arch/devices/uart.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace percival::arch {
namespace {

// An 8250 whose registers have `bits` and lie `1 << shift` bytes apart. THRE says that the FIFO is empty.
ModelledUart ns16550(const char* name, std::string_view compatible, std::optional<UartLayout> layout,
                     u32 bits, u32 shift)
{
    return {.name = name,
            .compatible = compatible,
            .layout = layout,
            .is_big_endian = layout && layout->is_big_endian,
            .transmit = 0,
            .transmit_bits = bits,
            .status = u64{5} << shift,
            .status_bits = bits,
            .when_free = 0x20,
            .idle_status = u64{5} << shift,
            .when_idle = 0x40,
            .other_bits = 0x01,
            .depth = 1};
}

ModelledUart pl011(const char* name, std::string_view compatible)
{
    return {.name = name,
            .compatible = compatible,
            .transmit = 0x00,
            .status = 0x18,
            .when_full = 0x20,
            .idle_status = 0x18,
            .when_busy = 0x08,
            .other_bits = 0x197 & ~0x28U};
}

ModelledUart lpuart(const char* name, std::string_view compatible, u64 first, bool is_big_endian)
{
    return {.name = name,
            .compatible = compatible,
            .is_big_endian = is_big_endian,
            .transmit = first + 0x0c,
            .status = first + 0x04,
            .when_free = 0x0080'0000,
            .idle_status = first + 0x04,
            .when_idle = 0x0040'0000,
            .other_bits = 0x8000'0000,
            .settings = {{first + 0x08, 32, 0x0004'0000, 0x000c'0000}}};
}

ModelledUart scif(const char* name, std::string_view compatible, u64 transmit, u64 status, u64 control)
{
    return {.name = name,
            .compatible = compatible,
            .transmit = transmit,
            .transmit_bits = 8,
            .status = status,
            .status_bits = 16,
            .when_free = 0x20,
            .idle_status = status,
            .when_idle = 0x40,
            .other_bits = 0x92, // ER, BRK and RDF, of the receiver
            .depth = 16,
            .settings = {{control, 16, 0x10, 0x30}},
            .protocol = UartProtocol::Flags};
}

ModelledUart samsung(const char* name, std::string_view compatible, u32 transmit_bits)
{
    return {.name = name,
            .compatible = compatible,
            .transmit = 0x20,
            .transmit_bits = transmit_bits,
            .status = 0x10,
            .when_free = 0x04,
            .idle_status = 0x10,
            .other_bits = 0x01,
            .is_free_when_idle_only = true};
}

ModelledUart armada(const char* name, std::string_view compatible, u64 transmit)
{
    return {.name = name,
            .compatible = compatible,
            .transmit = transmit,
            .status = 0x0c,
            .when_full = 0x800,
            .idle_status = 0x0c,
            .when_idle = 0x40,
            .other_bits = 0x10,
            .depth = 32};
}

std::vector<ModelledUart> all_uarts()
{
    ModelledUart arm = pl011("pl011", "arm,pl011");
    arm.settings = {{0x30, 32, 0xc200, 0xc301}};
    return {
        arm,
        pl011("sbsa", "arm,sbsa-uart"),
        ns16550("bytes", "ns16550a", {}, 8, 0),
        ns16550("spread_bytes", "snps,dw-apb-uart", UartLayout{1, 2}, 8, 2),
        ns16550("halfwords", "ns16550a", UartLayout{2, 1}, 16, 1),
        ns16550("spread_words", "brcm,bcm2835-aux-uart", {}, 32, 2),
        ns16550("big_endian_halfwords", "ns16550a", UartLayout{2, 1, true}, 16, 1),
        ns16550("big_endian_words", "ns16550", UartLayout{4, 2, true}, 32, 2),
        ModelledUart{.name = "imx",
                     .compatible = "fsl,imx6q-uart",
                     .transmit = 0x40,
                     .status = 0xb4,
                     .when_full = 0x10,
                     .idle_status = 0x98,
                     .when_idle = 0x08,
                     .other_bits = 0x20,
                     .depth = 32,
                     .settings = {{0x80, 32, 0, 1}, {0x84, 32, 0x4023, 0x4027}}},
        lpuart("ls1021a_lpuart", "fsl,ls1021a-lpuart", 0, true),
        lpuart("ls1028a_lpuart", "fsl,ls1028a-lpuart", 0, false),
        lpuart("imx_lpuart", "fsl,imx8qxp-lpuart", 0x10, false),
        ModelledUart{.name = "geni",
                     .compatible = "qcom,geni-debug-uart",
                     .transmit = 0x700,
                     .status = 0x40,
                     .idle_status = 0x40,
                     .when_busy = 0x01,
                     .other_bits = 0x1000, // the receiver's command is active
                     .is_free_when_idle_only = true,
                     .protocol = UartProtocol::Command},
        ModelledUart{.name = "uartdm",
                     .compatible = "qcom,msm-uartdm",
                     .transmit = 0x70,
                     .status = 0x08,
                     .when_free = 0x0c,
                     .idle_status = 0x08,
                     .when_idle = 0x08,
                     .other_bits = 0x01,
                     .is_free_when_idle_only = true,
                     .protocol = UartProtocol::Announced},
        ModelledUart{.name = "meson",
                     .compatible = "amlogic,meson-gx-uart",
                     .transmit = 0x00,
                     .status = 0x0c,
                     .when_full = 0x0020'0000,
                     .idle_status = 0x0c,
                     .when_busy = 0x0200'0000,
                     .when_idle = 0x0040'0000,
                     .other_bits = 0x0010'0000,
                     .depth = 64,
                     .settings = {{0x08, 32, 0x2000, 0x3000}}},
        scif("scif", "renesas,scif", 0x0c, 0x10, 0x08),
        scif("rz_scif", "renesas,scif-r9a07g044", 0x06, 0x08, 0x04),
        ModelledUart{.name = "cadence",
                     .compatible = "cdns,uart-r1p12",
                     .transmit = 0x30,
                     .status = 0x2c,
                     .when_full = 0x10,
                     .idle_status = 0x2c,
                     .when_busy = 0x800,
                     .when_idle = 0x08,
                     .other_bits = 0x02,
                     .depth = 64,
                     .settings = {{0x00, 32, 0x128, 0x118}}},
        samsung("samsung", "samsung,exynos4210-uart", 8),
        samsung("gs101", "google,gs101-uart", 32),
        armada("armada_3700", "marvell,armada-3700-uart", 0x04),
        armada("armada_3700_ext", "marvell,armada-3700-uart-ext", 0x1c),
    };
}

class UartTest : public testing::TestWithParam<ModelledUart> {
protected:
    UartTest()
    {
        description = uart_compatible_with(GetParam().compatible).value();
        if (GetParam().layout)
            description.layout = *GetParam().layout;
        model = std::make_unique<UartModel>(GetParam());
    }

    void start() { uart.init(description, Mmio{VirtAddr{UartModel::kBase}}); }
    void put(std::string_view text)
    {
        for (const char c : text)
            uart.put(c);
    }

    UartDescription description;
    std::unique_ptr<UartModel> model;
    Uart uart;
};

TEST_P(UartTest, sends_every_byte_in_order_and_none_while_the_device_is_busy)
{
    start();
    std::string text = "Percival\nboots on \xe4\n";
    std::string expected = "Percival\r\nboots on \xe4\r\n";
    for (int i = 0; i < 200; ++i) {
        text += static_cast<char>('0' + i % 64);
        expected += static_cast<char>('0' + i % 64);
    }
    put(text);
    uart.drain();
    EXPECT_EQ(model->sent, expected);
    EXPECT_EQ(uart.lost(), 0U);
}

TEST_P(UartTest, drain_returns_when_the_last_byte_has_left)
{
    start();
    put("abc");
    EXPECT_NE(model->sent, "abc");
    uart.drain();
    EXPECT_EQ(model->sent, "abc");
    const u64 before = model->polls;
    uart.drain();
    EXPECT_EQ(model->polls, before + 1);
}

TEST_P(UartTest, a_transmitter_that_is_on_is_left_as_it_is)
{
    start();
    EXPECT_EQ(model->setting_writes, 0U);
    put("x");
    EXPECT_EQ(model->setting_writes, 0U);
}

TEST_P(UartTest, what_the_transmitter_lacks_is_set_and_the_rest_stays)
{
    for (const auto& setting : GetParam().settings)
        model->settings[setting.offset] = setting.wrong;
    start();
    for (const auto& setting : GetParam().settings)
        EXPECT_EQ(model->settings[setting.offset], setting.right);
    EXPECT_EQ(model->setting_writes, GetParam().settings.size());
    put("x");
    uart.drain();
    EXPECT_EQ(model->sent, "x");
}

TEST_P(UartTest, a_device_that_is_never_ready_is_waited_for_once_and_its_loss_is_counted)
{
    start();
    model->is_held = true;
    std::string taken;
    while (uart.lost() == 0) {
        const u64 before = model->polls;
        uart.put('x');
        if (uart.lost() == 0)
            taken += 'x';
        else
            EXPECT_EQ(model->polls - before, kPollLimit);
    }
    const u64 before = model->polls;
    put("yz");
    EXPECT_EQ(uart.lost(), 3U);
    EXPECT_EQ(model->polls - before, 2U);
    uart.drain();
    EXPECT_EQ(model->polls - before, kPollLimit + 2U);
    // Once it sends again, nothing more is lost, and it is waited for again.
    model->is_held = false;
    model->send_one();
    model->send_one();
    put("789ab");
    uart.drain();
    EXPECT_EQ(model->sent, taken + "789ab");
    EXPECT_EQ(uart.lost(), 3U);
}

INSTANTIATE_TEST_SUITE_P(EachKind, UartTest, testing::ValuesIn(all_uarts()),
                         [](const auto& info) { return std::string{info.param.name}; });

TEST(UartModels, are_there_for_every_kind_of_the_table)
{
    const auto models = all_uarts();
    for (const UartFacts& facts : all_uart_facts()) {
        EXPECT_TRUE(std::ranges::any_of(models, [&facts](const ModelledUart& model) {
            const auto uart = uart_compatible_with(model.compatible);
            return uart && uart->kind == facts.kind;
        })) << facts.name.text();
    }
}

// What is wrong with a layout at this base; nothing if it is possible.
std::optional<UartProblem> problem_of(UartKind kind, u64 bytes, u64 shift, u64 base = 0x1000)
{
    const auto uart = uart_as_claimed(
        {.kind = kind}, {.shift = shift, .bytes = bytes, .range = {PhysAddr{base}, Bytes{0x10'0000}}});
    return uart ? std::nullopt : std::optional{uart.error()};
}

TEST(UartTable, has_a_possible_layout_and_one_meaning_for_every_name)
{
    for (const auto names : {uart_compatibles(), uart_earlycon_names()}) {
        for (const UartName& name : names) {
            EXPECT_EQ(problem_of(name.kind, name.layout.bytes, name.layout.shift), std::nullopt)
                << name.name.text();
            EXPECT_EQ(
                std::ranges::count_if(
                    names, [&](const UartName& other) { return other.name.text() == name.name.text(); }),
                1)
                << name.name.text();
        }
    }
}

TEST(UartTable, refuses_widths_that_no_access_or_none_of_the_registers_has)
{
    using enum UartKind;
    for (const u64 bytes : {0ULL, 3ULL, 8ULL, 0xffULL, 0x104ULL, 0x1'0000'0001ULL})
        EXPECT_EQ(problem_of(Ns16550, bytes, 0), UartProblem::Width) << bytes;
    for (const u64 shift : {9ULL, 0x102ULL, 0x1'0000'0000ULL})
        EXPECT_EQ(problem_of(Ns16550, 1, shift), UartProblem::Shift) << shift;
    EXPECT_EQ(problem_of(Ns16550, 1, 8), std::nullopt);
    EXPECT_EQ(problem_of(Lpuart, 2, 0), UartProblem::Width) << "TDRE is bit 23";
}

TEST(UartTable, refuses_distances_with_which_an_access_is_not_aligned)
{
    using enum UartKind;
    using Access = std::pair<u64, u64>; // bytes and shift
    for (const auto& [bytes, shift] : {Access{4, 0}, {2, 0}, {4, 1}})
        EXPECT_EQ(problem_of(Ns16550, bytes, shift), UartProblem::Distance) << bytes << ' ' << shift;
    for (const auto& [bytes, shift] : {Access{1, 0}, {1, 1}, {2, 1}, {2, 2}, {4, 2}, {4, 3}})
        EXPECT_EQ(problem_of(Ns16550, bytes, shift), std::nullopt) << bytes << ' ' << shift;
}

TEST(UartTable, refuses_a_base_that_the_widest_access_is_not_aligned_to)
{
    using enum UartKind;
    EXPECT_EQ(problem_of(Ns16550, 1, 0, 0x1001), std::nullopt);
    for (const u64 bytes : {1ULL, 2ULL, 4ULL}) {
        EXPECT_EQ(problem_of(Scif, bytes, 0, 0x1001), UartProblem::Base) << bytes;
        EXPECT_EQ(problem_of(Scif, bytes, 0, 0x1002), std::nullopt) << bytes;
    }
    EXPECT_EQ(problem_of(Samsung, 1, 0, 0x1002), UartProblem::Base) << "the status has 32 bits";
}

TEST(UartTable, takes_a_width_only_where_registers_follow_it)
{
    for (const u8 bytes : {u8{1}, u8{2}, u8{4}}) {
        const auto bytes_of = [bytes](std::string_view compatible) {
            const auto uart =
                uart_as_claimed(uart_compatible_with(compatible).value(),
                                {.shift = 2, .bytes = bytes, .range = {PhysAddr{0x1000}, Bytes{0x1000}}});
            return uart ? uart->layout.bytes : 0;
        };
        EXPECT_EQ(bytes_of("arm,pl011"), 4);
        EXPECT_EQ(bytes_of("arm,sbsa-uart"), 4);
        EXPECT_EQ(bytes_of("renesas,scif"), 2);
        EXPECT_EQ(bytes_of("ns16550a"), bytes);
        EXPECT_EQ(bytes_of("samsung,exynos4210-uart"), bytes);
    }
}

} // namespace
} // namespace percival::arch
