# SPDX-License-Identifier: BSD-2-Clause
"""The front door of Percival: implements ./percival, in Python 3.9 or later."""
