// SPDX-License-Identifier: BSD-2-Clause
#include "arch/devices/watchdog.hpp"

#include "arch/arm64/devices/bcm2835_watchdog.hpp"
#include "arch/arm64/devices/cadence_watchdog.hpp"
#include "arch/arm64/devices/designware_watchdog.hpp"
#include "arch/arm64/devices/imx_watchdog.hpp"

namespace percival::arch {

// Calls visit(driver). There are no virtual functions: boot/refuse.cpp resets the machine with the MMU off,
// at an address that the image was not linked for.
template <class Visit>
decltype(auto) Watchdog::with_driver(Visit visit) const
{
    switch (description_.kind) {
    case WatchdogKind::Imx:
        return visit(ImxWatchdog{registers_, description_.is_big_endian, description_.resets_by_pin});
    case WatchdogKind::Cadence:
        return visit(CadenceWatchdog{registers_});
    case WatchdogKind::DesignWare:
        return visit(DesignWareWatchdog{registers_});
    case WatchdogKind::Bcm2835:
        break;
    }
    return visit(Bcm2835Watchdog{registers_});
}

bool Watchdog::is_armed() const
{
    return with_driver([](auto driver) { return driver.is_armed(); });
}

bool Watchdog::stop() const
{
    with_driver([](auto driver) { driver.stop(); });
    return !is_armed();
}

void Watchdog::kick() const
{
    with_driver([](auto driver) { driver.kick(); });
}

void Watchdog::start_reset() const
{
    with_driver([](auto driver) { driver.start_reset(); });
}

} // namespace percival::arch
