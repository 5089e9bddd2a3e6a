"""One profile for every property test: the same examples on every run, no deadline on a shared machine."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("faultray", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("faultray")
