"""What a mapping.yml may say, and how it is refused."""

from __future__ import annotations

import pytest
from load.contract import read_var_names
from load.delivery import load_delivery
from load.mapping import Mapping, TableMapping, read_mapping
from small_deliveries import HEADER, ROW, refused, write


def test_a_folder_without_a_mapping_has_an_empty_one(folder):
    assert read_mapping(folder) == Mapping()


def test_a_mapping_may_stand_elsewhere(folder, warehouse, tmp_path):
    write(folder, "transactions.csv", HEADER, ROW)
    other = write(tmp_path, "other.yml", "input: elsewhere")
    assert load_delivery(folder, warehouse, mapping=other).input_name == "elsewhere"


def test_a_missing_mapping_is_refused(folder, warehouse):
    write(folder, "transactions.csv", HEADER, ROW)
    refused(folder, warehouse, "There is no mapping file", mapping=folder / "nowhere.yml")


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        (
            "inputs: x",
            "line 1: inputs is not a known entry (did you mean 'input'?); "
            "known are input, vars, ignore, tables.",
        ),
        (
            "tables:\n  sales: {}",
            "line 2: tables.sales is not a table of the input contract; known are transactions, "
            "customers, interactions, feedback, social_mentions.",
        ),
        (
            "tables:\n  transactions:\n    where: x = 1\n    file: x",
            "line 4: tables.transactions.file is not a known entry (did you mean 'files'?); "
            "known are files, csv, where, columns.",
        ),
        (
            "tables: {transactions: {csv:\n  {sep: x}}}",
            "line 2: tables.transactions.csv.sep is not a known entry; known are delimiter, quote, "
            "escape, encoding, decimal, thousands, null_text.",
        ),
        (
            "tables:\n  customers:\n    columns:\n\n      Customer_ID: x",
            "line 5: tables.customers.columns.Customer_ID is not a column of customers "
            "(did you mean 'customer_id'?); known are customer_id, customer_name, phone, email, "
            "id_number, birth_date, gender, city, acquisition_channel, relationship_manager_id "
            "and 3 more.",
        ),
        (
            "tables: {transactions: {csv: {encoding: klingon}}}",
            "line 1: tables.transactions.csv.encoding must be an encoding that Python knows, such "
            "as gb18030, got 'klingon'.",
        ),
        (
            "tables: {transactions: {csv: {encoding: rot13}}}",
            "line 1: tables.transactions.csv.encoding must be an encoding that Python knows, such "
            "as gb18030, got 'rot13'.",
        ),
        (
            "tables: {transactions: {csv: {delimiter: ''}}}",
            "line 1: tables.transactions.csv.delimiter must be one character, got ''.",
        ),
        (
            "tables: {transactions: {csv:\n  {delimiter: ab,\n  quote: ab}}}",
            "line 2: tables.transactions.csv.delimiter must be one character, got 'ab' (faults "
            "after this one: 1).",
        ),
        (
            "tables: {transactions: {csv: {quote: ab}}}",
            "line 1: tables.transactions.csv.quote must be one character, or empty for none, "
            "got 'ab'.",
        ),
        (
            "tables: {transactions: {columns: {channel: {fixed: x}}}}",
            "line 1: tables.transactions.columns.channel must be the name of a column, "
            "{constant: value} or {expression: SQL}, got {'fixed': 'x'}.",
        ),
        (
            "tables: {transactions: {columns: {channel: {constant: x, column: y}}}}",
            "line 1: tables.transactions.columns.channel must be the name of a column, "
            "{constant: value} or {expression: SQL}, got {'column': 'y', 'constant': 'x'}.",
        ),
        (
            "tables: {transactions: {columns: {channel: {expression: }}}}",
            "line 1: tables.transactions.columns.channel must be the name of a column, "
            "{constant: value} or {expression: SQL}, got {'expression': None}.",
        ),
        (
            "tables: {transactions: {columns: {channel: {constant: x, fixed: y}}}}",
            "line 1: tables.transactions.columns.channel.fixed is not a known entry; "
            "known are column, constant, expression.",
        ),
        (
            "tables: {transactions: {where: [x]}}",
            "line 1: tables.transactions.where must be a text, got ['x'].",
        ),
        ("tables: [x]", "line 1: tables must hold entries (name: value), got ['x']."),
        ("just text", "line 1: the file must hold entries (name: value), got 'just text'."),
        ("vars: [1]", "line 1: vars must hold entries (name: value), got [1]."),
        ("\n1: x", "line 2: 1 must have a text as its name."),
        ("a: [", "line 2 is not valid: expected the node content, but found '<stream end>'."),
        ("input: a\ninput: b", "line 2 is not valid: the entry 'input' stands twice."),
        ("? {a: b}\n: c", "line 1 is not valid: an entry needs a name."),
        (
            "tables:\n  transactions:\n    files:\n    - ok.csv\n    - /x",
            "line 5: tables.transactions.files.1 must be a pattern within the folder of the "
            "delivery, got '/x'.",
        ),
        (
            "ignore: ../x",
            "line 1: ignore.0 must be a pattern within the folder of the delivery, got '../x'.",
        ),
        ("ignore: a**", "line 1: ignore.0 must have ** alone between slashes, got 'a**'."),
    ],
)
def test_a_wrong_mapping_is_refused(folder, warehouse, mapping, message):
    write(folder, "transactions.csv", HEADER, ROW)
    write(folder, "mapping.yml", mapping)
    assert refused(folder, warehouse) == f"mapping.yml {message}"


