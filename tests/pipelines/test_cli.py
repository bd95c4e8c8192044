"""The command line: fast help, exit status 2 with clear lines, nothing written on bad input."""

import subprocess
import sys
from pathlib import Path

import pytest

from tfx_automl.models.inputs import IMAGE_COLUMNS
from tfx_automl.pipelines.cli import main
from tfx_automl.pipelines.config import RunConfig, flag_name, option_fields
from tfx_automl.pipelines.output import MARKER, OutputFolder
from tfx_automl.pipelines.preflight import _column_problems

HEAVY = ("tensorflow", "tfx", "keras", "apache_beam", "numpy", "pandas", "pyarrow", "sklearn", "rich")


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom tfx_automl.pipelines.cli import main\n"
        "try:\n    main(['run', '--help'])\nexcept SystemExit:\n    pass\n"
        f"print('loaded:', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("loaded: []")


@pytest.mark.parametrize(
    "module", ["argparse", "tfx_automl.pipelines.config", "tfx_automl.pipelines.preflight", "pandas.core.api"]
)
def test_interrupt_during_the_first_imports(module, people, tmp_path):
    """As if Ctrl-C came while the module is imported."""
    code = (
        "import sys\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name == {module!r}:\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "from tfx_automl.pipelines.cli import main\n"
        "sys.exit(main())"
    )
    arguments = ("run", str(people), "--label", "income", "--output", str(tmp_path / "out"))
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=300)
    assert done.stderr == "tfx-automl: interrupted; the same command goes on where this one stopped.\n"
    assert done.returncode == 130


def test_help_names_every_option(capsys):
    with pytest.raises(SystemExit):
        main(["run", "--help"])
    shown = capsys.readouterr().out
    for entry in option_fields():
        assert flag_name(entry.name) in shown


