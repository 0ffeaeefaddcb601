"""Tests of the face of the package, scripts/face."""
