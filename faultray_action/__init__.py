"""Says what a Terraform change does to the resilience of a system, before it is applied."""

__version__ = "1.0.0"
