// SPDX-License-Identifier: BSD-2-Clause
#include "tests/host/arm64/firmware.hpp"

#include "arch/arm64/devices/smccc.hpp"

namespace percival::arch {

u64 call_firmware(PsciConduit conduit, u32 function, u64 argument1, u64 argument2, u64 argument3)
{
    firmware.calls.push_back({conduit, function, {argument1, argument2, argument3}});
    const auto answer = firmware.answers.find(function);
    return answer == firmware.answers.end() ? kNotSupported : answer->second;
}

} // namespace percival::arch
