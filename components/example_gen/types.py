"""The types of columns: which one holds for all of the data, and how values are brought to it.

Every block of every file is looked at by itself and says which type its values have. `join` brings two such answers
together; it is associative and commutative, so that the outcome depends on the data alone and never on where the blocks
were cut or which worker was first.
"""

from collections.abc import Mapping

import pyarrow as pa

from tfx_automl.errors import DataError

#: Types by column.
Types = Mapping[str, pa.DataType]

#: Whole numbers of which some have more than 64 bits. They are stored as text, as stock CsvExampleGen does: rounded,
#: an identifier would be another one. Among numbers with a fraction they are numbers like these.
BIG = pa.decimal128(38, 0)

# The names in `ReadOptions.types`.
_NAMED = {
    "int": pa.int64(),
    "float": pa.float64(),
    "string": pa.string(),
    "bytes": pa.binary(),
    "time": pa.timestamp("s"),
}
# Each holds the values of those before it.
_NUMBERS = [pa.int64(), BIG, pa.float64()]


def join(first: pa.DataType, second: pa.DataType) -> pa.DataType:
    """Returns the narrowest type that holds the values of both.

    Args:
        first: As `narrow` returns it.
        second: Likewise.
    """
    if first == second or pa.types.is_null(second):
        return first
    if pa.types.is_null(first):
        return second
    if pa.types.is_list(first) or pa.types.is_list(second):
        return pa.list_(join(item_type(first), item_type(second)))
    kinds = {first, second}
    if kinds <= set(_NUMBERS):
        return max(kinds, key=_NUMBERS.index)
    if kinds <= {pa.string(), pa.binary()}:
        return pa.binary()
    if all(is_moment(kind) for kind in kinds):
        return pa.timestamp("s")
    return pa.binary() if pa.binary() in kinds else pa.string()


def join_all(schemas: "list[Mapping[str, pa.DataType]]") -> dict[str, pa.DataType]:
    """Joins column by column; a column that some lack is missing there."""
    joined: dict[str, pa.DataType] = {}
    for types in schemas:
        for name, kind in types.items():
            joined[name] = join(joined.get(name, pa.null()), kind)
    return joined


def without_shells(joined: Mapping[str, pa.DataType]) -> dict[str, pa.DataType]:
    """Leaves out columns that are no more than the missing parent of others.

    Where an object is missing, or a list of objects empty, in all rows of a block, nothing there tells of its parts.

    Args:
        joined: The types that hold for all of the data.
    """
    parents = {name[:at] for name in joined for at in range(len(name)) if name[at] == "."}
    return {name: kind for name, kind in joined.items() if not (name in parents and pa.types.is_null(item_type(kind)))}


def is_moment(kind: pa.DataType) -> bool:
    """Tells whether a type is a date or a date with a time, which the output holds as seconds since 1970 (UTC)."""
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def is_text(kind: pa.DataType) -> bool:
    """Tells whether values of a joined type, or the items of its lists, are kept as they are written."""
    item = item_type(kind)
    return bool(pa.types.is_string(item) or pa.types.is_binary(item) or item == BIG)


def item_type(kind: pa.DataType) -> pa.DataType:
    """Returns the type of the items of a list, or the type itself."""
    return kind.value_type if pa.types.is_list(kind) else kind


def stays(own: pa.DataType, joined: pa.DataType) -> bool:
    """Tells whether values that were read as one type are the same values when they are read as the joined one.

    A whole number stays one as a fraction, but 007 does not stay 7 where the column turns out to be text.
    """
    if joined == BIG:
        return bool(pa.types.is_null(own))
    if own == joined or pa.types.is_null(own):
        return True
    if pa.types.is_list(own) and pa.types.is_list(joined):
        return stays(own.value_type, joined.value_type)
    return {own, joined} in ({pa.int64(), pa.float64()}, {pa.string(), pa.binary()})


def narrow_type(name: str, kind: pa.DataType) -> pa.DataType:
    """Returns which of the few types that `join` knows a column of any Arrow type is brought to.

    These are null, bool, int64, float64, string, binary, timestamp[s], duration[s] (of times of day, too), and lists of
    them. Dictionaries are decoded. Whole numbers that may not fit into 64 bits are `BIG`, decimals with a fraction
    float64.

    Args:
        name: For messages.
        kind: No struct.

    Raises:
        DataError: The type has no place in tf.Example.
    """
    tests = (
        (pa.types.is_null, pa.null()),
        (pa.types.is_boolean, pa.bool_()),
        (is_whole, BIG),
        (pa.types.is_integer, pa.int64()),
        (pa.types.is_floating, pa.float64()),
        (pa.types.is_decimal, pa.float64()),
        (lambda t: pa.types.is_string(t) or pa.types.is_large_string(t), pa.string()),
        (
            lambda t: pa.types.is_binary(t) or pa.types.is_large_binary(t) or pa.types.is_fixed_size_binary(t),
            pa.binary(),
        ),
        (is_moment, pa.timestamp("s")),
        (pa.types.is_time, pa.duration("s")),
        (pa.types.is_duration, pa.duration("s")),
        (pa.types.is_dictionary, None),
    )
    if is_any_list(kind):
        if is_any_list(kind.value_type):
            raise DataError(f"column {name!r}: lists of lists have no place in tf.Example; flatten them before.")
        return pa.list_(narrow_type(name, kind.value_type))
    for matches, target in tests:
        if matches(kind):
            return target if target is not None else narrow_type(name, kind.value_type)
    raise DataError(f"column {name!r}: the type {kind} has no place in tf.Example; convert it before, or leave it out.")


def is_whole(kind: pa.DataType) -> bool:
    """Tells whether a type has whole numbers that may have more than 64 bits."""
    return bool(pa.types.is_uint64(kind) or (pa.types.is_decimal(kind) and kind.scale <= 0))


def is_any_list(kind: pa.DataType) -> bool:
    """Tells whether a type is one of Arrow's kinds of lists."""
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def stored_type(kind: pa.DataType) -> pa.DataType:
    """Returns the type in which a joined one is handed on: int64, float64, string, binary, or lists of them."""
    if pa.types.is_list(kind):
        return pa.list_(stored_type(kind.value_type))
    if pa.types.is_boolean(kind) or pa.types.is_temporal(kind):
        return pa.int64()
    return pa.string() if pa.types.is_null(kind) or kind == BIG else kind


def given_types(given: Mapping[str, str]) -> dict[str, pa.DataType]:
    """Returns the Arrow types for the names in `ReadOptions.types`, by column."""
    found = {}
    for column, name in given.items():
        item = name.removeprefix("list<").removesuffix(">")
        found[column] = pa.list_(_NAMED[item]) if item != name else _NAMED[name]
    return found
