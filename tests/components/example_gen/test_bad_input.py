"""Each kind of bad input gives one clear line that says where, what was expected, and how to fix it."""

import gzip
from pathlib import Path

import pytest

from tfx_automl.components.example_gen.inspect import inspect
from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.table import read_table
from tfx_automl.errors import ConfigError, DataError

ROWS = [f"{20 + i},{'f' if i % 2 else 'm'},{'yes' if i % 3 else 'no'}" for i in range(30)]
HEADER = "age,sex,income"


@pytest.fixture
def write(tmp_path: Path):
    def write(content: str | bytes, name: str = "people.csv") -> str:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


def _file(*rows: str, header: str = HEADER) -> str:
    return "\n".join([header, *rows]) + "\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"people.csv: the file is empty; expected column names and rows"),
        ("\n\n", r"the file is empty"),
        (_file(), r"people.csv: there are column names but no rows"),
        (_file("1,f,yes", "2,m", "3,f,no"), r"people.csv, row 3 \(line 3\): 2 columns where 3 are expected; mend"),
        (_file('1,"a\nb",yes', "2,m,no,x"), r"row 3 \(line 4\): 4 columns where 3 are expected"),
        (_file("1,f,yes", header="age,age,income"), r"row 1: the column name 'age' stands there twice"),
        (_file("1,f,yes", header="age,,income"), r"row 1: column 2 has no name"),
        (
            _file("1,f,yes").encode() + b"2,\xe9,no\n",
            r"people.csv, row 3 \(line 3\): byte 3 is not UTF-8; save the file as UTF-8",
        ),
        (b"ag\xe9,sex,income\n1,f,yes\n", r"line 1, byte 3: not UTF-8"),
    ],
)
def test_unreadable_files(write, content, message):
    with pytest.raises(DataError, match=message) as caught:
        read_table(write(content), ReadOptions())
    assert "\n" not in str(caught.value)


def test_missing_file(tmp_path):
    with pytest.raises(DataError, match=r"absent.csv: there is no such file; check the path"):
        read_table(str(tmp_path / "absent.csv"), ReadOptions())


def test_folder_instead_of_file(tmp_path):
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    with pytest.raises(DataError, match=r"this is a folder; name a file"):
        read_table(str(folder), ReadOptions())


def test_unknown_format(write):
    with pytest.raises(
        DataError, match=r"people.docx: the format of this file is not known; expected a name that ends"
    ):
        read_table(write("x", "people.docx"), ReadOptions())


def test_truncated_gzip(write):
    content = gzip.compress(_file(*ROWS).encode())
    with pytest.raises(DataError, match="not a complete gzip file"):
        read_table(write(content[:-20], "people.csv.gz"), ReadOptions())


def test_wrong_number_of_names(write):
    with pytest.raises(DataError, match=r"row 1: 3 columns, but 2 names were given \(a, b\)"):
        read_table(write(_file(*ROWS)), ReadOptions(columns=("a", "b")))


@pytest.mark.parametrize(
    ("options", "arguments", "message"),
    [
        ({"label": "incom"}, {}, r"there is no column 'incom'; did you mean 'income'\?"),
        ({"label": "zzz"}, {}, r"there is no column 'zzz'; the columns are age, sex, income"),
        ({"label": "income"}, {"sensitive": [("sexx",)]}, r"no column 'sexx'; did you mean 'sex'\?"),
        ({"label": "income"}, {"positive": "maybe"}, r"'maybe' is no value of the label 'income'; .* 'no', 'yes'"),
        ({"label": "income"}, {"task": "regression"}, r"needs numbers, but the label 'income' holds text"),
        ({"label": "income"}, {"task": "multiclass"}, r"needs 3 to 1000 values, but the label 'income' has 2"),
        ({"label": "age"}, {"task": "binary"}, r"needs 2 values, but the label 'age' has 30"),
        ({"label": "age"}, {"positive": "25"}, r"--positive needs a binary task"),
    ],
)
def test_options_that_do_not_fit_the_data(write, options, arguments, message):
    with pytest.raises(ConfigError, match=message):
        inspect(write(_file(*ROWS)), None, ReadOptions(**options), **arguments)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([f"{i},f,yes" for i in range(30)], r"The label 'income' is 'yes' in every row"),
        ([f"{i},f," for i in range(30)], r"the label 'income' is missing in every row"),
        ([*ROWS, "1,f,maybe", "2,f,maybe"], r"classes with fewer rows than there are splits \(3\): 'maybe' \(2\)"),
        (ROWS[:19], r"19 rows with a label; expected 20 or more"),
    ],
)
def test_labels_that_cannot_be_learned(write, rows, message):
    with pytest.raises(ConfigError, match=message):
        inspect(write(_file(*rows)), None, ReadOptions(label="income"))


def test_sensitive_column_with_too_many_values(write):
    rows = [f"{i},f,{'yes' if i % 3 else 'no'}" for i in range(60)]
    with pytest.raises(ConfigError, match=r"sensitive column 'age' has 60 values; expected 50 or fewer"):
        inspect(write(_file(*rows)), None, ReadOptions(label="income"), sensitive=[("age",)])


def test_numbers_are_to_be_cut(write):
    rows = [f"{i},f,{'yes' if i % 3 else 'no'}" for i in range(60)]
    with pytest.raises(
        ConfigError, match=r"quartiles, cuts={'age': \[14,29,44\]} \(on the command line: --cut age=14,29,44"
    ):
        inspect(write(_file(*rows)), None, ReadOptions(label="income"), sensitive=[("age",)])
    found = inspect(
        write(_file(*rows)), None, ReadOptions(label="income"), sensitive=[("age",)], cuts={"age": (14, 29)}
    )
    assert found.rows == 60
    with pytest.raises(ConfigError, match="sensitive column 'sex' holds text, which has no cut points"):
        inspect(write(_file(*rows)), None, ReadOptions(label="income"), sensitive=[("sex",)], cuts={"sex": (1,)})


def test_all_problems_come_at_once(write):
    with pytest.raises(ConfigError) as caught:
        inspect(
            write(_file(*ROWS)),
            write("", "test.csv"),
            ReadOptions(label="income"),
            sensitive=[("sexx",), ("ag", "sex")],
            task="regression",
        )
    assert len(caught.value.problems) == 4


def test_test_file_lacks_a_column(write):
    with pytest.raises(ConfigError, match=r"test.csv: the test file lacks columns of the training file: sex"):
        inspect(write(_file(*ROWS)), write("age,income\n1,yes\n", "test.csv"), ReadOptions(label="income"))


def test_unknown_label_in_the_test_file(write):
    test = write(_file("1,f,yes", "2,m,nope"), "test.csv")
    with pytest.raises(ConfigError, match=r"test.csv: the label 'nope' does not occur in the training file"):
        inspect(write(_file(*ROWS)), test, ReadOptions(label="income"))


def test_options_report_every_mistake():
    with pytest.raises(ConfigError) as caught:
        ReadOptions(columns=("a", "a"), delimiter="ab", task="x", label="y", split_ratios={"train": 0})
    assert len(caught.value.problems) == 5
