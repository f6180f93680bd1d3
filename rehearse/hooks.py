"""Webhooks of a case: as long as a pod of their Service is ready they let everything pass; without one the API server says so."""

from contextlib import suppress
from copy import deepcopy

from local_kubernetes.client import ApiError
from local_kubernetes.nodes.rest import is_ready
from local_kubernetes.nodes.world import World
from rehearse.case import Object


class Webhooks:
    """Brings a configuration in while its Service has no ready pod, and takes it away when it has one again."""

    def __init__(self, world: World, configurations: list[Object], services: dict[tuple[str, str], Object]) -> None:
        """Begins to watch.

        Args:
            world: with the pods.
            configurations: Validating- and MutatingWebhookConfigurations.
            services: the Services, by namespace and name.
        """
        self._world, self._services = world, services
        self._down: dict[str, bool] = {}
        self._configurations = configurations
        if configurations:
            world.observers.append(self.look)
            self.look()

    def look(self) -> None:
        """Compares. Only what fails closed matters: with ``Ignore`` the API server goes on."""
        for one in self._configurations:
            down = [
                hook
                for hook in one.get("webhooks") or []
                if hook.get("failurePolicy", "Fail") == "Fail" and self._is_down(hook)
            ]
            name = f"{one['kind']}/{one['metadata']['name']}"
            if bool(down) != self._down.get(name, False):
                self._down[name] = bool(down)
                self._set(one, down)

    def _is_down(self, hook: Object) -> bool:
        service = (hook.get("clientConfig") or {}).get("service")
        if not service:
            return False  # outside of the cluster: nothing is known of it
        found = self._services.get((service["namespace"], service["name"]))
        selector = ((found or {}).get("spec") or {}).get("selector")
        if found and not selector:
            return False
        return not any(
            is_ready(pod)
            for (namespace, _), pod in self._world.mirror.of["pods"].items()
            if namespace == service["namespace"]
            and (selector or {"": ""}).items() <= (pod["metadata"].get("labels") or {}).items()
        )

    def _set(self, configuration: Object, down: list[Object]) -> None:
        kind = configuration["kind"][0].lower() + configuration["kind"][1:] + "s"
        collection = f"/apis/admissionregistration.k8s.io/v1/{kind.lower()}"
        with suppress(ApiError):
            self._world.client.delete(f"{collection}/{configuration['metadata']['name']}")
        if not down:
            return
        body = deepcopy(configuration)
        body["webhooks"] = [{**hook, "timeoutSeconds": 1} for hook in deepcopy(down)]
        with suppress(ApiError):
            self._world.client.create(collection, body)
