"""An upload as it is kept, and made again from that, exactly.

Kept is what came through the door of `ingest`: facts, and what was told of the file. The file
itself is not: names, addresses and telephones are dropped while reading, and would lie there again.
The facts of each table are Parquet, the rest is JSON.

Both may come back out of an archive from anybody: dtypes are of a list, texts are measured before
they are made, and nothing that a file says of itself is believed.
"""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import isfinite
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kpi_core.errors import Finding, Severity, WorkspaceError
from kpi_core.ingest import Table, Upload
from kpi_core.ingest.privacy import customer_keys
from kpi_core.model import Period, Vat

MAX_TOLD = 8_000_000  # characters of what is told of a file
MAX_ROWS = 50_000_000
MAX_COLUMNS = 200
MAX_TEXT = 2**31  # bytes of all texts of a table
_CUSTOMER = "customer"
_TIMES = {f"datetime64[{unit}]": f"timestamp[{'ms' if unit == 's' else unit}]"
          for unit in ("s", "ms", "us", "ns")}  # fmt: skip
_DTYPES = {"float64": "double", "int64": "int64", "uint64": "uint64", "bool": "bool",
           "str": "string", **_TIMES}  # fmt: skip
_TEXTS = {pa.string(), pa.large_string()}

Text = Annotated[str, Field(max_length=100_000)]
Day = date


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _KeptFinding(_Strict):
    severity: Severity
    code: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,60}$")]
    where: Text
    values: dict[str, Any]


class _KeptTable(_Strict):
    """A `Table` without its facts; `columns` of the facts: name to dtype."""

    format: Text
    source: Text
    columns: Annotated[dict[str, str], Field(max_length=MAX_COLUMNS)]
    measures: tuple[str, ...]
    dimensions: tuple[str, ...]
    rows: int
    first: Day | None
    last: Day | None
    stated: bool
    sparse: bool
    currency: str | None
    control: dict[str, float]
    vat: Vat | None
    where: Text
    added: tuple[str, ...] | None


class _KeptUpload(_Strict):
    """An `Upload` without its facts; `key`: by what key the numbers of customers were made."""

    format: Literal[1] = 1
    name: Text
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    size: int
    encoding: str | None
    key: str
    tables: tuple[_KeptTable, ...]
    findings: tuple[_KeptFinding, ...]


@dataclass(frozen=True)
class Kept:
    """An upload as rows and files hold it: what is told of it, and the facts of each table."""

    told: str
    facts: tuple[bytes, ...]


def key_of_customers() -> str:
    """Tells by what key this process makes numbers of customers; it does not tell the key."""
    return f"{int(customer_keys(['key of customers'])[0]):x}"


def kept(upload: Upload, key: str) -> Kept:
    """What is kept of a file.

    Args:
        upload: the file as read.
        key: of its customers, see `key_of_customers`.

    Raises:
        WorkspaceError: more is told of it than can be read again.
    """
    tables = tuple(
        _KeptTable(
            format=own.format,
            source=own.source,
            columns={str(name): str(dtype) for name, dtype in own.facts.dtypes.items()},
            measures=own.measures,
            dimensions=own.dimensions,
            rows=own.rows,
            first=own.period.first if own.period else None,
            last=own.period.last if own.period else None,
            stated=own.stated,
            sparse=own.sparse,
            currency=own.currency,
            control=dict(own.control),
            vat=own.vat,
            where=own.where,
            added=own.added,
        )
        for own in upload.tables
    )
    findings = tuple(
        _KeptFinding(
            severity=own.severity, code=own.code, where=own.where, values=_plain(own.values)
        )
        for own in upload.findings
    )
    written = _KeptUpload(
        name=upload.name,
        digest=upload.digest,
        size=upload.size,
        encoding=upload.encoding,
        key=key if any(_CUSTOMER in own.facts for own in upload.tables) else "",
        tables=tables,
        findings=findings,
    )
    told = json.dumps(written.model_dump(mode="json"), separators=(",", ":"))
    if len(told) > MAX_TOLD:
        raise WorkspaceError("workspace_file_too_large", where=upload.name)
    return Kept(told, tuple(_parquet(own.facts) for own in upload.tables))


@dataclass(frozen=True)
class Label:
    """What a list of kept files says of one."""

    name: str
    digest: str
    size: int
    rows: int
    sources: tuple[str, ...]
    key: str


def label(told: str) -> Label:
    """What is told of a kept file, in short.

    Raises:
        WorkspaceError: it is no file as it is kept.
    """
    own = _read(told)
    sources = tuple(dict.fromkeys(table.source for table in own.tables))
    rows = sum(table.rows for table in own.tables)
    return Label(own.name, own.digest, own.size, rows, sources, own.key)


