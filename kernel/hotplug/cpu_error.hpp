// SPDX-License-Identifier: BSD-2-Clause
// Why a CPU did not go or come: a sentence, or the features that it lacks.
#pragma once

#include "arch/cpu/cpu_features.hpp"
#include "kernel/lib/format.hpp"

#include <string_view>

namespace percival {

class CpuError {
public:
    // Implicit: every function that starts a CPU or stops one may fail with a sentence.
    constexpr CpuError(std::string_view sentence) : sentence_{sentence} {}
    constexpr CpuError(const char* sentence) : sentence_{sentence} {}
    constexpr explicit CpuError(arch::CpuFeatureSet lacking) : lacking_{lacking} {}

    // Empty unless the CPU came and was refused for them.
    constexpr arch::CpuFeatureSet lacking() const { return lacking_; }
    friend constexpr bool operator==(const CpuError& error, std::string_view sentence)
    {
        return error.sentence_ == sentence;
    }

    // Writes the sentence, or `refused, because it lacks lse and bbm and only it has the defect sharedtlb`.
    void describe(Writer& out) const
    {
        out.put(sentence_);
        const arch::CpuFeatureSet defects = lacking_.defects(), features = lacking_.without(defects);
        if (!lacking_.is_empty())
            out.put("refused, because ");
        if (!features.is_empty())
            format(out, "it lacks {}{}", features, defects.is_empty() ? "" : " and ");
        if (!defects.is_empty())
            format(out, "only it has the defect {}", defects);
    }

private:
    std::string_view sentence_{};
    arch::CpuFeatureSet lacking_{};
};

} // namespace percival
