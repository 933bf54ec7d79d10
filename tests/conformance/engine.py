# SPDX-License-Identifier: Apache-2.0
"""Google's own SQL engine (GoogleSQL, compiled to WebAssembly; PyPI `zetasql`) behind three calls: parse, analyze,
prepare.

The package's own client copies bytes one by one and compiles 28 MB of code at each start; this one does neither.
Tables are lists of rows, rows are lists of Python values in the order of the columns: DATE is datetime.date, TIMESTAMP
datetime.datetime in UTC, JSON a text in `Json`, REPEATED a list, RECORD a tuple.
"""
import ctypes
import datetime
import pathlib

from wasmtime import Config, Engine, Linker, Module, Store, WasiConfig

from zetasql.core.wasm_client import WasmClient, get_tzinfo_dir
from zetasql.wasi import get_wasm_path
from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service
from zetasql.wasi._pb2.zetasql.proto import options_pb2, simple_catalog_pb2
from zetasql.wasi._pb2.zetasql.public import type_pb2, value_pb2

EPOCH_DAY = datetime.date(1970, 1, 1)
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
KINDS = {
    "STRING": type_pb2.TYPE_STRING, "INT64": type_pb2.TYPE_INT64, "INTEGER": type_pb2.TYPE_INT64,
    "FLOAT64": type_pb2.TYPE_DOUBLE, "FLOAT": type_pb2.TYPE_DOUBLE, "BOOL": type_pb2.TYPE_BOOL,
    "BOOLEAN": type_pb2.TYPE_BOOL, "DATE": type_pb2.TYPE_DATE, "TIMESTAMP": type_pb2.TYPE_TIMESTAMP,
    "JSON": type_pb2.TYPE_JSON,
}


def kind_of(proto):
    """The kind that a type of the engine's is; KeyError: none of ours."""
    if proto.type_kind == type_pb2.TYPE_ARRAY:
        return array_of(kind_of(proto.array_type.element_type))
    if proto.type_kind == type_pb2.TYPE_STRUCT:
        return ("STRUCT", [(f.field_name, kind_of(f.field_type)) for f in proto.struct_type.field])
    return {number: name for name, number in KINDS.items()}[proto.type_kind]


class Json(str):
    """The text of a JSON value."""


class Refused(Exception):
    """The engine does not accept the text, or fails while it runs."""


def array_of(kind):
    """The type of an array: ("ARRAY", element)."""
    return ("ARRAY", kind)


def field_kind(field):
    """The type of a column in the form of the REST API's schema."""
    kind = ("STRUCT", [(f["name"], field_kind(f)) for f in field["fields"]]) if field["type"] in (
        "RECORD", "STRUCT") else field["type"]
    return array_of(kind) if field.get("mode") == "REPEATED" else kind


def type_proto(kind):
    if isinstance(kind, str):
        return type_pb2.TypeProto(type_kind=KINDS[kind])
    if kind[0] == "ARRAY":
        proto = type_pb2.TypeProto(type_kind=type_pb2.TYPE_ARRAY)
        proto.array_type.element_type.CopyFrom(type_proto(kind[1]))
        return proto
    proto = type_pb2.TypeProto(type_kind=type_pb2.TYPE_STRUCT)
    for name, member in kind[1]:
        proto.struct_type.field.add(field_name=name).field_type.CopyFrom(type_proto(member))
    return proto


def to_value(value, kind):
    proto = value_pb2.ValueProto()
    if value is None:
        return proto
    if not isinstance(kind, str):
        members = [kind[1]] * len(value) if kind[0] == "ARRAY" else [k for _, k in kind[1]]
        cells = [to_value(v, k) for v, k in zip(value, members)]
        if kind[0] == "ARRAY":
            proto.array_value.SetInParent()
            proto.array_value.element.extend(cells)
        else:
            proto.struct_value.SetInParent()
            proto.struct_value.field.extend(cells)
    elif kind == "DATE":
        proto.date_value = (value - EPOCH_DAY).days
    elif kind == "TIMESTAMP":
        delta = value - EPOCH
        proto.timestamp_value.seconds = delta.days * 86400 + delta.seconds
        proto.timestamp_value.nanos = delta.microseconds * 1000
    elif kind == "JSON":
        proto.json_value = value
    elif kind in ("BOOL", "BOOLEAN"):
        proto.bool_value = value
    elif kind in ("INT64", "INTEGER"):
        proto.int64_value = value
    elif kind in ("FLOAT64", "FLOAT"):
        proto.double_value = value
    else:
        proto.string_value = value
    return proto


