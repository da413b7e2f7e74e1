"""The error tree: what a reader does next, and that nothing is lost on the way."""

import inspect
import pickle

import pytest

from lib import errors
from lib.errors import WorkflowError

CLASSES = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, WorkflowError)]


def example(error_class):
    parameters = list(inspect.signature(error_class.__init__).parameters.values())[1:]
    values = {"reasons": {"summary": "no"}, "cell": 3, "retry_after_s": 7.0}
    if error_class is WorkflowError:
        return WorkflowError("where", "what")
    return error_class(*(values.get(parameter.name, f"the {parameter.name}") for parameter in parameters))


@pytest.mark.parametrize("error_class", CLASSES, ids=lambda c: c.__name__)
def test_an_error_survives_pickling_with_all_its_fields(error_class):
    error = example(error_class)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


@pytest.mark.parametrize("error_class", CLASSES, ids=lambda c: c.__name__)
def test_an_error_is_named_as_one_and_stands_in_the_modules_tree(error_class):
    assert error_class.__name__.endswith("Error")
    assert error_class.__name__ in errors.__doc__
    assert error_class.__doc__


def test_a_message_says_where_and_what():
    assert str(errors.FixInputError("'Juli'!B7", "is empty")) == "'Juli'!B7: is empty"
    assert str(errors.TryLaterError("Jira", "too many requests", 30)) == "Jira: too many requests"
    assert (
        str(errors.NotebookError("transform", "failed", 4, "KeyError: 'Topik'"))
        == "transform, cell 4: failed: KeyError: 'Topik'"
    )
