"""Shared by the project's own tests and scenarios: nothing but what pytest needs to find its own plugin tester."""

pytest_plugins = ["pytester"]
