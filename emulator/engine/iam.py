"""IAM resource types where ministack differs from AWS."""

from emulator.engine import port
from emulator.engine.provider import RESOURCE_TYPES, Attributes, Place, Properties, ResourceType


def install() -> None:
    """Registers the types."""
    # Ref gives the name; ministack gives the ARN.
    RESOURCE_TYPES["AWS::IAM::InstanceProfile"] = ResourceType(_create, _delete, _update)
    RESOURCE_TYPES["AWS::IAM::OIDCProvider"] = ResourceType(_create_provider, _delete_provider, _update_provider)


def _create(props: Properties, place: Place) -> tuple[str, Attributes]:
    name = props.get("InstanceProfileName") or place.name(128)
    if name in port.instance_profiles:
        raise ValueError(f"Instance Profile {name} already exists.")
    port.create_instance_profile({"InstanceProfileName": [name], "Path": [props.get("Path", "/")]})
    return name, _with_roles(name, props)


def _with_roles(name: str, props: Properties) -> Attributes:
    missing = [role for role in props["Roles"] if role not in port.roles]
    if missing or len(props["Roles"]) != 1:
        raise ValueError(f"The role with name {missing[0]} cannot be found." if missing else "A profile has one role.")
    port.instance_profiles[name]["Roles"] = list(props["Roles"])
    return {"Arn": port.instance_profiles[name]["Arn"]}


def _update(name: str, _old: Properties, new: Properties, _place: Place) -> Attributes:
    return _with_roles(name, new)


def _create_provider(props: Properties, _place: Place) -> tuple[str, Attributes]:
    url = str(props["Url"])
    arn = f"arn:aws:iam::{port.account_id()}:oidc-provider/{url.removeprefix('https://')}"
    if arn in port.oidc_providers:
        raise ValueError(f"Provider with url {url} already exists.")
    port.oidc_providers[arn] = {
        "Url": url.removeprefix("https://"),
        "ClientIDList": list(props.get("ClientIdList", [])),
        "ThumbprintList": list(props.get("ThumbprintList", [])),
        "CreateDate": port.iam_now(),
        "Tags": list(props.get("Tags", [])),
    }
    return arn, {"Arn": arn}


def _update_provider(arn: str, _old: Properties, new: Properties, _place: Place) -> Attributes:
    provider = port.oidc_providers[arn]
    provider["ClientIDList"], provider["Tags"] = list(new.get("ClientIdList", [])), list(new.get("Tags", []))
    return {"Arn": arn}


def _delete_provider(arn: str, _props: Properties) -> None:
    port.oidc_providers.pop(arn, None)


def _delete(name: str, _props: Properties) -> None:
    port.instance_profiles.pop(name, None)