def test_a_mapping_sets_only_vars_that_the_project_has(folder, warehouse):
    """dbt takes any var without a word: the project would be built with its defaults."""
    write(folder, "mapping.yml", "vars:", "  base_currency: GBP", "  rfm_window_day: 90")
    refused(
        folder,
        warehouse,
        "mapping.yml line 3: vars.rfm_window_day is not a var of dbt_project.yml "
        "(did you mean 'rfm_window_days'?); known are ",
    )


def test_vars_may_stand_under_the_name_of_the_project(tmp_path):
    project = write(
        tmp_path, "dbt_project.yml", "name: shop", "vars: {lag: 1, shop: {window: 2, unit: x}}"
    )
    assert sorted(read_var_names(project)) == ["lag", "unit", "window"]


def test_a_mapping_in_another_encoding_is_refused(folder, warehouse):
    (folder / "mapping.yml").write_bytes("input: 店".encode("gb18030"))
    refused(folder, warehouse, "mapping.yml cannot be read as YAML: 'utf-8' codec can't decode")


def test_aliases_that_never_end_are_refused(folder, warehouse):
    write(folder, "mapping.yml", "&all", "vars: *all", "tables: {transactions: *all}")
    refused(folder, warehouse, "mapping.yml line ", " is not a ")


def test_a_value_that_aliases_make_huge_is_not_printed(folder, warehouse):
    rows = ["- &row0 [x, x, x, x, x]"]
    rows += [f"- &row{n + 1} [{', '.join([f'*row{n}'] * 5)}]" for n in range(8)]
    write(folder, "mapping.yml", "input:", *rows)
    message = refused(folder, warehouse, "mapping.yml line 1: input must be a text, got [[")
    assert len(message) < 200


def test_sections_may_be_empty_and_values_may_be_numbers(folder):
    lines = ["vars:", "ignore:", "tables:", "  customers:", "  transactions:", "    csv:"]
    columns = (
        "    columns: {status: {constant: 1}, channel: {constant: true}, currency: {column: c}}"
    )
    write(folder, "mapping.yml", *lines, columns)
    mapping = read_mapping(folder)
    assert (mapping.vars, mapping.ignore, mapping.tables["customers"]) == ({}, (), TableMapping())
    rules = mapping.tables["transactions"].columns
    assert (rules["status"].constant, rules["channel"].constant) == ("1", "true")
    assert (rules["currency"].kind, rules["currency"].column) == ("column", "c")
