"""Add-ons and Helm charts."""
