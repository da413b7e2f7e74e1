"""The agency's mappings against its Jira site: ids that do not exist there, accounts that are no longer active. Pure."""

from collections.abc import Mapping

from lib.messages import say
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
    known = ", ".join(f"{name} = {component_id}" for component_id, name in of_project.items()) or say("none")
    return [
        Problem.of(
            f"hashmap.py, COMPONENTS['{client}']",
            say(
                "project {project} has no component {id}; there are {known}",
                project=project_key,
                id=component_id,
                known=known,
            ),
            kind=Kind.MAPPING,
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
    return [
        Problem.of(
            f"hashmap.py, WORKERS['{worker}']",
            say(
                "the account {id} is deactivated; write the id of an active one (/jira/people/<account id>)",
                id=account_id,
            )
            if account_id in active
            else say(
                "the account {id} does not exist, or we may not see it; write the id of an active one (/jira/people/<account id>)",
                id=account_id,
            ),
            kind=Kind.MAPPING,
        )
        for worker, account_id in workers.items()
        if not active.get(account_id)
    ]


def check_custom_fields(custom_fields: Mapping[str, str], of_site: Mapping[str, str]) -> list[Problem]:
    """
    One problem per custom field that the site does not have.

    Args:
        custom_fields: Field name -> id.
        of_site: Id -> name of the site's fields.
    """
    known = ", ".join(f"{name} = {field_id}" for field_id, name in of_site.items() if field_id.startswith(_CUSTOM))
    listed = known or say("no custom fields")
    return [
        Problem.of(
            f"hashmap.py, CUSTOM_FIELDS['{name}']",
            say("the site has no field {id}; there are {known}", id=field_id, known=listed),
            kind=Kind.MAPPING,
        )
        for name, field_id in custom_fields.items()
        if field_id not in of_site
    ]


def check_names(editors: Mapping[str, str], associates: Mapping[str, str], workers: Mapping[str, str]) -> list[Problem]:
    """One problem per client whose Content Editor or Field Associate has no entry in WORKERS."""
    return [
        Problem.of(
            f"hashmap.py, {mapping}['{client}']",
            say("'{worker}' has no entry in WORKERS; add the account id, or write another name", worker=worker),
            level="warning",
            kind=Kind.MAPPING,
        )
        for mapping, names in (("CONTENT_EDITOR", editors), ("FIELD_ASSOCIATE", associates))
        for client, worker in names.items()
        if worker not in workers
    ]
