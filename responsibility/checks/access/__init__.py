"""Who may do what: access entries, IAM roles and their trust, RBAC."""