@pytest.mark.parametrize("command", ["run", "demo"])
def test_help_says_one_default_of_each_option(command, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    _, _, options = " ".join(capsys.readouterr().out.split()).partition("options:")
    texts = {text.split()[0]: text for text in options.split(" --")[1:]}
    assert texts["workers"].count("(default:") == 1
    assert "(default: one per core)" in texts["workers"]
    assert "(default: 0)" in texts["seed"]
    assert "default" not in texts["max-trials"]
    if command == "demo":
        assert "(default: runs/demo)" in texts["output"]
        assert "(default: the data set's own)" in texts["max-epochs"]


@pytest.mark.slow
def test_own_metrics_are_checked_with_everything_else(people, tmp_path, capsys):
    """Before anything is written: the file, its metrics, and the columns that it slices on."""
    file = tmp_path / "mine.pbtxt"
    file.write_text(
        'slicing_specs { feature_keys: "no_such_column" } metrics_specs { metrics { class_name: "F2Score" } }',
        encoding="utf-8",
    )
    output = tmp_path / "out"
    arguments = ["run", str(people), "--label", "income", "--output", str(output), "--eval-config", str(file)]
    assert main([*arguments, "--min-metric", "nonsense=1"]) == 2
    said = capsys.readouterr().err
    assert "--eval-config: slicing_specs[0] names 'no_such_column', which is no feature" in said
    assert "--eval-config: metrics_specs[0].metrics[0] (F2Score): there is no metric 'F2Score'" in said
    assert "--min-metric names 'nonsense'" in said
    assert not output.exists()


@pytest.mark.parametrize(("arguments", "defers"), [(["--version"], False), (None, True)])
def test_only_a_process_of_its_own_defers_packages(arguments, defers, monkeypatch):
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setattr(sys, "argv", ["tfx-automl", "--version"])
    before = len(sys.meta_path)
    with pytest.raises(SystemExit):
        main(arguments)
    assert len(sys.meta_path) - before == defers


def test_version(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out.startswith("tfx-automl ")


def test_mistakes_exit_with_2(capsys):
    assert main(["run", "--factor", "1"]) == 2
    shown = capsys.readouterr().err
    assert "tfx-automl: DATA is required." in shown
    assert "tfx-automl: --factor: expected 2 or more, got 1." in shown


def test_abbreviated_flags_are_refused():
    with pytest.raises(SystemExit) as stopped:
        main(["run", "x.csv", "--lab", "y"])
    assert stopped.value.code == 2


@pytest.fixture
def people(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    rows = [f"{20 + i},{'f' if i % 2 else 'm'},{'yes' if i % 3 else 'no'}" for i in range(30)]
    path.write_text("age,sex,income\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_mistakes_in_options_and_data_come_together(people, tmp_path, capsys):
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "thesis.txt").write_text("precious", encoding="utf-8")
    status = main(["run", str(people), "--label", "incom", "--sensitive", "sexx", "--output", str(taken)])
    shown = capsys.readouterr().err
    assert status == 2
    assert "holds something that no earlier run made" in shown
    assert "incom" in shown and "income" in shown
    assert "sexx" in shown
    assert [path.name for path in taken.iterdir()] == ["thesis.txt"]
    assert (taken / "thesis.txt").read_text(encoding="utf-8") == "precious"


ALL_WRONG = ("--families", "forest", "--exclude", "nope", "--objective", "val_rmse", "--min-metric", "rmse=1")
NO_FAMILY = "There is no model family 'forest'"
NO_COLUMN = "--exclude: there is no column 'nope'"
NO_METRIC = "a binary task has no metric 'val_rmse'"
NO_BOUND = "no metric that can be bounded for a binary task"


@pytest.mark.parametrize(
    ("arguments", "messages"),
    [
        (("--label", "incom"), ("there is no column 'incom'", NO_FAMILY, NO_COLUMN)),
        (
            ("--label", "incom", "--task", "binary"),
            ("there is no column 'incom'", NO_FAMILY, NO_COLUMN, NO_METRIC, NO_BOUND),
        ),
        (
            ("--label", "income", "--sensitive", "sexx", "--positive", "maybe", "--test-data", "absent.csv"),
            ("'sexx'", "'maybe' is no value", "absent.csv", NO_FAMILY, NO_COLUMN, NO_METRIC, NO_BOUND),
        ),
        (("--label", "income", "--columns", "a,b"), ("'income' is not among", NO_FAMILY, NO_COLUMN)),
        (("--label", "income", "--delimiter", '"'), ("delimiter: expected a single ASCII", NO_FAMILY)),
    ],
)
def test_mistakes_in_the_data_do_not_hide_those_in_the_options(people, tmp_path, capsys, arguments, messages):
    assert main(["run", str(people), "--output", str(tmp_path / "out"), *arguments, *ALL_WRONG]) == 2
    shown = capsys.readouterr().err
    assert [message for message in messages if message not in shown] == []
    assert len(set(shown.splitlines())) == len(shown.splitlines())


def test_a_file_that_cannot_be_read_does_not_hide_mistakes_in_the_options(tmp_path, capsys):
    status = main(["run", str(tmp_path / "absent.csv"), "--label", "y", "--output", str(tmp_path / "out"), *ALL_WRONG])
    shown = capsys.readouterr().err
    assert status == 2
    assert "absent.csv" in shown and NO_FAMILY in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--objective", "val_rmse"), ": --objective: a binary task has no metric 'val_rmse'; expected one of val_auc"),
        (
            ("--objective", "val_auc,auc_difference"),
            ": --objective: 'auc_difference' compares groups of rows, but",
        ),
        (("--constraint", "val_size<=3"), ": --constraint: a binary task has no metric 'val_size'; expected one of"),
        (("--constraint", "auc=0.9"), ": --constraint: expected METRIC<=NUMBER or METRIC>=NUMBER, got 'auc=0.9'."),
        (
            ("--constraint", "auc_difference<=0.1"),
            ": --constraint: 'auc_difference' compares groups of rows, but",
        ),
        (
            ("--sensitive", "sex", "--constraint", "auc_difference[age]<=0.1"),
            ": --constraint: 'auc_difference[age]' compares groups of 'age', but the sensitive groups are sex; n",
        ),
        (
            ("--sensitive", "sex", "--reweigh", "sex", "--label", "age", "--task", "regression"),
            ": --reweigh: rows are weighed by group and class, but a regression task has no classes; got 'sex'",
        ),
        (("--families", "forest"), "There is no model family 'forest'; there are "),
        (("--families", "dense"), "The model family 'dense' is not for a table"),
        (("--exclude", "agee"), "--exclude: there is no column 'agee'; did you mean 'age'?"),
        (
            ("--exclude", "age,sex"),
            "--exclude: got age, sex, which leaves nothing to learn from but the label 'income'",
        ),
        (
            ("--min-metric", "rmse=1"),
            ": --min-metric names 'rmse', which is no metric that can be bounded for a binary task",
        ),
        (("--min-metric", "auc=nan"), ": --min-metric needs a finite number for auc"),
        (("--sensitive", "sex", "--max-gap", "unfairness=0.1"), ": --max-gap names 'unfairness', which is no gap"),
        (
            ("--sensitive", "sex", "--max-gap", "accuracy_difference=-1"),
            ": --max-gap: accuracy_difference is never below 0",
        ),
    ],
)
def test_options_that_do_not_fit_the_data_are_refused_before_anything_is_written(
    people, tmp_path, capsys, arguments, message
):
    output = tmp_path / "out"
    assert main(["run", str(people), "--label", "income", "--output", str(output), *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not output.exists()


def test_a_column_that_is_merely_called_image_makes_no_images(tmp_path, capsys):
    path = tmp_path / "files.csv"
    path.write_text("image,y\n" + "".join(f"{'ab'[n % 2]}.png,{n % 3 % 2}\n" for n in range(30)), encoding="utf-8")
    assert main(["run", str(path), "--label", "y", "--output", str(tmp_path / "out"), "--families", "dense"]) == 2
    assert "The model family 'dense' is not for a table" in capsys.readouterr().err


def test_encoded_images_are_something_to_learn_from():
    config = RunConfig(data="pets", label="label", output="out")
    assert _column_problems(config, (*IMAGE_COLUMNS, "image/format", "image/name", "label")) == []


def test_a_file_with_nothing_but_the_label(tmp_path, capsys):
    path = tmp_path / "labels.csv"
    path.write_text("y\n" + "0\n1\n" * 20, encoding="utf-8")
    assert main(["run", str(path), "--label", "y", "--output", str(tmp_path / "out")]) == 2
    assert "labels.csv: there is no column but the label 'y'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_image_is_excluded_with_any_of_its_sizes():
    config = RunConfig(data="d-images-idx3-ubyte", label="label", output="out", exclude=("image/height",))
    assert len(_column_problems(config, (*IMAGE_COLUMNS, "label"))) == 1
    assert _column_problems(config, (*IMAGE_COLUMNS, "label", "age")) == []


def test_every_problem_stays_one_line(tmp_path, capsys):
    path = tmp_path / "odd.csv"
    path.write_text('"li\nne","re\rturn",income\n' + "1,2,yes\n3,4,no\n" * 15, encoding="utf-8")
    arguments = ("--label", "income", "--exclude", "absent", "--sensitive", "unknown")
    assert main(["run", str(path), *arguments, "--output", str(tmp_path / "a\nb" / "out")]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert all(line.startswith("tfx-automl: ") for line in lines)
    assert any("li ne, re turn, income" in line for line in lines)


def test_failure_stays_one_line(tmp_path, people, monkeypatch, capsys):
    def fail(*_: object) -> None:
        raise RuntimeError("it broke")

    monkeypatch.setattr("tfx_automl.pipelines.job._run", fail)
    assert main(["run", str(people), "--label", "income", "--output", str(tmp_path / "a\nb")]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("tfx-automl: RuntimeError: it broke")
    assert last.endswith("a b/log.txt)")


def test_bad_data_leaves_no_output(tmp_path, capsys):
    output = tmp_path / "out"
    assert main(["run", str(tmp_path / "absent.csv"), "--label", "y", "--output", str(output)]) == 2
    assert "absent.csv" in capsys.readouterr().err
    assert not output.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("- a\n- b\n", "must hold lines such as"),
        ("label: [unclosed\n", "is not YAML"),
        ("labell: y\n", "'labell' does not exist. Did you mean 'label'"),
    ],
)
def test_bad_yaml(content, message, tmp_path, capsys):
    path = tmp_path / "run.yaml"
    path.write_text(content, encoding="utf-8")
    assert main(["run", "--config", str(path)]) == 2
    assert message in capsys.readouterr().err


def test_missing_yaml(tmp_path, capsys):
    assert main(["run", "--config", str(tmp_path / "absent.yaml")]) == 2
    assert "cannot read" in capsys.readouterr().err


def test_flags_win_over_yaml(tmp_path, monkeypatch):
    path = tmp_path / "run.yaml"
    path.write_text(
        "data: x.csv\nlabel: y\noutput: out\nmax-epochs: 5\nfactor: 4\nsensitive: [sex, [sex, race]]\n",
        encoding="utf-8",
    )
    seen = []
    monkeypatch.setattr("tfx_automl.pipelines.commands.run_job", lambda config, verbose: seen.append((config, verbose)))
    assert main(["run", "--config", str(path), "--max-epochs", "7", "--verbose"]) == 0
    config, verbose = seen[0]
    assert (config.max_epochs, config.factor, verbose) == (7, 4, True)
    assert config.sensitive == (("sex",), ("sex", "race"))


def test_output_folder_accepts_new_empty_and_its_own(tmp_path):
    folder = OutputFolder.at(str(tmp_path / "new" / "deep"))
    folder.check()
    folder.create()
    assert (folder.root / MARKER).is_file()
    (folder.root / "more").write_text("x", encoding="utf-8")
    folder.check()
    OutputFolder.at(str(tmp_path / "empty")).check()


def test_output_that_is_a_file(tmp_path, people, capsys):
    assert main(["run", str(people), "--label", "income", "--output", str(people)]) == 2
    assert "is a file" in capsys.readouterr().err
    assert people.read_text(encoding="utf-8").startswith("age,sex,income")


@pytest.fixture
def dead_ends(tmp_path: Path) -> dict[str, str]:
    """Paths at which no folder can be made, by what is in the way."""
    (tmp_path / "a_file").write_text("precious", encoding="utf-8")
    (tmp_path / "dangling").symlink_to(tmp_path / "absent")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    return {
        "below a file": str(tmp_path / "a_file" / "x" / "y"),
        "below a device": "/dev/null/x",
        "in /proc": "/proc/tfx-automl-test",
        "a link to nothing": str(tmp_path / "dangling"),
        "below a link to nothing": str(tmp_path / "dangling" / "x"),
        "a link to itself": str(tmp_path / "loop"),
        "too long": str(tmp_path / ("n" * 300)),
    }


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("below a file", "a_file is a file;"),
        ("below a device", "/dev/null is no folder;"),
        ("in /proc", "/proc/tfx-automl-test cannot be made ("),
        ("a link to nothing", "dangling is a link to something that does not exist;"),
        ("below a link to nothing", "dangling is a link to something that does not exist;"),
        ("a link to itself", "loop is a link to something that does not exist;"),
        ("too long", "cannot be made (File name too long);"),
    ],
)
@pytest.mark.parametrize("command", ["run", "demo"])
def test_output_that_cannot_be_made(command, what, message, people, dead_ends, capsys):
    data = (str(people), "--label", "income") if command == "run" else ()
    assert main([command, *data, "--output", dead_ends[what]]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("tfx-automl: --output: ")
    assert shown.count("\n") == 1
    assert message in shown
    assert "in a place where you may write" in shown


@pytest.mark.parametrize("existing", [True, False])
def test_output_without_permission(existing, tmp_path, people, monkeypatch, capsys):
    parent = tmp_path / "locked"
    parent.mkdir()
    monkeypatch.setattr("os.access", lambda path, mode: str(path) != str(parent))  # tests may run as root
    output = parent if existing else parent / "new" / "deep"
    assert main(["run", str(people), "--label", "income", "--output", str(output)]) == 2
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1
    assert f"you have no permission to write in {parent};" in shown
    assert not any(parent.iterdir())
