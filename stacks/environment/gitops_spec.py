"""What `gitops:` of an environment file says: the repository of its Kubernetes objects, and who applies them."""

from typing import Annotated, Literal

from eks_constructs.spec import KubernetesName, Spec, pattern

_FOLDER = "[A-Za-z0-9][A-Za-z0-9._-]{0,99}"


class GitOpsSpec(Spec):
    """A Git repository that Argo CD or Flux reads."""

    engine: Literal["argo_cd", "flux"] = "argo_cd"
    """Who applies: `argo_cd`, as an EKS capability or installed by you, or `flux`, which runs in every cluster."""
    repository: Annotated[
        str,
        pattern(
            r"(https|ssh)://[!-~]{1,500}", "must be the address of a Git repository that begins with https:// or ssh://"
        ),
    ]
    """Address of the repository."""
    revision: Annotated[
        str, pattern(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,127}", "must be the name of a branch, such as main")
    ] = "main"
    """Branch that is applied."""
    path: Annotated[
        str, pattern(rf"({_FOLDER}(/{_FOLDER}){{0,9}})?", "must be a folder of the repository, such as clusters/eu")
    ] = ""
    """Folder of the repository with the tree that `make gitops` writes; default: its top."""
    namespace: KubernetesName | None = None
    """Namespace of Argo CD's or Flux's own objects; default: that of the capability `argo_cd` here, `argocd`, or `flux-system`."""
    hub: KubernetesName | None = None
    """With Argo CD: the name under which the cluster that it runs in is registered; its Applications are made there. Default: the
    cluster here that has the capability `argo_cd`, or else `in-cluster`."""
    project: KubernetesName = "default"
    """With Argo CD: the project of a hub that is not of this file. EKS's Argo CD gives a cluster to one project alone."""
    credentials: KubernetesName | None = None
    """With Flux: the Secret with the credentials of a private repository, which you make."""
    automatic: bool = True
    """Whether a commit is applied by itself. `false`: somebody starts each sync, or resumes Flux."""
    prune: bool = False
    """Whether what leaves the tree leaves the cluster. Namespaces, volumes and resource definitions stay in any case."""
