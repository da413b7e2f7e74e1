"""The agency's mappings against its Jira site: ids that do not exist there, accounts that are no longer active. Pure."""

from collections.abc import Mapping

from lib.plan.problems import Kind, Problem

_CUSTOM = "customfield_"


def check_components(components: Mapping[str, str], of_project: Mapping[str, str], project_key: str) -> list[Problem]:
    """
    One problem per client whose component the project does not have.

    Args:
        components: Client -> component id.
        of_project: Id -> name of the project's components.
        project_key: Names the project.
    """
    known = ", ".join(f"{name} = {component_id}" for component_id, name in of_project.items()) or "none"
    return [
        Problem(
            kind=Kind.MAPPING,
            where=f"hashmap.py, COMPONENTS[{client!r}]",
            message=f"project {project_key} has no component {component_id}; there are {known}",
        )
        for client, component_id in components.items()
        if component_id not in of_project
    ]


def check_accounts(workers: Mapping[str, str], active: Mapping[str, bool]) -> list[Problem]:
    """
    One problem per worker whose account is unknown or inactive.

    Args:
        workers: Worker -> account id.
        active: Account id -> whether it is active, for those that exist.
    """
    states = {True: "", False: "is deactivated", None: "does not exist, or we may not see it"}
    return [
        Problem(
            kind=Kind.MAPPING,
            where=f"hashmap.py, WORKERS[{worker!r}]",
            message=f"the account {account_id} {said}; write the id of an active one (/jira/people/<account id>)",
        )
        for worker, account_id in workers.items()
        if (said := states[active.get(account_id)])
    ]


def check_custom_fields(custom_fields: Mapping[str, str], of_site: Mapping[str, str]) -> list[Problem]:
    """
    One problem per custom field that the site does not have.

    Args:
        custom_fields: Field name -> id.
        of_site: Id -> name of the site's fields.
    """
    known = ", ".join(f"{name} = {field_id}" for field_id, name in of_site.items() if field_id.startswith(_CUSTOM))
    return [
        Problem(
            kind=Kind.MAPPING,
            where=f"hashmap.py, CUSTOM_FIELDS[{name!r}]",
            message=f"the site has no field {field_id}; there are {known or 'no custom fields'}",
        )
        for name, field_id in custom_fields.items()
        if field_id not in of_site
    ]


def check_names(editors: Mapping[str, str], associates: Mapping[str, str], workers: Mapping[str, str]) -> list[Problem]:
    """One problem per client whose Content Editor or Field Associate has no entry in WORKERS."""
    return [
        Problem(
            kind=Kind.MAPPING,
            where=f"hashmap.py, {mapping}[{client!r}]",
            message=f"{worker!r} has no entry in WORKERS; add the account id, or write another name",
            level="warning",
        )
        for mapping, names in (("CONTENT_EDITOR", editors), ("FIELD_ASSOCIATE", associates))
        for client, worker in names.items()
        if worker not in workers
    ]
