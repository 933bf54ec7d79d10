# SPDX-License-Identifier: Apache-2.0
"""A script of GoogleSQL, run statement by statement: its structure is what Google's parser says, and every expression
and query in it is answered by Google's engine. Only what the engine does not know is here: variables, control,
transactions, and that INSERT, UPDATE and DELETE change tables.

Tables are given to the engine as parameters (`FROM UNNEST(@table_0)`), script variables too; the current time is a
parameter as well, so that an answer does not depend on when it is asked.
"""
import collections

from zetasql.wasi._pb2.zetasql.public import type_pb2

from engine import KINDS, Refused, array_of, field_kind, kind_of, type_proto

LOOPS = 10000

Outcome = collections.namedtuple("Outcome", "rows error")  # error: None, or the text


class Raised(Exception):
    """RAISE USING MESSAGE."""


class Unknown(Exception):
    """A statement that is not supported here and cannot be compared."""


def concrete(message):
    """The node inside of the wrappers named Any*."""
    while message.DESCRIPTOR.name.startswith("Any"):
        message = next(value for _, value in message.ListFields())
    return message


def kind_name(node):
    return node.DESCRIPTOR.name[len("AST"):-len("Proto")]


def span(node):
    """(begin, end) in bytes."""
    node = concrete(node)
    while "parse_location_range" not in node.DESCRIPTOR.fields_by_name:
        node = node.parent
    return node.parse_location_range.start, node.parse_location_range.end


def own(node, name):
    """A member of a node, also of one that all nodes of its family have; None: absent."""
    while name not in node.DESCRIPTOR.fields_by_name:
        if "parent" not in node.DESCRIPTOR.fields_by_name:
            return None
        node = node.parent
    return getattr(node, name) if node.HasField(name) else None


def nodes(message):
    """All nodes below, the node itself included."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is None or field.name == "parse_location_range":
            continue
        for member in value if field.is_repeated else [value]:
            yield from nodes(member)


def path_names(node):
    return [name.id_string for name in node.names]


def sql_type(kind):
    if isinstance(kind, str):
        return {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}.get(kind, kind)
    if kind[0] == "ARRAY":
        return f"ARRAY<{sql_type(kind[1])}>"
    return "STRUCT<" + ", ".join(f"{name} {sql_type(member)}" for name, member in kind[1]) + ">"


def field_of(name, kind):
    """A column in the form of the REST API's schema."""
    if kind[0] == "ARRAY":
        return {**field_of(name, kind[1]), "mode": "REPEATED"}
    if kind[0] == "STRUCT":
        return {"name": name, "type": "RECORD", "fields": [field_of(*member) for member in kind[1]]}
    return {"name": name, "type": kind}


def as_result(value, of):
    """BigQuery shows an array that is NULL as an empty one. of: the engine's type."""
    if of.type_kind == type_pb2.TYPE_ARRAY:
        return [as_result(member, of.array_type.element_type) for member in value or []]
    if of.type_kind == type_pb2.TYPE_STRUCT and value is not None:
        return tuple(as_result(member, f.field_type) for member, f in zip(value, of.struct_type.field))
    return value


def stored(value, kind):
    """A table has no array that is NULL, not in a record either."""
    if isinstance(kind, str) or (value is None and kind[0] == "STRUCT"):
        return value
    if kind[0] == "ARRAY":
        return [stored(member, kind[1]) for member in value or []]
    return tuple(stored(member, k) for member, (_, k) in zip(value, kind[1]))


def table_name(path):
    """Both `d`.`t` and `d.t`."""
    return ".".join(path_names(path))


