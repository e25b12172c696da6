# SPDX-License-Identifier: BSD-2-Clause
"""The front door of Percival: what ./percival does once there is a Python to run it (3.9 or later)."""