def from_value(proto):
    which = proto.WhichOneof("value")
    if which is None:
        return None
    value = getattr(proto, which)
    if which == "date_value":
        return EPOCH_DAY + datetime.timedelta(days=value)
    if which == "timestamp_value":
        return EPOCH + datetime.timedelta(seconds=value.seconds, microseconds=value.nanos // 1000)
    if which == "json_value":
        return Json(value)
    if which == "array_value":
        return [from_value(element) for element in value.element]
    if which == "struct_value":
        return tuple(from_value(field) for field in value.field)
    return value


class Client(WasmClient):
    def __init__(self, cache):  # pylint: disable=super-init-not-called
        config = Config()
        config.shared_memory = True
        config.cranelift_opt_level = "speed"  # compiled once (under a minute); then three times as fast
        engine = Engine(config)
        self.module = self.load(engine, pathlib.Path(cache))
        wasi = WasiConfig()
        wasi.inherit_stderr()
        wasi.preopen_dir(get_tzinfo_dir(), "/usr/share/zoneinfo")
        self.store = Store(engine)
        self.store.set_wasi(wasi)
        linker = Linker(engine)
        linker.define_wasi()
        self.instance = linker.instantiate(self.store, self.module)
        self.exports = self.instance.exports(self.store)
        if "_initialize" in self.exports:
            self.exports["_initialize"](self.store)
        self.memory = self.exports["memory"]

    @staticmethod
    def load(engine, cache):
        try:
            return Module.deserialize_file(engine, str(cache))
        except Exception:  # absent, or of another version
            module = Module.from_file(engine, get_wasm_path())
            cache.parent.mkdir(parents=True, exist_ok=True)
            part = cache.with_suffix(".part")
            part.write_bytes(module.serialize())
            part.replace(cache)
            return module

    def address(self, ptr):
        return ctypes.addressof(self.memory.data_ptr().contents) + ptr

    def write_bytes(self, ptr, data):
        ctypes.memmove(self.address(ptr), data, len(data))

    def read_bytes(self, ptr, size):
        return ctypes.string_at(self.address(ptr), size)


class GoogleSql:
    """schemas: {"project.dataset.table": [fields]}: one identifier here, so names are quoted whole."""

    def __init__(self, cache, schemas):
        self.client = Client(cache)
        self.schemas = schemas
        self.language = self.call("GetLanguageOptions", service.LanguageOptionsRequest(maximum_features=True),
                                  options_pb2.LanguageOptionsProto)
        self.language.product_mode = 1  # external: BigQuery's names of types
        del self.language.supported_statement_kinds[:]  # none named: all
        self.catalog = simple_catalog_pb2.SimpleCatalogProto(name="judge")
        for name, fields in {name.lower(): (name, fields) for name, fields in schemas.items()}.values():  # case is ignored
            table = self.catalog.table.add(name=name)
            for field in fields:
                table.column.add(name=field["name"]).type.CopyFrom(type_proto(field_kind(field)))
        self.catalog.builtin_function_options.language_options.CopyFrom(self.language)
        self.catalog_id = self.register()

    def call(self, name, request, response):
        try:
            return self.client.call_grpc_func("ZetaSqlLocalService_" + name, request, response)
        except Exception as error:
            raise Refused(str(error)) from None

    def register(self):
        """Keeps the catalog inside the engine, so that calls need not carry and build it each time."""
        request = service.RegisterCatalogRequest(simple_catalog=self.catalog)
        return self.call("RegisterCatalog", request, service.RegisterResponse).registered_id

    def options(self, parameters, variables=()):
        options = options_pb2.AnalyzerOptionsProto(default_timezone="UTC")
        options.language_options.CopyFrom(self.language)
        for name, kind in parameters:
            options.query_parameters.add(name=name).type.CopyFrom(type_proto(kind))
        for name, kind in variables:
            options.system_variables.add(name_path=[name]).type.CopyFrom(type_proto(kind))
        return options

    def parse_script(self, text):
        request = service.ParseRequest(sql_statement=text, allow_script=True, options=self.language)
        return self.call("Parse", request, service.ParseResponse)

    def analyze(self, statement, parameters):
        """Names and types of one statement. parameters: [(name, kind)]."""
        request = service.AnalyzeRequest(sql_statement=statement, registered_catalog_id=self.catalog_id,
                                         options=self.options(parameters, [("row_count", "INT64")]))
        return self.call("Analyze", request, service.AnalyzeResponse)

    def prepare(self, text, parameters):
        """A query to be asked often; tables are given to it as parameters, for a catalog's can't change."""
        return Prepared(self, text, parameters)


class Prepared:
    """parameters: {name: kind}; those the query does not use need no value."""

    def __init__(self, engine, text, parameters):
        self.engine = engine
        request = service.PrepareQueryRequest(sql=text, registered_catalog_id=engine.catalog_id,
                                              options=engine.options(parameters.items()))
        prepared = engine.call("PrepareQuery", request, service.PrepareQueryResponse).prepared
        self.identity = prepared.prepared_query_id
        self.names = [column.name for column in prepared.columns]
        self.types = [column.type for column in prepared.columns]
        self.parameters = {name: parameters[name] for name in prepared.referenced_parameters}

    def rows(self, values):
        request = service.EvaluateQueryRequest(prepared_query_id=self.identity)
        for name, kind in self.parameters.items():
            request.params.add(name=name).value.CopyFrom(to_value(values[name], kind))
        content = self.engine.call("EvaluateQuery", request, service.EvaluateQueryResponse).content
        return [[from_value(cell) for cell in row.cell] for row in content.table_data.row]