class Text:
    """A script's bytes, and pieces of them rewritten for the engine."""

    def __init__(self, engine, text, known):
        """known: names of tables in full; they are quoted whole."""
        self.source = text.encode()
        self.known = known
        self.tree = engine.parse_script(text).parsed_script
        self.variables = {}  # name: kind
        for node in nodes(self.tree):
            if kind_name(node) == "VariableDeclaration" and node.HasField("type"):
                kind = self.declared_kind(node.type)
                self.variables.update((name.id_string, kind) for name in node.variable_list.identifier_list)

    def declared_kind(self, node):
        node = concrete(node)
        if kind_name(node) == "ArrayType":
            return array_of(self.declared_kind(node.element_type))
        if kind_name(node) == "StructType":
            return ("STRUCT", tuple((f.name.id_string, self.declared_kind(f.type)) for f in node.struct_fields))
        if kind_name(node) != "SimpleType":
            raise Unknown(kind_name(node))
        return path_names(node.type_name)[0].upper()

    def cut(self, node):
        begin, end = span(node)
        return self.source[begin:end].decode()

    def place(self, node):
        """Line and column of a node."""
        before = self.source[:span(node)[0]].decode()
        return f"[{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}]"

    def changes(self, node, evaluated):
        """(begin, end, text) for each piece that the engine must see otherwise."""
        for below in nodes(node):
            kind = kind_name(below)
            if kind == "PathExpression" and len(below.names) == 1 and below.names[0].id_string in self.variables:
                yield *span(below), "@" + below.names[0].id_string
            elif not evaluated:
                continue
            elif kind == "TablePathExpression" and below.HasField("path_expr"):
                name = table_name(below.path_expr)
                alias = "" if below.HasField("alias") else f" AS `{path_names(below.path_expr)[-1]}`"
                if name in self.known:
                    yield *span(below.path_expr), f"UNNEST(@table_{self.known.index(name)}){alias}"
            elif kind == "SystemVariableExpr":
                yield *span(below), "@system_" + path_names(below.path)[0]
            elif kind == "FunctionCall" and path_names(below.function)[-1].upper() == "CURRENT_TIMESTAMP":
                yield *span(below), "@current_time"
            elif kind == "FunctionCall" and path_names(below.function)[-1].upper() == "CURRENT_DATE":
                begin, end = span(below.function)
                bracket = self.source.index(b"(", end) + 1
                yield begin, bracket, "DATE(@current_time" + (", " if below.arguments else "")

    def rewritten(self, node, evaluated=True):
        begin, end = span(node)
        out, at = "", begin
        for first, last, text in sorted(set(self.changes(node, evaluated))):
            out += self.source[at:first].decode() + text
            at = last
        return out + self.source[at:end].decode()


def statements(text, node=None):
    """(kind, node, statement that can be judged alone) of each, also inside of IF and WHILE."""
    for statement in (node or text.tree.statement_list_node).statement_list:
        statement = concrete(statement)
        kind = kind_name(statement)
        if kind == "SingleAssignment":
            yield kind, statement, f"SELECT {text.rewritten(statement.expression, False)}"
        elif kind == "AssignmentFromStruct":
            yield kind, statement, f"SELECT {text.rewritten(statement.struct_expression, False)}"
        elif kind == "RaiseStatement":
            yield kind, statement, f"SELECT {text.rewritten(statement.message, False)}"
        elif kind == "IfStatement":
            yield kind, statement, f"SELECT {text.rewritten(statement.condition, False)}"
            yield from statements(text, statement.then_list)
            if statement.HasField("else_list"):
                yield from statements(text, statement.else_list)
        elif kind == "WhileStatement":
            yield kind, statement, f"SELECT {text.rewritten(statement.condition, False)}"
            yield from statements(text, statement.parent.body)
        elif kind in ("InsertStatement", "UpdateStatement", "DeleteStatement", "QueryStatement", "CreateTableStatement"):
            yield kind, statement, text.rewritten(statement, False)
        elif kind not in ("VariableDeclaration", "BeginStatement", "CommitStatement", "RollbackStatement"):
            raise Unknown(f"{text.place(statement)} {kind} is not expected")


class Warehouse:
    """Tables, and scripts on them. schemas: {full name: fields}."""

    def __init__(self, engine, schemas):
        self.engine = engine
        self.schemas = {}
        self.names, self.columns, self.kinds, self.tables = [], {}, {}, {}
        self.texts = {}
        self.prepared = {}
        for name, fields in schemas.items():
            self.add(name, fields)

    def add(self, name, fields):
        if name in self.names:  # replaced: another name for the engine, as it has prepared queries of the old one
            self.names[self.names.index(name)] = ""
        self.schemas[name] = fields
        self.columns[name] = [field["name"] for field in fields]
        self.kinds[f"table_{len(self.names)}"] = array_of(("STRUCT", [(f["name"], field_kind(f)) for f in fields]))
        self.names.append(name)
        self.tables[name] = []

    def run(self, script, parameters, now):
        """parameters: {name: (kind, value)}."""
        if script not in self.texts:
            self.texts[script] = Text(self.engine, script, self.names)
        return Run(self, self.texts[script], parameters, now).outcome()

    def ask(self, query, kinds, values):
        if query not in self.prepared:
            self.prepared[query] = self.engine.prepare(query, {**self.kinds, **kinds})
        tables = {f"table_{i}": self.tables[name] for i, name in enumerate(self.names) if name}
        return self.prepared[query].rows({**values, **tables})


