"""The emulators of both clouds."""

from tests.servers.emulators import fake_gcs, ministack

__all__ = ["fake_gcs", "ministack"]  # fixtures
