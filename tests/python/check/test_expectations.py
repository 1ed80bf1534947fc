"""Expectation files: what is read, and the sentence for each mistake."""

from collections.abc import Callable
from pathlib import Path

import pytest
from check.expectations import ValidationStopped, read_expectations


def test_a_file_is_read(write_expectations: Callable[..., Path]) -> None:
    [mart] = read_expectations(write_expectations())
    assert (mart.mart, mart.key) == ("customers", ["customer_id"])
    in_range, masked = mart.expectations
    assert in_range.arguments == {"column": "criticality", "min_value": 0, "max_value": 100}
    assert mart.sql(in_range) is None
    assert (
        mart.sql(masked) == "select customer_id from marts.customers where length(masked_name) > 3"
    )


def test_a_doubled_brace_is_one_brace(write_expectations: Callable[..., Path]) -> None:
    [mart] = read_expectations(write_expectations("(masked_name)", "(masked_name || '{{x}}')"))
    assert "'{x}'" in mart.sql(mart.expectations[1])


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("mart: customers", "mart: customer", "mart: it is customer, but the file's name says "),
        ("mart: customers", "mart: 7", "mart: it must be a text, and is 7."),
        ("mart: customers", "- mart", "line 3: the YAML is wrong: "),
        ("mart: customers\n", "", "the key mart is missing; the file has mart, key and "),
        ("key: [customer_id]", "key: []", "key: it must not be empty."),
        ("key: [customer_id]", "key: [1]", "key, item 1: it must be a text, and is 1."),
        ("key: [customer_id]", "key: id", "key: it must be a list, and is 'id'."),
        (
            "key: [customer_id]",
            "keys: [customer_id]",
            "the key keys is unknown (did you mean key?); the file has mart, key and expectations.",
        ),
        (
            "because: Names",
            "becuase: Names",
            "masked: the key becuase is unknown (did you mean because?); an expectation has name, "
            "because, severity, type and arguments.",
        ),
        ("    because: Names are masked.\n", "", "masked: the key because is missing; an "),
        ("because: Names are masked.", "because: ''", "masked, because: it must not be empty."),
        ("because: Names are masked.", "because:", "masked, because: it must be a text."),
        ("name: masked", "name: in_range", "two expectations have the name in_range; a name must"),
        ("  - name: masked\n", "  -\n", "expectation 2: the key name is missing; an expectation "),
        (
            "severity: critical",
            "severity: critcal",
            "in_range, severity: it is critcal (did you mean critical?); it must be critical or "
            "warning.",
        ),
        (
            "    severity: critical\n",
            "    severity: critical\n    severity: warning\n",
            'line 8: the YAML is wrong: found duplicate key "severity"; every key may be there on',
        ),
        ("arguments: {column", "arguments: [column", "the YAML is wrong: "),
        ("{column: criticality, min_value: 0, max_value: 100}", "7", "in_range, arguments: it mu"),
        (
            "values_to_be_between",
            "quantile_values_to_be_between",
            "in_range, type: expect_column_quantile_values_to_be_between does not work on DuckDB: "
            "use unexpected_rows_expectation with quantile_cont.",
        ),
        ("values_to_be_between", "values_to_not_match_regex", "with regexp_matches."),
        ("values_to_be_between", "values_to_be_of_type", "the contract of the mart checks its ty"),
        ("unexpected_rows_query:", "query:", "masked: unexpected_rows_expectation needs the argum"),
        (
            "{batch}",
            "marts.customers",
            "masked: unexpected_rows_query must read the mart as {batch}.",
        ),
        ("> {length}", "> 3", "masked: unexpected_rows_query does not use the argument length as "),
        (
            "> {length}",
            "> {length} + {lenght}",
            "unexpected_rows_query uses {lenght}, which is no argument (did you mean length?); ",
        ),
        ("> {length}", "> {length} }", "unexpected_rows_query has a single brace; double a brace"),
    ],
)
def test_a_mistake_is_one_sentence(
    write_expectations: Callable[..., Path], old: str, new: str, sentence: str
) -> None:
    folder = write_expectations(old, new)
    with pytest.raises(ValidationStopped) as stopped:
        read_expectations(folder)
    text = str(stopped.value)
    assert text.startswith("customers.expectations.yml, ")
    assert sentence in text
    assert "\n" not in text
    assert text.endswith(".")
    assert text.count("customers.expectations.yml") == 1


def test_a_file_that_is_no_mapping(tmp_path: Path) -> None:
    (tmp_path / "customers.expectations.yml").write_text("", encoding="utf-8")
    with pytest.raises(ValidationStopped, match="it must be a mapping of keys and values"):
        read_expectations(tmp_path)


def test_a_folder_without_files(tmp_path: Path) -> None:
    with pytest.raises(ValidationStopped, match=r"has no file that ends in \.expectations\.yml"):
        read_expectations(tmp_path)


def test_two_files_of_one_mart(write_expectations: Callable[..., Path]) -> None:
    folder = write_expectations()
    copy = folder / "copy" / "customers.expectations.yml"
    copy.parent.mkdir()
    copy.write_text((folder / copy.name).read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(ValidationStopped, match=r"Two files describe the same mart: .*copy.* and "):
        read_expectations(folder)
