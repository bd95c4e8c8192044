"""The configuration of a run: one typed, frozen object; the flags and the YAML keys are made from its fields."""

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from types import MappingProxyType
from typing import Any

from tfx_automl.errors import ConfigError, require
from tfx_automl.models.cuts import cut_problems
from tfx_automl.models.groups import group_text
from tfx_automl.pipelines import converters
from tfx_automl.pipelines.beam_config import BeamConfig, beam_checks
from tfx_automl.pipelines.gate_config import GateConfig, gate_checks
from tfx_automl.pipelines.option import option
from tfx_automl.pipelines.search_config import SearchConfig

TASKS = ("auto", "binary", "multiclass", "regression")
_QUOTES = "a name with a comma in double quotes: `'a,\"b,c\"'`"
# Stand for what was given but could not be read, where other options depend on its being given at all.
_UNREADABLE: Mapping[str, object] = MappingProxyType({"sensitive": ((),), "max_gap": {"": 0.0}})


@dataclass(frozen=True, kw_only=True)
class RunConfig(SearchConfig, GateConfig, BeamConfig):
    """Everything that a run depends on. Wrong values are refused on construction, all of them at once.

    Every field is a flag of `tfx-automl run` (`max_epochs` is `--max-epochs`) and a key of its YAML file.

    Raises:
        ConfigError: With one line for every mistake.
    """

    data: str = option(converters.text, "the file with the training data", metavar="FILE")
    label: str = option(converters.text, "the column to predict", metavar="COLUMN")
    output: str = option(converters.text, "the folder for everything that the run makes", metavar="FOLDER")
    test_data: str | None = option(
        converters.text, "a file of its own for the test split", metavar="FILE", default=None
    )
    sensitive: tuple[tuple[str, ...], ...] = option(
        converters.slices,
        f"a column whose groups the model must treat fairly, or `a,b` for a crossing; repeatable; {_QUOTES}",
        metavar="COLUMN[,COLUMN]",
        repeat=True,
        default=(),
    )
    cut: Mapping[str, tuple[float, ...]] = option(
        converters.cuts,
        "where a --sensitive column of numbers is cut into groups, as age=25,45,65; repeatable",
        metavar="COLUMN=A,B,...",
        repeat=True,
        default_factory=dict,
    )
    task: str = option(converters.text, "auto, binary, multiclass or regression", metavar="TASK", default="auto")
    positive: str | None = option(
        converters.text,
        "the label value that counts as positive (default: the last in order)",
        metavar="VALUE",
        default=None,
    )
    columns: tuple[str, ...] | None = option(
        converters.names, f"the column names, for a file without a header; {_QUOTES}", metavar="A,B,...", default=None
    )
    missing: tuple[str, ...] | None = option(
        converters.tokens,
        "a text that stands for a missing value, instead of the usual ones; repeatable",
        metavar="TOKEN",
        repeat=True,
        default=None,
    )
    delimiter: str = option(converters.text, "what separates the columns of the file", metavar="CHARACTER", default=",")
    encoding: str = option(converters.text, "how the text of the file is encoded", metavar="NAME", default="utf-8")
    types: Mapping[str, str] = option(
        converters.pairs,
        "type of a column, where its looks deceive: int, float, string, bytes or time, as zip=string; repeatable",
        metavar="COLUMN=TYPE",
        repeat=True,
        default_factory=dict,
    )
    on_bad_row: str = option(
        converters.text,
        "fail, or skip (count, and list in rejected.csv) rows that cannot be read",
        metavar="WHAT",
        default="fail",
    )
    exclude: tuple[str, ...] = option(
        converters.names, f"columns that the model must not see; {_QUOTES}", metavar="A,B,...", default=()
    )
    materialize: bool = option(
        converters.yes_or_no,
        "yes also writes the transformed examples, which a run does not need but other components may (default: no)",
        metavar="YES/NO",
        default=False,
    )
    split: tuple[int, int, int] = option(
        converters.ratios, "shares of train, eval and test", metavar="70,15,15", default=(70, 15, 15)
    )
    split_key: str | None = option(
        converters.text,
        "a column whose groups never straddle splits, such as a customer",
        metavar="COLUMN",
        default=None,
    )
    split_time: str | None = option(
        converters.text, "a column of times: the latest rows evaluate and test", metavar="COLUMN", default=None
    )
    split_column: str | None = option(
        converters.text, "a column that says train, eval or test", metavar="COLUMN", default=None
    )
    trainer: str = option(
        converters.text,
        "retrain (from scratch, with the best hyperparameters), retrain_all (also on the eval split, for as many epochs"
        " as the search found best), continue (train the search's best model on) or reuse (that model as it is)",
        metavar="MODE",
        default="retrain",
    )
    group_thresholds: str | None = option(
        converters.text,
        "give every group of a sensitive column a threshold of its own: demographic_parity, equal_opportunity,"
        " predictive_equality or equalized_odds, as demographic_parity[sex]; see docs/mitigation.md first",
        metavar="CRITERION[COLUMN]",
        default=None,
    )
    distribution: str = option(
        converters.text,
        "none, or mirrored: the final training of a network shares every batch out to all GPUs of the machine",
        metavar="NAME",
        default="none",
    )
    reweigh: tuple[str, ...] = option(
        converters.names,
        "one of the --sensitive groups: training rows get weights by which it says nothing about the label, which aims"
        " at equal selection rates; of a class label",
        metavar="COLUMN[,COLUMN]",
        default=(),
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "types", MappingProxyType(dict(self.types)))
        object.__setattr__(self, "cut", MappingProxyType(dict(self.cut)))
        self._protect()
        problems = [message for holds, message in _contradictions(self) if not holds]
        try:
            self.search_options()
        except ConfigError as error:
            problems += error.problems
        require(*((False, problem) for problem in problems))

    @property
    def weighed_by(self) -> tuple[str, ...] | None:
        """The sensitive group that training rows are weighed by; None without one."""
        return next((group for group in self.sensitive if self.reweigh and set(group) == set(self.reweigh)), None)

    @classmethod
    def from_mapping(cls, values: Mapping[str, object]) -> "RunConfig":
        """Builds a configuration from what a person wrote.

        Args:
            values: By field name; texts are converted (`"5m"` for `time_budget`), a None counts as not given.

        Raises:
            ConfigError: With one line for every unknown key, every missing one, every value of the wrong kind.
        """
        known = {entry.name: entry for entry in fields(cls)}
        problems = [_unknown(key, list(known)) for key in values if key not in known]
        given = {key: value for key, value in values.items() if key in known and value is not None}
        problems += [f"{flag_name(name)} is required." for name in _required() if name not in given]
        converted: dict[str, Any] = {}
        for name, value in given.items():
            try:
                converted[name] = known[name].metadata["convert"](value)
            except ValueError as error:
                problems.append(f"{flag_name(name)}: {error}.")
        if problems:
            # Still look for contradictions among what could be read, so that they come in the same message.
            stand_ins: dict[str, Any] = dict.fromkeys(_required(), "")
            stand_ins |= {name: value for name, value in _UNREADABLE.items() if name in given}
            raise ConfigError(problems + _problems_of(cls, {**stand_ins, **converted}))
        return cls(**converted)


