"""The mappings against the Jira site."""

from lib.plan import site_checks


def test_a_component_that_the_project_lacks_is_named_with_those_that_there_are():
    [problem] = site_checks.check_components({"Kopi": "1", "Toko": "9"}, {"1": "Kopi"}, "CP")
    assert problem.where == "hashmap.py, COMPONENTS['Toko']"
    assert "no component 9; there are Kopi = 1" in problem.message
    assert problem.level == "error"


def test_unknown_and_deactivated_accounts_are_told_apart():
    found = site_checks.check_accounts({"A": "1", "B": "2", "C": "3"}, {"1": True, "2": False})
    assert [(p.where, p.message.split(";")[0]) for p in found] == [
        ("hashmap.py, WORKERS['B']", "the account 2 is deactivated"),
        ("hashmap.py, WORKERS['C']", "the account 3 does not exist, or we may not see it"),
    ]


def test_a_field_that_the_site_lacks_is_named():
    [problem] = site_checks.check_custom_fields(
        {"Form": "customfield_1", "Start": "customfield_2"}, {"customfield_1": "Form", "summary": "Summary"}
    )
    assert "no field customfield_2; there are Form = customfield_1" in problem.message


def test_a_name_without_a_worker_is_a_warning():
    found = site_checks.check_names({"Kopi": "A"}, {"Kopi": "B"}, {"A": "1"})
    assert [(p.where, p.level) for p in found] == [("hashmap.py, FIELD_ASSOCIATE['Kopi']", "warning")]
