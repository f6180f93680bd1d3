"""Two valid environments that say something of every field there is."""

from typing import Any

UUID = "1234abcd-12ab-34cd-56ef-1234567890ab"
CA = """\
-----BEGIN CERTIFICATE-----
MIIBvjCCAWWgAwIBAgIUJkhQOjFPgpLwIxNN7vsh5i5W92cwCgYIKoZIzj0EAwIw
LTEQMA4GA1UECgwHRXhhbXBsZTEZMBcGA1UEAwwQRXhhbXBsZSBzaXRlcyBDQTAe
Fw0yNjExMjgxODE2MDdaFw0zNjExMjUxODE2MDdaMC0xEDAOBgNVBAoMB0V4YW1w
bGUxGTAXBgNVBAMMEEV4YW1wbGUgc2l0ZXMgQ0EwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARV7/ccM+ySh6YFm/LDgQKnRBOXZk45IlQ9ViIveOX6owdbbTqKmZJS
FptuC9XHI2eFDCHenHV3ZXRQ+1Y280IYo2MwYTAdBgNVHQ4EFgQUTgVeOcRoYPmR
XVNh7axddECQHm8wHwYDVR0jBBgwFoAUTgVeOcRoYPmRXVNh7axddECQHm8wDwYD
VR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAQYwCgYIKoZIzj0EAwIDRwAwRAIg
fC4RlyWdxYFQyafCvo9tQqG/QmmRheS6BNkojQMA2RcCICAe0fF8hpdW1xzqu2Rd
wNQ7GGguaYh954KLWeEU8dfV
-----END CERTIFICATE-----
"""
"""A CA that nobody has the key of."""
KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
NODE_POOL = {
    "name": "own",
    "capacity": ["spot", "on-demand", "reserved"],
    "architectures": ["arm64", "amd64"],
    "instance_categories": ["m"],
    "instance_generation_above": 5,
    "labels": {"team": "a"},
    "taints": [{"key": "dedicated", "value": "x", "effect": "NoSchedule"}],
    "cpu_limit": "100",
    "memory_limit": "400Gi",
    "expire_after_hours": 100,
    "consolidate_after_seconds": 30,
    "weight": 10,
    "requirements": [{"key": "example.com/size", "operator": "In", "values": ["large"]}],
    "startup_taints": [{"key": "dedicated", "value": "x", "effect": "NoSchedule"}],
    "disruption_budgets": [
        {"nodes": "10%", "schedule": "0 8 * * mon-fri", "duration_hours": 8, "reasons": ["Drifted"]}
    ],
    "termination_grace_hours": 10,
    "consolidation": "WhenEmpty",
}
"""Each field that node pools of Auto Mode and of Karpenter share."""
KARPENTER_NODES = {
    "volume_kms_key_arn": KEY,
    "user_data": {"scripts": ["#!/bin/bash\necho hello"]},
    "kubelet": {"max_pods": 50},
    "instance_store": "raid0",
    "security_group_ids": ["sg-0123456789abcdef0"],
    "subnet_ids": ["subnet-0123456789abcdef0"],
    "capacity_reservation_ids": ["cr-0123456789abcdef0"],
    "placement_group": "pg",
    "tags": {"owner": "me"},
}
"""Each field that the node classes of Karpenter share."""
LOCAL_ZONES = {"local_zones": ["eu-west-1-dub-1a"], "local_zone_cidr": "10.4.0.0/20"}
FILES: tuple[dict[str, Any], ...] = (
    {
        "name": "sweep",
        "account": "123456789012",
        "region": "eu-west-1",
        "tags": {"owner": "a team"},
        "iam": {"path": "/eks/", "name_prefix": "x-", "permissions_boundary": "arn:aws:iam::123456789012:policy/B"},
        "foundation": {"retain": False, "log_retention_days": 7},
        "guardduty": {"plans": ["RUNTIME_MONITORING"], "agent": "managed", "publish": "SIX_HOURS"},
        "network": {
            "cidr": "10.0.0.0/16",
            "availability_zones": 3,
            "nat": "one",
            "public_subnets": True,
            "isolated_subnets": True,
            "interface_endpoints": True,
            "additional_endpoints": [
                "sqs",
                {"service": "bedrock-runtime", "private_dns": False, "allow": [{"actions": ["*"], "resources": ["*"]}]},
            ],
            "connections": [
                {"gateway_id": "tgw-0123456789abcdef0", "routes": ["10.200.0.0/16"], "appliance_mode": True},
                {"gateway_id": "vgw-0123456789abcdef0", "routes": ["pl-0123456789abcdef0"], "attach": False},
            ],
            "resolver_rules": ["rslvr-rr-0123456789abcdef0"],
            "pod_cidr": "100.64.0.0/16",
            "ipv6": True,
        },
        "gitops": {
            "engine": "flux",
            "repository": "ssh://git@example.com/objects",
            "revision": "live",
            "credentials": "git",
            "prune": True,
        },
        "registries": {
            "docker.io": {"mirror": "registry.example.com/mirror"},
            "quay.io": {"pull_through_cache": "quay", "filled": True},
        },
        "overrides": [
            {
                "path": "sweep-network/Network/Vpc",
                "property": "InstanceTenancy",
                "value": "dedicated",
                "reason": "licences are by host",
            }
        ],
        "clusters": [
            {
                "name": "c",
                "control_plane": {
                    "kubernetes_version": "1.36",
                    "role_arn": "arn:aws:iam::123456789012:role/corp/Cluster",
                    "support": "EXTENDED",
                    "endpoint": {
                        "public_access_cidrs": ["203.0.113.0/24"],
                        "public_access": True,
                        "allow_anywhere": True,
                        "private_access_cidrs": ["10.9.0.0/16"],
                        "private_access_security_groups": ["sg-0123456789abcdef0"],
                        "private_access_prefix_lists": ["pl-0123456789abcdef0"],
                    },
                    "zones": 2,
                    "security_group_ids": ["sg-0123456789abcdef1"],
                    "security_group_rules": [
                        {
                            "description": "metrics",
                            "protocol": "udp",
                            "ports": "9000-9100",
                            "cidrs": ["10.9.0.0/16"],
                            "security_groups": ["sg-0123456789abcdef0"],
                            "prefix_lists": ["pl-0123456789abcdef0"],
                        }
                    ],
                    "egress": "AWS_MANAGED",
                    "rollback_timeout_minutes": 120,
                    "ip_family": "ipv4",
                    "service_cidr": "172.20.0.0/16",
                    "deletion_protection": True,
                    "zonal_shift": True,
                    "scaling_tier": "tier-xl",
                    "api_server": {"event_ttl": "30m", "node_port_range": {"min_port": 30000, "max_port": 32767}},
                    "scheduler": {
                        "scoring_strategy": "MostAllocated",
                        "resource_weights": [{"name": "cpu", "weight": 2}],
                    },
                    "controller_manager": {"hpa_sync_period": "10s", "terminated_pod_gc_threshold": 100},
                    "etcd": {"kms_key_arn": KEY},
                },
                "access": {
                    "admins": ["role/Admin", {"new_role": "admin"}],
                    "readers": ["user/reader"],
                    "entries": [
                        {
                            "principal": "arn:aws:iam::123456789012:role/Dev",
                            "policy": "AmazonEKSEditPolicy",
                            "namespaces": ["dev"],
                            "policies": [{"policy": "AmazonEKSViewPolicy", "namespaces": ["test-*"]}],
                            "kubernetes_groups": ["developers"],
                        }
                    ],
                    "identity_providers": [
                        {
                            "name": "company",
                            "issuer_url": "https://login.example.com/tenant",
                            "client_id": "kubernetes",
                            "username_claim": "email",
                            "username_prefix": "oidc:",
                            "groups_claim": "groups",
                            "groups_prefix": "oidc:",
                            "required_claims": {"tenant": "a"},
                        }
                    ],
                    "tunnel_host": True,
                },
                "compute": {
                    "auto_mode": {
                        "enabled": True,
                        "built_in_node_pools": ["general-purpose", "system"],
                        "node_classes": [
                            {
                                "name": "own",
                                "ephemeral_storage_gib": 80,
                                "ephemeral_storage_kms_key_arn": KEY,
                                "ephemeral_storage_iops": 3000,
                                "ephemeral_storage_throughput": 125,
                                "fips": False,
                                "kernel_lockdown": "integrity",
                                "kubelet": {
                                    "max_pods": 50,
                                    "pod_pids_limit": 4096,
                                    "eviction_hard": {"memory.available": "5%"},
                                    "container_log_max_size": "50Mi",
                                    "container_log_max_files": 3,
                                    "single_process_oom_kill": True,
                                    "allowed_unsafe_sysctls": ["net.core.somaxconn"],
                                },
                                "kernel_parameters": {"vm.max_map_count": 262144},
                                "capacity_reservation_ids": ["cr-0123456789abcdef0"],
                                "placement_group": "pg",
                                "snat_policy": "Disabled",
                                "network_policy": "DefaultDeny",
                                "network_policy_event_logs": "Enabled",
                                "security_group_ids": ["sg-0123456789abcdef0"],
                                "subnet_ids": ["subnet-0123456789abcdef0"],
                                "tags": {"owner": "me"},
                            }
                        ],
                        "node_pools": [
                            {
                                **NODE_POOL,
                                "node_class": "own",
                            },
                            {"name": "static", "static_nodes": 2},
                        ],
                        "node_policies": ["AmazonSSMManagedInstanceCore"],
                        "load_balancer_scheme": "internal",
                        "gateway_api": True,
                        "volume_tags": {"owner": "me"},
                    },
                    "managed_nodes": {
                        "groups": [
                            {"name": "next", "instance_types": ["m7i.large"], "revision": "green"},
                            {
                                "name": "general",
                                "ami_type": "AL2023_x86_64_STANDARD",
                                "instance_types": ["m7i.large"],
                                "capacity": "on-demand",
                                "min_size": 2,
                                "desired_size": 2,
                                "max_size": 3,
                                "volume_gib": 50,
                                "volume_kms_key_arn": KEY,
                                "labels": {"team": "a"},
                                "kubernetes_version": "1.36",
                                "release_version": "1.36.1-20261112",
                                "max_unavailable_percentage": 33,
                                "force_update": False,
                                "update_strategy": "MINIMAL",
                                "node_repair": {
                                    "enabled": True,
                                    "stop_above_count": 5,
                                    "parallel_percentage": 50,
                                    "overrides": [
                                        {
                                            "condition": "KernelReady",
                                            "reason": "X",
                                            "wait_minutes": 5,
                                            "action": "Reboot",
                                        }
                                    ],
                                },
                                "warm_pool": {
                                    "enabled": True,
                                    "min_size": 1,
                                    "max_prepared": 3,
                                    "state": "STOPPED",
                                    "reuse_on_scale_in": True,
                                },
                            },
                            {
                                "name": "special",
                                "instance_types": ["c6in.32xlarge"],
                                "taints": [{"key": "dedicated", "value": "x", "effect": "NoSchedule"}],
                                "node_repair": {"stop_above_percentage": 5, "parallel_count": 5},
                                "max_unavailable": 2,
                                "ami": {"id": "ami-0123456789abcdef0"},
                                "user_data": {
                                    "scripts": ["#!/bin/bash\necho hello"],
                                    "node_config": {"kubelet": {"config": {"podPidsLimit": 100}}},
                                },
                                "kubelet": {
                                    "max_pods": 50,
                                    "system_reserved": {"cpu": "100m", "memory": "100Mi", "ephemeral_storage": "1Gi"},
                                    "kube_reserved": {"cpu": "100m"},
                                    "eviction_hard": {"memory.available": "5%"},
                                    "image_gc_high_threshold_percent": 90,
                                    "image_gc_low_threshold_percent": 70,
                                },
                                "instance_store": "raid0",
                                "security_group_ids": ["sg-0123456789abcdef0"],
                                "subnet_ids": ["subnet-0123456789abcdef0"],
                                "capacity_reservation": "cr-0123456789abcdef0",
                                "placement_group": "pg",
                                "efa_interfaces": 1,
                                "tags": {"owner": "me"},
                            },
                            {
                                "name": "rocket",
                                "instance_types": ["m7i.large"],
                                "ami_type": "BOTTLEROCKET_x86_64",
                                "ami": {"ssm_parameter": "/images/rocket"},
                                "kubelet": {"max_pods": 50},
                                "user_data": {"bottlerocket": {"kernel": {"sysctl": {"net.core.somaxconn": "1024"}}}},
                            },
                        ],
                        "kubernetes_version": "1.36",
                        "session_manager": True,
                        "node_policies": ["AmazonSSMManagedInstanceCore"],
                    },
                    "fargate": {
                        "profiles": [{"name": "apps", "selectors": [{"namespace": "apps", "labels": {"a": "b"}}]}],
                        "pod_execution_role_arn": "arn:aws:iam::123456789012:role/corp/Pods",
                        "logging": True,
                    },
                },
                "addons": {
                    "external-dns": {
                        "enabled": True,
                        "version": "v1.20.4-eksbuild.2",
                        "configuration": {"replicaCount": 3},
                        "resolve_conflicts": "NONE",
                        "namespace": "dns",
                        "service_account": "external-dns",
                        "policies": ["AmazonRoute53FullAccess"],
                        "allow": [
                            {
                                "actions": ["route53:ListHostedZones"],
                                "resources": ["*"],
                                "conditions": {"StringEquals": {"aws:ResourceTag/team": "shop"}},
                            }
                        ],
                        "endpoints": ["sts"],
                    },
                    "acme_agent": {
                        "namespace": "acme",
                        "service_account": "agent",
                        "role_arn": "arn:aws:iam::123456789012:role/agent",
                    },
                },
                "delivery": "kubectl",
                "capabilities": {
                    "argo_cd": {
                        "identity_center": "arn:aws:sso:::instance/ssoins-1234567890abcdef",
                        "identity_center_region": "us-east-1",
                        "admins": [{"group": "12345678-90ab-cdef-1234-567890abcdef"}],
                        "editors": [{"user": "22345678-90ab-cdef-1234-567890abcdef"}],
                        "viewers": [{"user": "32345678-90ab-cdef-1234-567890abcdef"}],
                        "namespace": "gitops",
                        "vpc_endpoints": ["vpce-0123456789abcdef0"],
                        "policies": ["AWSCodeConnectionsReadOnlyAccess"],
                        "allow": [{"actions": ["ecr:BatchGetImage"], "resources": ["*"]}],
                    },
                    "ack": {
                        "policies": ["AmazonSQSReadOnlyAccess"],
                        "allow": [{"actions": ["s3:CreateBucket"], "resources": ["arn:aws:s3:::x-*"]}],
                        "assume_roles": ["arn:aws:iam::111122223333:role/ack"],
                    },
                    "kro": {},
                    "logs": False,
                },
                "pod_identities": [
                    {
                        "namespace": "shop",
                        "service_account": "cart",
                        "policies": ["AmazonS3ReadOnlyAccess"],
                        "allow": [
                            {
                                "actions": ["s3:GetObject"],
                                "resources": ["arn:aws:s3:::bucket/*"],
                                "conditions": {"StringEquals": {"aws:ResourceTag/team": "shop"}},
                            }
                        ],
                        "target_role_arn": "arn:aws:iam::111122223333:role/target",
                        "session_tags": False,
                    },
                    {
                        "namespace": "shop",
                        "service_account": "pay",
                        "role_arn": "arn:aws:iam::123456789012:role/pay",
                        "session_policy": [{"actions": ["s3:GetObject"], "resources": ["*"]}],
                    },
                    {"namespace": "x", "service_account": "y", "policies": ["AmazonS3ReadOnlyAccess"], "irsa": True},
                ],
                "charts": [
                    {
                        "name": "argo-cd",
                        "repository": "https://argoproj.github.io/argo-helm",
                        "chart": "argo-cd",
                        "version": "9.1.0",
                        "namespace": "argocd",
                        "values": {"a": 1},
                        "compute": "managed_nodes",
                        "nodes": "general",
                        "node_settings": ["server"],
                        "architectures": ["amd64"],
                        "images": {"image.repository": "quay.io/argoproj/argocd"},
                        "endpoints": ["sts"],
                        "provides": ["argoproj.io"],
                    }
                ],
                "manifests": ["../deploy"],
                "load_balancer_controller": {
                    "enabled": True,
                    "version": "3.5.0",
                    "values": {"replicaCount": 3},
                    "allow": [{"actions": ["wafv2:GetWebACL"], "resources": ["*"]}],
                },
                "provided_elsewhere": ["cert-manager.io"],
                "teams": [
                    {
                        "name": "shop",
                        "namespaces": ["shop-team"],
                        "members": ["role/Shop"],
                        "readers": [{"new_role": "auditor"}],
                        "labels": {"cost": "shop"},
                        "pod_security": "restricted",
                        "quota": {"requests.cpu": "20"},
                        "limits": {
                            "default_requests": {"cpu": "50m"},
                            "default_limits": {"cpu": "1"},
                            "max": {"cpu": "2"},
                        },
                        "network": "open",
                        "pod_identities": [
                            {"namespace": "shop-team", "service_account": "x", "policies": ["AmazonS3ReadOnlyAccess"]}
                        ],
                    }
                ],
                "security_groups_for_pods": {
                    "mode": "standard",
                    "policies": [
                        {
                            "name": "a",
                            "namespace": "shop-team",
                            "pod_labels": {"a": "b"},
                            "group_ids": ["sg-0123456789abcdef0"],
                        },
                        {
                            "name": "b",
                            "namespace": "shop-team",
                            "service_account_labels": {"a": "b"},
                            "group_ids": ["sg-0123456789abcdef0"],
                        },
                    ],
                },
                "alarms": {
                    "topics": ["arn:aws:sns:eu-west-1:123456789012:on-call"],
                    "thresholds": {"api-errors": 10},
                    "without": ["webhook-latency"],
                },
                "backup": {
                    "schedule": "cron(0 3 ? * 1 *)",
                    "keep_days": 14,
                    "vault": "kept",
                    "copy_to": "arn:aws:backup:eu-central-1:123456789012:backup-vault:copies",
                    "buckets": True,
                },
                "prometheus": {
                    "workspace_arn": "arn:aws:aps:eu-west-1:123456789012:workspace/ws-1234abcd-12ab-34cd-56ef-1234567890ab",
                    "configuration": {"scrape_configs": [{"job_name": "pods"}]},
                },
                "workloads": [
                    {
                        "name": "web",
                        "folder": "../web",
                        "compute": "auto_mode",
                        "namespace": "web",
                        "variant": "gateway",
                        "hostname": "www.example.com",
                        "load_balancer_scheme": "internal",
                        "certificate_arn": "arn:aws:acm:eu-west-1:123456789012:certificate/1234abcd-12ab-34cd-56ef-1234567890ab",
                    },
                    {"name": "web", "compute": "managed_nodes", "nodes": "general", "plain_http": True},
                ],
            },
            {
                "name": "h",
                "delivery": "gitops",
                "control_plane": {"kubernetes_version": "1.36"},
                "access": {"admins": ["role/Admin"]},
                "compute": {"auto_mode": {}},
            },
        ],
    },
    {
        "name": "sweep",
        "account": "123456789012",
        "registries": {
            "ghcr.io": {
                "pull_through_cache": "github",
                "cache_rule": {
                    "credentials_arn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:ecr-pullthroughcache/github-AbCdEf",
                    "kms_key_arn": KEY,
                    "expire_days": 90,
                },
            },
        },
        "gitops": {
            "engine": "argo_cd",
            "repository": "https://git.example.com/objects",
            "path": "clusters",
            "namespace": "argo",
            "hub": "hub",
            "project": "platform",
            "automatic": False,
        },
        "region": "eu-west-1",
        "network": {
            "vpc_id": "vpc-0123456789abcdef0",
            "cidr": "10.0.0.0/16",
            "private_subnet_ids": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
            "control_plane_subnet_ids": ["subnet-0123456789abcdef2", "subnet-0123456789abcdef3"],
            "pod_subnets": [
                {"availability_zone": "eu-west-1a", "subnet_id": "subnet-0123456789abcdefa"},
                {"availability_zone": "eu-west-1b", "subnet_id": "subnet-0123456789abcdefb"},
            ],
            "ipv6": False,
        },
        "clusters": [
            {
                "name": "c",
                "control_plane": {"kubernetes_version": "1.36"},
                "access": {"admins": ["role/Admin"]},
                "compute": {
                    "managed_nodes": {
                        "groups": [
                            {"name": "general", "instance_types": ["m7i.large"]},
                            {
                                "name": "gpu",
                                "ami_type": "AL2023_x86_64_NVIDIA",
                                "instance_types": ["g6.8xlarge"],
                                "gpu_sharing": {"time_slices": 2},
                                "device_allocation": "device-plugin",
                            },
                        ],
                        "role_arn": "arn:aws:iam::123456789012:role/corp/Nodes",
                    },
                    "karpenter": {
                        "node_pools": [
                            {**NODE_POOL, "node_class": "default"},
                            {
                                "name": "few",
                                "node_class": "other",
                                "capacity": ["reserved"],
                                "instance_types": ["m7i.large"],
                            },
                            {"name": "static", "static_nodes": 2},
                        ],
                        "ami_ids": ["ami-0123456789abcdef1"],
                        "ami": "al2023@latest",
                        "node_repair": True,
                        "version": "1.14.1",
                        "values": {"replicas": 2},
                        "volume_gib": 50,
                        **KARPENTER_NODES,
                        "node_classes": [
                            {
                                **KARPENTER_NODES,
                                "name": "other",
                                "ami": "al2023@latest",
                                "ami_ids": ["ami-0123456789abcdef0"],
                                "volume_gib": 50,
                            }
                        ],
                        "session_manager": True,
                        "node_policies": ["AmazonSSMManagedInstanceCore"],
                    },
                },
            },
            {
                "name": "d",
                "network": {
                    "availability_zones": ["eu-west-1a", "eu-west-1b"],
                    "control_plane_cidr": "10.3.0.0/24",
                    **LOCAL_ZONES,
                },
                "control_plane": {
                    "kubernetes_version": "1.36",
                    "certificate_authority": {"successor": True, "active_id": "abc"},
                },
                "access": {"admins": ["role/Admin"]},
                "compute": {
                    "managed_nodes": {
                        "groups": [
                            {"name": "general", "instance_types": ["m7i.large"], "availability_zones": ["eu-west-1a"]},
                            {"name": "edge", "instance_types": ["m7i.large"], "local_zones": ["eu-west-1-dub-1a"]},
                        ]
                    },
                    "karpenter": {
                        "node_pools": [
                            {"name": "a", "availability_zones": ["eu-west-1a"], "node_class": "region"},
                            {"name": "outpost", "node_class": "edge"},
                            {"name": "b"},
                        ],
                        "node_classes": [
                            {"name": "region"},
                            {"name": "edge", "local_zones": ["eu-west-1-dub-1a"]},
                        ],
                        "local_zones": ["eu-west-1-dub-1a"],
                    },
                },
            },
            {
                "name": "s",
                "network": {"availability_zones": ["eu-west-1a", "eu-west-1b"], **LOCAL_ZONES},
                "control_plane": {"kubernetes_version": "1.36", "service_cidr": "172.20.0.0/16"},
                "access": {"admins": ["role/Admin"]},
                "compute": {
                    "self_managed_nodes": {
                        "groups": [
                            {
                                "name": "general",
                                "ami_type": "AL2023_x86_64_STANDARD",
                                "device_allocation": "device-plugin",
                                "ami_release": "v20261112",
                                "instance_types": ["c6in.32xlarge"],
                                "capacity": "spot",
                                "on_demand_base": 1,
                                "on_demand_percentage": 20,
                                "capacity_rebalance": True,
                                "min_size": 2,
                                "desired_size": 2,
                                "max_size": 3,
                                "volume_gib": 50,
                                "volume_kms_key_arn": KEY,
                                "labels": {"team": "a"},
                                "kubernetes_version": "1.36",
                                "drain_seconds": 300,
                                "max_lifetime_days": 30,
                                "metadata_hop_limit": 1,
                                "availability_zones": ["eu-west-1a"],
                                "local_zones": ["eu-west-1-dub-1a"],
                                "placement_group": "pg",
                                "efa_interfaces": 1,
                                "tags": {"owner": "me"},
                                "refresh": {
                                    "enabled": True,
                                    "min_healthy_percentage": 90,
                                    "max_healthy_percentage": 150,
                                    "warmup_seconds": 120,
                                    "checkpoints": [50, 100],
                                    "checkpoint_minutes": 10,
                                    "bake_minutes": 10,
                                    "alarms": ["errors"],
                                },
                            },
                            {
                                "name": "special",
                                "instance_types": ["m7i.large"],
                                "taints": [{"key": "dedicated", "value": "x", "effect": "NoSchedule"}],
                                "ami": {"id": "ami-0123456789abcdef0"},
                                "user_data": {"scripts": ["#!/bin/bash\necho hello"]},
                                "kubelet": {"max_pods": 50},
                                "instance_store": "raid0",
                                "security_group_ids": ["sg-0123456789abcdef0"],
                                "subnet_ids": ["subnet-0123456789abcdef0"],
                                "capacity_reservation": "cr-0123456789abcdef0",
                            },
                        ],
                        "kubernetes_version": "1.36",
                        "session_manager": True,
                        "node_policies": ["AmazonSSMManagedInstanceCore"],
                        "termination_handler": {"enabled": True, "version": "0.27.1", "values": {"replicas": 2}},
                        "cluster_autoscaler": {"enabled": True, "version": "9.59.0", "values": {"replicaCount": 2}},
                    }
                },
            },
            {
                "name": "t",
                "network": {"availability_zones": ["eu-west-1a", "eu-west-1b"]},
                "control_plane": {"kubernetes_version": "1.36", "service_cidr": "172.20.0.0/16"},
                "access": {"admins": ["role/Admin"]},
                "compute": {
                    "managed_nodes": {
                        "groups": [
                            {"name": "linux", "instance_types": ["m7i.large"]},
                            {
                                "name": "win",
                                "ami_type": "WINDOWS_CORE_2022_x86_64",
                                "instance_types": ["m7i.large"],
                            },
                        ],
                        "windows_role_arn": "arn:aws:iam::123456789012:role/corp/WindowsNodes",
                    },
                    "self_managed_nodes": {
                        "groups": [
                            {"name": "general", "instance_types": ["m7i.large"]},
                            {
                                "name": "gpu",
                                "ami_type": "AL2023_x86_64_NVIDIA",
                                "instance_types": ["g6.xlarge"],
                                "gpu_sharing": {"time_slices": 2},
                            },
                            {
                                "name": "win2",
                                "ami_type": "WINDOWS_CORE_2025_x86_64",
                                "instance_types": ["m7i.large"],
                                "user_data": {"powershell": ["Set-TimeZone -Id UTC"]},
                            },
                        ],
                        "role_arn": "arn:aws:iam::123456789012:role/corp/Nodes",
                        "windows_role_arn": "arn:aws:iam::123456789012:role/corp/OwnWindowsNodes",
                    },
                },
            },
            {
                "name": "g",
                "network": {"availability_zones": ["eu-west-1a", "eu-west-1b"]},
                "control_plane": {"kubernetes_version": "1.36"},
                "access": {"admins": ["role/Admin"]},
                "compute": {
                    "managed_nodes": {
                        "groups": [
                            {"name": "general", "instance_types": ["m7i.large"]},
                            {
                                "name": "turns",
                                "ami_type": "AL2023_x86_64_NVIDIA",
                                "instance_types": ["g6.8xlarge"],
                                "gpu_sharing": {"time_slices": 4, "rename": True},
                                "device_allocation": "device-plugin",
                            },
                            {
                                "name": "parts",
                                "ami_type": "BOTTLEROCKET_x86_64_NVIDIA",
                                "instance_types": ["p4d.24xlarge"],
                                "gpu_sharing": {"mig_profile": "1g.5gb"},
                            },
                        ]
                    },
                    "karpenter": {
                        "gpu_sharing": {"time_slices": 2},
                        "device_allocation": "device-plugin",
                        "efa_interfaces": 1,
                        "node_pools": [
                            {"name": "a", "instance_types": ["g6.8xlarge"], "static_nodes": 1},
                            {"name": "b", "instance_types": ["g6.8xlarge"], "static_nodes": 1, "node_class": "more"},
                        ],
                        "node_classes": [
                            {
                                "name": "more",
                                "gpu_sharing": {"time_slices": 2},
                                "device_allocation": "device-plugin",
                                "efa_interfaces": 1,
                            }
                        ],
                    },
                },
            },
            {
                "name": "f",
                "delivery": "gitops",
                "teams": [{"name": "fabric", "namespaces": ["fabric-team"], "argo_cd_groups": ["developers"]}],
                "network": {"availability_zones": ["eu-west-1a", "eu-west-1b"], **LOCAL_ZONES},
                "control_plane": {"kubernetes_version": "1.36"},
                "access": {"admins": ["role/Admin"]},
                "compute": {
                    "auto_mode": {
                        "node_classes": [
                            {"name": "fabric", "efa_interfaces": 1, "pod_address_prefixes": 2},
                            {"name": "edge", "local_zones": ["eu-west-1-dub-1a"]},
                        ],
                        "node_pools": [
                            {"name": "a", "availability_zones": ["eu-west-1a"], "instance_types": ["m7i.large"]},
                            {"name": "b", "node_class": "fabric", "instance_types": ["g6.8xlarge"]},
                            {"name": "c", "node_class": "edge"},
                        ],
                    }
                },
            },
            {
                "name": "h",
                "network": {
                    "availability_zones": ["eu-west-1a", "eu-west-1b"],
                    "connections": [{"gateway_id": "tgw-0123456789abcdef0", "routes": ["192.168.0.0/16"]}],
                },
                "control_plane": {
                    "kubernetes_version": "1.36",
                    "endpoint": {"public_access_cidrs": ["203.0.113.0/24"]},
                },
                "access": {"admins": ["role/Admin"]},
                "compute": {
                    "auto_mode": {},
                    "hybrid_nodes": {
                        "enabled": True,
                        "remote_node_networks": ["192.168.0.0/24"],
                        "remote_pod_networks": ["192.168.8.0/21"],
                        "hybrid_nodes_gateway": True,
                        "pods_per_node": 64,
                        "credentials": {"ssm": {"activation_hours": 48}},
                        "role_arn": "arn:aws:iam::123456789012:role/corp/Hybrid",
                        "dns_forwarded": True,
                        "sites": [
                            {
                                "name": "berlin",
                                "cidr": "192.168.0.0/25",
                                "kubernetes_version": "1.35",
                                "operating_system": "rhel-9",
                                "architecture": "arm64",
                                "labels": {"team": "a"},
                                "taints": [{"key": "dedicated", "value": "x", "effect": "NoSchedule"}],
                                "max_nodes": 5,
                                "bgp": {"local_asn": 65001, "peer_asn": 65000, "peer_address": "192.168.0.1"},
                            }
                        ],
                    },
                },
            },
            *(
                {
                    "name": name,
                    "network": {
                        "availability_zones": ["eu-west-1a", "eu-west-1b"],
                        "connections": [{"gateway_id": "vgw-0123456789abcdef0", "routes": ["192.168.0.0/16"]}],
                    },
                    "control_plane": {"kubernetes_version": "1.36"},
                    "access": {"admins": ["role/Admin"]},
                    "compute": {
                        "auto_mode": {},
                        "hybrid_nodes": {
                            "remote_node_networks": ["192.168.0.0/24"],
                            "unrouted_pod_networks": ["172.16.0.0/16"],
                            "credentials": {"iam_roles_anywhere": {**trust, "session_hours": 2}},
                            "sites": [{"name": "berlin", "nodes": ["node-1.example"]}],
                        },
                    },
                }
                for name, trust in {
                    "i": {"ca_bundle": CA},
                    "j": {"private_ca_arn": f"arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/{UUID}"},
                    "k": {"trust_anchor_arn": f"arn:aws:rolesanywhere:eu-west-1:123456789012:trust-anchor/{UUID}"},
                }.items()
            ),
            {
                "name": "e",
                "network": {
                    "vpc_id": "vpc-0123456789abcdef0",
                    "cidr": "10.1.0.0/16",
                    "internet": False,
                    "endpoints": ["ecr.dkr"],
                    "private_subnets": [
                        {"availability_zone": "eu-west-1a", "subnet_id": "subnet-0123456789abcdefa"},
                        {"availability_zone": "eu-west-1b", "subnet_id": "subnet-0123456789abcdefb"},
                    ],
                },
                "control_plane": {"kubernetes_version": "1.36"},
                "access": {"admins": ["role/Admin"]},
                "compute": {"auto_mode": {}},
            },
        ],
    },
)