def flag_name(name: str) -> str:
    """Returns the flag of a field: `max_epochs` becomes `--max-epochs`; `data` is positional."""
    return "DATA" if name == "data" else "--" + name.replace("_", "-")


def _required() -> list[str]:
    return [e.name for e in fields(RunConfig) if e.default is MISSING and e.default_factory is MISSING]


def _unknown(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else f" Known are: {', '.join(known)}."
    return f"The option {key!r} does not exist.{hint}"


def _problems_of(cls: Callable[..., RunConfig], values: Mapping[str, Any]) -> list[str]:
    try:
        cls(**values)
    except ConfigError as error:
        return list(error.problems)
    return []


def _contradictions(config: RunConfig) -> tuple[tuple[bool, str], ...]:
    """Returns what must hold for values to be in range and to fit together, each with its message."""
    columns = [column for group in config.sensitive for column in group]
    return (
        (config.task in TASKS, f"--task: expected one of {', '.join(TASKS)}, got {config.task!r}."),
        *_of_the_trainer(config),
        (len(config.delimiter) == 1, f"--delimiter: expected a single character, got {config.delimiter!r}."),
        (
            config.split_column is None or config.test_data is None,
            "--split-column and --test-data both say which rows test; give one of them.",
        ),
        (
            config.label not in (config.split_key, config.split_time, config.split_column),
            f"The label {config.label!r} cannot divide the rows; name another column.",
        ),
        (0 <= config.seed < 2**31, f"--seed: expected 0 to {2**31 - 1}, got {config.seed}."),
        (
            config.patience >= 1 or config.stopper != "none",  # the search checks it, too, if it uses it
            f"--patience: expected 1 or more, got {config.patience}.",
        ),
        (
            config.label not in columns,
            f"--sensitive names the label {config.label!r}: slices are made from other columns.",
        ),
        (config.label not in config.exclude, f"--exclude names the label {config.label!r}."),
        (
            config.positive is None or config.task in ("auto", "binary"),
            f"--positive needs a binary task, but --task is {config.task}.",
        ),
        *((False, f"--cut: {problem}") for problem in _cut_problems(config, columns)),
        *gate_checks(config, config.sensitive),
        *beam_checks(config, config.runner),
        (
            config.columns is None or len(set(config.columns)) == len(config.columns),
            f"--columns names a column twice: {', '.join(config.columns or ())}.",
        ),
    )


def _cut_problems(config: RunConfig, columns: list[str]) -> Iterator[str]:
    if "" not in columns:  # nothing is known of groups that could not be read
        yield from cut_problems(config.cut, columns)


def _of_the_trainer(config: RunConfig) -> Iterator[tuple[bool, str]]:
    from tfx_automl.components.trainer.options import MODES

    yield config.trainer in MODES, f"--trainer: expected one of {', '.join(MODES)}, got {config.trainer!r}."
    # The processes of multi_worker would each have to run the component; here one runs the pipeline.
    yield (
        not config.reweigh or config.weighed_by is not None or () in config.sensitive,  # which could not be read
        f"--reweigh: expected one of the --sensitive groups, got {group_text(config.reweigh)!r}; name it with"
        " --sensitive, too.",
    )
    known = config.distribution in ("none", "mirrored")
    yield known, f"--distribution: expected none or mirrored, got {config.distribution!r}."
    yield (
        config.distribution == "none" or config.trainer != "reuse",
        f"--distribution: --trainer reuse trains nothing; got {config.distribution!r}, so leave it out.",
    )


def option_fields() -> tuple["Field[Any]", ...]:
    """Returns the fields in the order in which `--help` and the README list them: data, search, the rest, Beam."""
    bases = (SearchConfig, GateConfig, BeamConfig)
    inherited = {name for base in bases for name in base.__dataclass_fields__}
    own = [entry for entry in fields(RunConfig) if entry.name not in inherited]
    place = [entry.name for entry in own].index("trainer")
    return (*own[:place], *fields(SearchConfig), *own[place:], *fields(GateConfig), *fields(BeamConfig))
