"""Renderers: text, Markdown, HTML, JSON and SARIF of the review, the playbook and the model."""
