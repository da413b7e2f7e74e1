"""What a run's result says of its errors: records, and a sentence of them."""

import pytest

from lib import errors
from lib.error_record import UNFORESEEN, ErrorRecord, errors_of, in_result, record_of, with_error
from lib.errors import CredentialsError, FixInputError, TryLaterError, WorkflowError

PLAN = ErrorRecord("has no header", "fix_input", "Kopi Senja")
OWN = ErrorRecord("cannot be reached", "try_later", service="jira")


def test_each_class_of_errors_has_a_kind_of_its_own():
    classes = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, WorkflowError)]
    kinds = [one.kind for one in classes if one is not errors.TooLargeError]  # settled as any uncertain write
    assert len(set(kinds)) == len(kinds) > 8
    assert errors.TooLargeError.kind == errors.UncertainWriteError.kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (CredentialsError("Jira", "no"), "credentials"),
        (TryLaterError("Google", "no"), "try_later"),
        (ValueError("x"), UNFORESEEN),
    ],
)
def test_an_exception_gives_its_kind_and_its_message_without_the_client(error, kind):
    record = record_of(error, "Kopi Senja")
    assert (record.kind, record.client, record.service) == (kind, "Kopi Senja", "")
    assert "Kopi Senja" not in record.message
    assert str(record) == f"Kopi Senja: {record.message}"


def test_a_record_names_the_service_that_the_error_came_from():
    error = FixInputError("Google", "no access")
    error.service = "google"
    assert record_of(error).service == "google"


def test_a_result_has_a_sentence_and_the_records_and_reads_them_back():
    result = in_result([OWN, PLAN])
    assert result["error"] == "cannot be reached; Kopi Senja: has no header"
    assert errors_of(result) == [OWN, PLAN]
    assert in_result([]) == {}


def test_a_result_that_gives_a_sentence_alone_has_one_error_of_its_own():
    assert errors_of({"error": "no settings"}) == [ErrorRecord("no settings", UNFORESEEN)]
    assert errors_of({}) == []


def test_an_error_that_comes_later_stands_beside_the_first():
    result = with_error({"state": "completed", **in_result([PLAN])}, OWN)
    assert errors_of(result) == [PLAN, OWN]
    assert result["state"] == "completed"
    assert result["error"].endswith("; cannot be reached")
    assert errors_of(with_error({"error": "as a sentence"}, OWN))[0].message == "as a sentence"
