"""What AWS and Kubernetes say, once: data with sources and dates, and the rules that follow from it. Imports nothing of ours."""