def made_again(kept: Kept) -> Upload:
    """The upload as it was.

    Raises:
        WorkspaceError: it is no file as it is kept.
    """
    own = _read(kept.told)
    if len(own.tables) != len(kept.facts):
        raise WorkspaceError("workspace_file_changed", where=own.name)
    tables = tuple(
        Table(
            format=table.format,
            source=table.source,
            facts=_frame(content, table.columns, own.name),
            measures=table.measures,
            dimensions=table.dimensions,
            rows=table.rows,
            period=Period(table.first, table.last) if table.first and table.last else None,
            stated=table.stated,
            sparse=table.sparse,
            currency=table.currency,
            control=table.control,
            vat=table.vat,
            where=table.where,
            added=table.added,
        )
        for table, content in zip(own.tables, kept.facts, strict=True)
    )
    findings = tuple(
        Finding(each.severity, each.code, each.where, _again(each.values)) for each in own.findings
    )
    return Upload(own.name, own.digest, own.size, own.encoding, tables, findings)


def _read(told: str) -> _KeptUpload:
    if len(told) > MAX_TOLD:
        raise WorkspaceError("workspace_file_changed")
    try:
        return _KeptUpload.model_validate_json(told)
    except ValidationError:
        raise WorkspaceError("workspace_file_changed") from None


# --- facts


def _parquet(facts: pd.DataFrame) -> bytes:
    columns = {
        str(name): pa.array(column, type=_arrow(str(column.dtype)), from_pandas=True)
        for name, column in facts.items()
    }
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, compression="zstd")
    return out.getvalue()


def _arrow(dtype: str) -> pa.DataType:
    """What a column of a dtype is in Parquet; facts have no other ones."""
    named = _DTYPES[dtype]
    return pa.timestamp(named[10:-1]) if named.startswith("timestamp") else pa.type_for_alias(named)


def _frame(content: bytes, columns: Mapping[str, str], where: str) -> pd.DataFrame:
    """The facts of a table, as they were.

    Raises:
        WorkspaceError: the file is not of these columns, or costs more than it may.
    """
    try:
        file = pq.ParquetFile(io.BytesIO(content))
        found = {field.name: field.type for field in file.schema_arrow}
        wanted = {name: _arrow(dtype) for name, dtype in columns.items()}
        if found != wanted or len(file.schema_arrow) != len(wanted):
            raise WorkspaceError("workspace_file_changed", where=where)
        texts = [name for name, type_ in wanted.items() if type_ in _TEXTS]
        # A file of some bytes may hold one text a billion times: as a dictionary it is there once.
        measured = pq.ParquetFile(io.BytesIO(content), read_dictionary=texts)
        rows = size = 0
        for batch in measured.iter_batches(batch_size=2**16, use_threads=False):
            rows += len(batch)
            size += sum(_bytes(batch[name]) for name in texts)
            if rows > MAX_ROWS or size > MAX_TEXT:
                raise WorkspaceError("workspace_file_too_large", where=where)
        table = file.read(use_threads=False)
        table.validate(full=True)
        if len(table) != rows or rows != file.metadata.num_rows:
            raise WorkspaceError("workspace_file_changed", where=where)
        return pd.DataFrame(
            {name: _series(table[name], dtype) for name, dtype in columns.items()},
            index=pd.RangeIndex(rows),
        )
    except (pa.ArrowException, KeyError, ValueError, OSError) as broken:
        raise WorkspaceError("workspace_file_changed", where=where) from broken


def _bytes(texts: pa.DictionaryArray) -> int:
    lengths = pc.take(pc.binary_length(texts.dictionary), texts.indices)
    return pc.sum(lengths).as_py() or 0


def _series(column: pa.ChunkedArray, dtype: str) -> pd.Series:
    made: pd.Series = column.to_pandas().astype(dtype)
    return made


# --- what a finding says

_WRITTEN: Mapping[str, Callable[[str], object]] = {
    "float": float,
    "Decimal": Decimal,
    "Fraction": Fraction,
    "date": date.fromisoformat,
}


def _plain(value: object) -> Any:
    """A value of a finding as JSON; of what JSON has not a pair: its type and how it is written."""
    if isinstance(value, np.generic):
        value = value.item()
    match value:
        case None | bool() | int():
            return value
        case str():
            return str(value)
        case float() if isfinite(value):
            return value
        case Mapping():
            return {str(name): _plain(own) for name, own in value.items()}
        case list() | tuple():
            return ["tuple", [_plain(own) for own in value]]
        case _ if type(value).__name__ in _WRITTEN:
            return [type(value).__name__, str(value)]
    raise TypeError(f"a finding says a {type(value).__name__}")


def _again(value: Any) -> Any:
    """The value that was written so."""
    match value:
        case dict():
            return {name: _again(own) for name, own in value.items()}
        case ["tuple", list() as parts]:
            return tuple(_again(own) for own in parts)
        case [str() as kind, str() as text] if kind in _WRITTEN:
            return _WRITTEN[kind](text)
        case list():
            raise WorkspaceError("workspace_file_changed")
    return value