class Run:
    """One run of one script."""

    def __init__(self, warehouse, text, parameters, now):
        self.warehouse = warehouse
        self.text = text
        self.values = {name: value for name, (_, value) in parameters.items()}
        self.values.update({"current_time": now, "system_row_count": 0})
        self.kinds = {name: kind for name, (kind, _) in parameters.items()}
        self.kinds.update({"current_time": "TIMESTAMP", "system_row_count": "INT64", **text.variables})
        self.before = None  # the tables when the transaction began
        self.rows = None

    def outcome(self):
        columns = {name for names in self.warehouse.columns.values() for name in names}
        if columns & set(self.text.variables):
            raise Unknown("a column may hide a variable of the same name")
        error = None
        try:
            self.block(self.text.tree.statement_list_node)
        except (Raised, Refused) as failure:
            error = str(failure)
        if self.before is not None:
            self.warehouse.tables = self.before
        return Outcome(None if error else self.rows, error)

    def ask(self, query):
        return self.warehouse.ask(query, self.kinds, self.values)

    def value(self, node):
        return self.ask(f"SELECT {self.text.rewritten(node)}")[0][0]

    def block(self, node):
        for statement in node.statement_list:
            statement = concrete(statement)
            follow = getattr(self, "do_" + kind_name(statement), None)
            if follow is None:
                raise Unknown(kind_name(statement))
            follow(statement)

    def coerced(self, node, kind):
        """A value on its way to a variable or column: a literal takes the other's type (IF tells the engine so)."""
        query = f"SELECT IF(FALSE, CAST(NULL AS {sql_type(kind)}), {self.text.rewritten(node)})"
        value = self.ask(query)[0][0]
        self.need_kinds(query, [kind], [[value]])
        return value

    def need_kinds(self, query, kinds, rows):
        for i, (found, kind) in enumerate(zip(self.warehouse.prepared[query].types, kinds)):
            wanted = type_proto(kind)
            widened = (found.type_kind, wanted.type_kind) == (KINDS["INT64"], KINDS["FLOAT64"])
            if found.type_kind != wanted.type_kind and not widened and any(row[i] is not None for row in rows):
                raise Refused(f"a value of another type than {kind}")

    def do_VariableDeclaration(self, node):
        names = [name.id_string for name in node.variable_list.identifier_list]
        if not node.HasField("type"):
            raise Unknown("a variable without type")
        value = self.coerced(node.default_value, self.kinds[names[0]]) if node.HasField("default_value") else None
        self.values.update((name, value) for name in names)

    def do_SingleAssignment(self, node):
        name = node.variable.id_string
        if name not in self.text.variables:
            raise Refused(f"undeclared variable: {name}")
        self.values[name] = self.coerced(node.expression, self.kinds[name])

    def do_AssignmentFromStruct(self, node):
        names = [name.id_string for name in node.variables.identifier_list]
        value = self.coerced(node.struct_expression, ("STRUCT", [(name, self.kinds[name]) for name in names]))
        if value is None:
            raise Refused("SET of several variables from a struct that is NULL")
        self.values.update(zip(names, value))

    def do_IfStatement(self, node):
        if self.value(node.condition):
            self.block(node.then_list)
        elif node.HasField("else_list"):
            self.block(node.else_list)

    def do_WhileStatement(self, node):
        for _ in range(LOOPS):
            if not self.value(node.condition):
                return
            self.block(node.parent.body)
        raise Refused(f"{self.text.place(node)} the loop does not end")

    def do_RaiseStatement(self, node):
        raise Raised(self.value(node.message))

    def do_BeginStatement(self, _):
        if self.before is not None:
            raise Refused("a transaction has begun already")
        self.before = {name: [list(row) for row in rows] for name, rows in self.warehouse.tables.items()}

    def do_CommitStatement(self, _):
        if self.before is None:
            raise Refused("no transaction has begun")
        self.before = None

    def do_RollbackStatement(self, _):
        if self.before is None:
            raise Refused("no transaction has begun")
        self.warehouse.tables, self.before = self.before, None

    def do_CreateTableStatement(self, node):
        elements = own(node, "table_element_list")
        if own(node, "query"):
            self.make_table_of_query(table_name(own(node, "name")), node, own(node, "query"))
            return
        fields = []
        for element in elements.elements:
            column = concrete(element)
            kind = concrete(column.schema)
            if kind_name(kind) != "SimpleColumnSchema":
                raise Unknown(kind_name(kind))
            needed = any(kind_name(n) == "NotNullColumnAttribute" for n in nodes(kind))
            fields.append({"name": column.name.id_string, "type": path_names(kind.type_name)[0].upper(),
                           "mode": "REQUIRED" if needed else "NULLABLE"})
        self.warehouse.add(table_name(own(node, "name")), fields)

    def make_table_of_query(self, name, node, query):
        if own(node, "table_element_list"):
            raise Unknown("CREATE TABLE with columns and a query")
        if "." not in name or name.split(".")[-2] != "d":
            raise Refused("there is no dataset but d")
        if self.before is not None:
            raise Refused("no DDL in a transaction")
        self.warehouse.engine.analyze(self.text.rewritten(node), {**self.warehouse.kinds, **self.kinds}.items())
        there = name in self.warehouse.tables
        if there and own(node, "is_if_not_exists"):
            return
        if there and not own(node, "is_or_replace"):
            raise Refused(f"table {name} is there")
        text = self.text.rewritten(query)
        rows = self.ask(text)
        prepared = self.warehouse.prepared[text]
        if "" in prepared.names:
            raise Refused("a column without a name")
        try:
            fields = [field_of(column, kind_of(of)) for column, of in zip(prepared.names, prepared.types)]
        except KeyError as unknown:
            raise Unknown(f"a column of type {unknown}") from None
        self.warehouse.add(name, fields)
        self.warehouse.tables[name] = rows

    def do_QueryStatement(self, node):
        query = self.text.rewritten(node)
        rows = self.ask(query)
        types = self.warehouse.prepared[query].types
        self.rows = [[as_result(value, of) for value, of in zip(row, types)] for row in rows]

    def target(self, node):
        name = table_name(concrete(node.target_path))
        if name not in self.warehouse.columns:
            raise Refused(f"table {name} was not found")
        return name, self.warehouse.columns[name]

    def checked(self, name, row):
        for field, value in zip(self.warehouse.schemas[name], row):
            if value is None and field.get("mode") == "REQUIRED":
                raise Refused(f"required field {field['name']} cannot be null")
        return row

    def row_of(self, row, kinds):
        if len(row.values) != len(kinds):
            raise Refused(f"inserted row has {len(row.values)} columns, expected {len(kinds)}")
        return [self.coerced(value, kind) for value, kind in zip(row.values, kinds)]

    def do_InsertStatement(self, node):
        name, columns = self.target(node)
        given = [c.id_string for c in node.column_list.identifiers] if node.HasField("column_list") else columns
        kinds = dict(zip(columns, map(field_kind, self.warehouse.schemas[name])))
        for column in given:
            if column not in kinds:
                raise Refused(f"column {column} is not present in table {name}")
        if node.HasField("query"):
            query = self.text.rewritten(node.query)
            rows = self.ask(query)
            self.need_kinds(query, [kinds[column] for column in given], rows)
        else:
            rows = [self.row_of(row, [kinds[column] for column in given]) for row in node.rows.rows]
        empty = [[] if f.get("mode") == "REPEATED" else None for f in self.warehouse.schemas[name]]
        made = []
        for row in rows:
            full = list(empty)
            if len(row) != len(given):
                raise Refused(f"inserted row has {len(row)} columns, expected {len(given)}")
            for column, value in zip(given, row):
                full[columns.index(column)] = stored(value, kinds[column])
            made.append(self.checked(name, full))
        self.warehouse.tables[name] = self.warehouse.tables[name] + made
        self.values["system_row_count"] = len(made)

    def do_DeleteStatement(self, node):
        name, _ = self.target(node)
        if own(node, "where") is None:
            raise Refused("DELETE must have a WHERE clause")
        table = self.warehouse.names.index(name)
        alias = path_names(concrete(node.target_path))[-1]
        if node.HasField("alias"):
            alias = node.alias.identifier.id_string
        found = self.ask(f"SELECT row_index FROM UNNEST(@table_{table}) AS `{alias}` WITH OFFSET AS row_index "
                         f"WHERE {self.text.rewritten(node.where)}")
        gone = {index for index, in found}
        rows = self.warehouse.tables[name]
        self.warehouse.tables[name] = [row for index, row in enumerate(rows) if index not in gone]
        self.values["system_row_count"] = len(found)

    def do_UpdateStatement(self, node):
        name, columns = self.target(node)
        if not node.HasField("where"):
            raise Refused("UPDATE must have a WHERE clause")
        items = [item.set_value for item in node.update_item_list.update_items]
        values = ", ".join(self.text.rewritten(item.value) for item in items)
        table = self.warehouse.names.index(name)
        found = self.ask(f"SELECT row_index, {values} FROM UNNEST(@table_{table}) WITH OFFSET AS row_index "
                         f"WHERE {self.text.rewritten(getattr(node, 'where'))}")
        rows = [list(row) for row in self.warehouse.tables[name]]
        for index, *new in found:
            for item, value in zip(items, new):
                rows[index][columns.index(concrete(item.path).names[0].id_string)] = value
            self.checked(name, rows[index])
        self.warehouse.tables[name] = rows
        self.values["system_row_count"] = len(found)
