"""Every mistake code with a mapping that makes it and the exact text that a person sees."""

from dataclasses import dataclass

HEADER = ["Nr", "Land", "Status", "Menge", "Preis", "Text"]

FILES = {
    "couriers.csv": b"code,courier\nDHL,dhl-germany\nUPS,ups\n",
    "twice.csv": b"code,courier\nDHL,dhl\n\nDHL,dhl-germany\n",
    "same.csv": b"code,courier\nDHL,dhl\nDHL,dhl\n",
    "ragged.csv": b"code,courier\nDHL\n",
    "latin.csv": b"code,courier\nDHL,\xfc\n",
    "nokey.csv": b"code,courier\n,dhl\n",
    "twocol.csv": b"code,code,courier\na,b,c\n",
    "quote.csv": b'code,courier\n"a,b\n',
}


@dataclass(frozen=True)
class Case:
    code: str
    name: str
    text: str
    header: list[str] | None
    says: str


CASES = [
    Case(
        "M230",
        "a chain of derived columns that doubles its text",
        """\
version: 1
name: m
mode: update_only
source: {}
derive:
  a: {template: "{Text}{Text}"}
  b: {template: "{a}{a}{a}{a}{a}{a}{a}{a}{a}{a}"}
  c: {template: "{b}{b}{b}{b}{b}{b}{b}{b}{b}{b}{b}"}
order:
  order_number: Nr
  channel: c
""",
        HEADER,
        """\
error[M230]: this value can become many times as long as the cells of a row
 --> m.yaml:8:6
  |
8 |   c: {template: "{b}{b}{b}{b}{b}{b}{b}{b}{b}{b}{b}"}
  |      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  = help: a value is at most 200 cells long, and fixed text counts by 100 characters
""",
    ),
    Case(
        "M001",
        "unclosed bracket, named where it began",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  tags: [Text, Land
  channel: Text
""",
        HEADER,
        """\
error[M001]: while parsing a flow sequence: expected ',' or ']', but got ':'
 --> m.yaml:7:9
  |
7 |   tags: [Text, Land
  |         ^
8 |   channel: Text
  |          ^ noticed here
  = help: close the bracket that begins here; values that start with %, @, &, *, {, [ or contain ': ' need quotes
""",
    ),
    Case(
        "M001",
        "tab",
        "version: 1\nname: m\nmode: update_only\nsource: {}\norder:\n\torder_number: Nr\n",
        HEADER,
        "error[M001]: while scanning for the next token: found character '\\t' that cannot start any token\n --> m.yaml:6:1\n  |\n6 |  order_number: Nr\n  | ^\n  = help: YAML does not allow tabs for indentation: use blanks\n",
    ),
    Case(
        "M001",
        "value that starts with a percent sign",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: %x
""",
        HEADER,
        """\
error[M001]: while scanning for the next token: found character '%' that cannot start any token
 --> m.yaml:7:12
  |
7 |   channel: %x
  |            ^
  = help: write the value in quotes: "%x"
""",
    ),
    Case(
        "M001",
        "value with a colon and a blank",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: a: b
""",
        HEADER,
        """\
error[M001]: mapping values are not allowed here
 --> m.yaml:7:13
  |
7 |   channel: a: b
  |             ^
  = help: write the value in quotes: "a: b"
""",
    ),
    Case(
        "M001",
        "template without quotes",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {Land}-{Nr}
""",
        HEADER,
        """\
error[M001]: while parsing a block mapping: expected <block end>, but found '<scalar>'
 --> m.yaml:6:3
  |
6 |   order_number: Nr
  |   ^
7 |   channel: {Land}-{Nr}
  |                  ^ noticed here
  = help: write the value in quotes: "{Land}-{Nr}"
""",
    ),
    Case(
        "M001",
        "template as a key",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  ? {Land}
  : Nr
""",
        HEADER,
        """\
error[M001]: a key must be text; a template in braces needs quotes
 --> m.yaml:7:5
  |
7 |   ? {Land}
  |     ^^^^^^
  = help: write "{A}-{B}" with quotes
""",
    ),
    Case(
        "M001",
        "a list instead of a table",
        """\
- version: 1
""",
        HEADER,
        """\
error[M001]: a mapping is a table of keys and values
 --> m.yaml:1:1
  |
1 | - version: 1
  | ^
  = help: it begins with `version: 1`
""",
    ),
    Case(
        "M001",
        "two documents",
        """\
version: 1
name: m
mode: update_only
---
version: 1
name: m
mode: update_only
""",
        HEADER,
        """\
error[M001]: expected a single document in the stream: but found another document
 --> m.yaml:1:1
  |
1 | version: 1
  | ^
  …
4 | ---
  | ^ noticed here
  = help: values that start with %, @, &, *, {, [ or contain ': ' need quotes
""",
    ),
    Case(
        "M001",
        "a character that no text has",
        "version: 1\nname: \x01\n",
        HEADER,
        """\
error[M001]: the character U+0001 may not stand in YAML
 --> m.yaml:2:7
  |
2 | name: ·
  |       ^
  = help: remove it; is the file damaged?
""",
    ),
    Case(
        "M001",
        "alias without anchor",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: *x
""",
        HEADER,
        """\
error[M001]: found undefined alias 'x'
 --> m.yaml:7:12
  |
7 |   channel: *x
  |            ^
  = help: write the value in quotes: "*x"
""",
    ),
    Case(
        "M002",
        "key twice",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: Text
  channel: Land
""",
        HEADER,
        """\
error[M002]: "channel" stands here a second time (first in line 7)
 --> m.yaml:8:3
  |
8 |   channel: Land
  |   ^^^^^^^
  = help: remove one of them
""",
    ),
    Case(
        "M003",
        "nested too deeply",
        """\
a: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[
""",
        HEADER,
        """\
error[M003]: the mapping is longer or deeper than a mapping may be
 --> m.yaml:1:1
  |
1 | a: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[
  | ^
  = help: a mapping has at most 10,000 values, nested 32 deep, in 1 MB
""",
    ),
    Case(
        "M100",
        "typo in a section",
        """\
version: 1
name: m
mode: update_only
sorce: {}
source: {}
order: {order_number: Nr}
""",
        HEADER,
        """\
error[M100]: unknown key "sorce"
 --> m.yaml:4:1
  |
4 | sorce: {}
  | ^^^^^
  = help: did you mean "source"?
""",
    ),
    Case(
        "M100",
        "typo inside source",
        """\
version: 1
name: m
mode: update_only
source: {delimeter: ';'}
order: {order_number: Nr}
""",
        HEADER,
        """\
error[M100]: unknown key "delimeter"
 --> m.yaml:4:10
  |
4 | source: {delimeter: ';'}
  |          ^^^^^^^^^
  = help: did you mean "delimiter"?
""",
    ),
    Case(
        "M100",
        "typo in a value",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {form: Text, do: [upper]}
""",
        HEADER,
        """\
error[M100]: unknown key "form"
 --> m.yaml:7:13
  |
7 |   channel: {form: Text, do: [upper]}
  |             ^^^^
  = help: did you mean "from"?
""",
    ),
    Case(
        "M100",
        "merge key",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {<<: Text}
""",
        HEADER,
        """\
error[M100]: unknown key "<<"
 --> m.yaml:7:13
  |
7 |   channel: {<<: Text}
  |             ^^
  = help: there are: from, value, template, first_of, cases, sql, row_number, do, lookup, unknown, as, format, default, when, aggregate, on_error
""",
    ),
    Case(
        "M101",
        "typo in a field",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  recipient_mail: Text
""",
        HEADER,
        """\
error[M101]: parcelLab order has no field "recipient_mail"
 --> m.yaml:7:3
  |
7 |   recipient_mail: Text
  |   ^^^^^^^^^^^^^^
  = help: did you mean "recipient_email"?
""",
    ),
    Case(
        "M101",
        "field of a line",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
lines:
  fields: {line_item_id: Nr, SKU: Text}
""",
        HEADER,
        """\
error[M101]: parcelLab line item has no field "SKU"
 --> m.yaml:8:30
  |
8 |   fields: {line_item_id: Nr, SKU: Text}
  |                              ^^^
  = help: did you mean "sku"?
""",
    ),
    Case(
        "M101",
        "nothing near",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  reference: Text
""",
        HEADER,
        """\
error[M101]: parcelLab order has no field "reference"
 --> m.yaml:7:3
  |
7 |   reference: Text
  |   ^^^^^^^^^
  = help: did you mean "external_reference"?
""",
    ),
    Case(
        "M102",
        "section missing",
        """\
version: 1
name: m
mode: update_only
order: {order_number: Nr}
""",
        HEADER,
        """\
error[M102]: the key "source" is missing here
 --> m.yaml:1:1
  |
1 | version: 1
  | ^
  = help: add source: {encoding: utf-8, delimiter: ";"}; every key in it is optional, and `source: {}` is a comma-separated file in utf-8
""",
    ),
    Case(
        "M102",
        "empty value",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel:
""",
        HEADER,
        """\
error[M102]: a value is missing here
 --> m.yaml:7:3
  |
7 |   channel:
  |   ^^^^^^^
  = help: write a column, or {value: …} for fixed text
""",
    ),
    Case(
        "M102",
        "tracking without key",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
trackings:
  fields: {external_reference: Text}
""",
        HEADER,
        """\
error[M102]: the key "key" is missing here
 --> m.yaml:7:1
  |
7 | trackings:
  | ^^^^^^^^^
  = help: add `key:`
""",
    ),
    Case(
        "M102",
        "tracking with no key column",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
trackings:
  key: []
  fields: {external_reference: Text}
""",
        HEADER,
        """\
error[M102]: a tracking needs a key
 --> m.yaml:8:3
  |
8 |   key: []
  |   ^^^
  = help: name the columns that tell the parcels of an order apart
""",
    ),
    Case(
        "M102",
        "empty first_of",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {first_of: []}
""",
        HEADER,
        """\
error[M102]: first_of needs at least one value
 --> m.yaml:7:23
  |
7 |   channel: {first_of: []}
  |                       ^^
  = help: such as first_of: [Mobile, Phone]
""",
    ),
    Case(
        "M102",
        "empty cases",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {cases: []}
""",
        HEADER,
        """\
error[M102]: cases needs at least one case
 --> m.yaml:7:20
  |
7 |   channel: {cases: []}
  |                    ^^
  = help: such as cases: [{when: "A = 'x'", value: y}, {from: B}]
""",
    ),
    Case(
        "M102",
        "lookup file without value",
        """\
version: 1
name: m
mode: update_only
source: {}
lookups: {c: {file: couriers.csv, key: code}}
order: {order_number: Nr}
""",
        HEADER,
        """\
error[M102]: the key "value" is missing here
 --> m.yaml:5:11
  |
5 | lookups: {c: {file: couriers.csv, key: code}}
  |           ^
  = help: add `value:`
""",
    ),
    Case(
        "M102",
        "attribute without a name",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  additional_attributes: {'': Text}
""",
        HEADER,
        """\
error[M102]: a value of this table has no name
 --> m.yaml:7:27
  |
7 |   additional_attributes: {'': Text}
  |                           ^^
  = help: parcelLab shows the value by its name
""",
    ),
    Case(
        "M103",
        "list for a text",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: [Text]
""",
        HEADER,
        """\
error[M103]: a value is a column name or a table
 --> m.yaml:7:12
  |
7 |   channel: [Text]
  |            ^^^^^^
  = help: such as {from: Column}
""",
    ),
    Case(
        "M103",
        "text for a list",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {from: Text, do: upper}
""",
        HEADER,
        """\
error[M103]: do takes a list
 --> m.yaml:7:29
  |
7 |   channel: {from: Text, do: upper}
  |                             ^^^^^
  = help: write it in brackets: [first, second]
""",
    ),
    Case(
        "M103",
        "tab without double quotes",
        "version: 1\nname: m\nmode: update_only\nsource: {delimiter: \\t}\norder: {order_number: Nr}\n",
        HEADER,
        'error[M103]: the delimiter is the letters \\t, not the character\n --> m.yaml:4:21\n  |\n4 | source: {delimiter: \\t}\n  |                     ^^\n  = help: in double quotes it is the character: "\\t"\n',
    ),
    Case(
        "M103",
        "quote of two characters",
        """\
version: 1
name: m
mode: update_only
source: {quote: "''"}
order: {order_number: Nr}
""",
        HEADER,
        """\
error[M103]: quote takes one character, or none
 --> m.yaml:4:17
  |
4 | source: {quote: "''"}
  |                 ^^^^
  = help: such as "'", or none
""",
    ),
    Case(
        "M103",
        "quote is the delimiter",
        """\
version: 1
name: m
mode: update_only
source: {quote: ';', delimiter: ';'}
order: {order_number: Nr}
""",
        HEADER,
        """\
error[M103]: delimiter and quote are both ';'
 --> m.yaml:4:33
  |
4 | source: {quote: ';', delimiter: ';'}
  |                                 ^^^
  = help: a file without quotes is declared as `quote: none`
""",
    ),
    Case(
        "M103",
        "decimal is thousands",
        """\
version: 1
name: m
mode: update_only
source: {decimal: ',', thousands: ','}
order: {order_number: Nr}
""",
        HEADER,
        """\
error[M103]: the same character cannot group digits and start decimals
 --> m.yaml:4:35
  |
4 | source: {decimal: ',', thousands: ','}
  |                                   ^^^
  = help: decimal is ","
""",
    ),
    Case(
        "M103",
        "neither true nor false",
        """\
version: 1
name: m
mode: update_only
source: {trim: ja}
order: {order_number: Nr}
""",
        HEADER,
        """\
error[M103]: trim takes true or false
 --> m.yaml:4:16
  |
4 | source: {trim: ja}
  |                ^^
  = help: write true or false
""",
    ),
    Case(
        "M103",
        "name with a blank",
        """\
version: 1
name: my orders
mode: update_only
source: {}
order: {order_number: Nr}
""",
        HEADER,
        """\
error[M103]: name takes letters, digits, - and _, at most 64 of them
 --> m.yaml:2:7
  |
2 | name: my orders
  |       ^^^^^^^^^
  = help: the name stands in reports and in the names of files
""",
    ),
    Case(
        "M103",
        "text for an object",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  shipping_address: Text
""",
        HEADER,
        """\
error[M103]: address is a table of fields
 --> m.yaml:7:21
  |
7 |   shipping_address: Text
  |                     ^^^^
  = help: write fields and their values below it
""",
    ),
    Case(
        "M103",
        "list for attributes",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  additional_attributes: [Text]
""",
        HEADER,
        """\
error[M103]: additional_attributes is a table of names and values
 --> m.yaml:7:26
  |
7 |   additional_attributes: [Text]
  |                          ^^^^^^
  = help: {name: VALUE, …}
""",
    ),
    Case(
        "M103",
        "empty lookup",
        """\
version: 1
name: m
mode: update_only
source: {}
lookups: {c: {}}
order: {order_number: Nr}
""",
        HEADER,
        """\
error[M103]: the table c is not a lookup
 --> m.yaml:5:11
  |
5 | lookups: {c: {}}
  |           ^
  = help: {key: value} or {file: couriers.csv, key: code, value: courier}
""",
    ),
    Case(
        "M103",
        "as against the target",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  order_total_amount: {from: Preis, as: date}
""",
        HEADER,
        """\
error[M103]: the target is money, so it cannot be read as date
 --> m.yaml:7:41
  |
7 |   order_total_amount: {from: Preis, as: date}
  |                                         ^^^^
  = help: the target decides the type: remove `as`
""",
    ),
    Case(
        "M103",
        "case after the last",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {cases: [{from: Text}, {from: Land}]}
""",
        HEADER,
        """\
error[M103]: a case after the one without `when` is never reached
 --> m.yaml:7:35
  |
7 |   channel: {cases: [{from: Text}, {from: Land}]}
  |                                   ^^^^^^^^^^^^
  = help: give the case before it a `when`
""",
    ),
    Case(
        "M103",
        "cancel_order row by row",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
mutations:
  - type: cancel_order
    when: "Status = 'X'"
""",
        HEADER,
        """\
error[M103]: cancel_order concerns the whole order, `when` a single row
 --> m.yaml:9:5
  |
9 |     when: "Status = 'X'"
  |     ^^^^
  = help: use `when_all` (every row of the order) or `when_any`
""",
    ),
    Case(
        "M103",
        "two conditions",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
mutations:
  - type: cancel_order
    when_all: "Status = 'X'"
    when_any: "Status = 'Y'"
""",
        HEADER,
        """\
error[M103]: a mutation has one condition
 --> m.yaml:8:5
  |
8 |   - type: cancel_order
  |     ^
  = help: keep one `when`
""",
    ),
    Case(
        "M103",
        "add_tracking as a mutation",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
mutations:
  - {type: add_tracking}
""",
        HEADER,
        """\
error[M103]: add_tracking is made by the section `trackings`
 --> m.yaml:8:12
  |
8 |   - {type: add_tracking}
  |            ^^^^^^^^^^^^
  = help: move it there
""",
    ),
    Case(
        "M104",
        "mode",
        """\
version: 1
name: m
mode: update
source: {}
order: {order_number: Nr}
""",
        HEADER,
        """\
error[M104]: "update" is not one of the words for mode
 --> m.yaml:3:7
  |
3 | mode: update
  |       ^^^^^^
  = help: did you mean "update_only"?
""",
    ),
    Case(
        "M104",
        "version",
        """\
version: 2
name: m
mode: update_only
source: {}
order: {order_number: Nr}
""",
        HEADER,
        """\
error[M104]: "2" is not one of the words for version
 --> m.yaml:1:10
  |
1 | version: 2
  |          ^
  = help: one of: 1
""",
    ),
    Case(
        "M104",
        "thousands",
        """\
version: 1
name: m
mode: update_only
source: {thousands: ';'}
order: {order_number: Nr}
""",
        HEADER,
        """\
error[M104]: ";" is not one of the words for thousands
 --> m.yaml:4:21
  |
4 | source: {thousands: ';'}
  |                     ^^^
  = help: one of: ., ,, ', ’, a blank, a no-break space, a narrow no-break space, none
""",
    ),
    Case(
        "M104",
        "time zone",
        """\
version: 1
name: m
mode: update_only
source: {timezone: Europe/Berln}
order: {order_number: Nr}
""",
        HEADER,
        """\
error[M104]: "Europe/Berln" is not a time zone
 --> m.yaml:4:20
  |
4 | source: {timezone: Europe/Berln}
  |                    ^^^^^^^^^^^^
  = help: did you mean "Europe/Berlin"?
""",
    ),
    Case(
        "M104",
        "encoding",
        """\
version: 1
name: m
mode: update_only
source: {encoding: ansi-1252}
order: {order_number: Nr}
""",
        HEADER,
        """\
error[M104]: "ansi-1252" is not an encoding
 --> m.yaml:4:20
  |
4 | source: {encoding: ansi-1252}
  |                    ^^^^^^^^^
  = help: such as utf-8, cp1252, utf-16
""",
    ),
    Case(
        "M104",
        "type of a column",
        """\
version: 1
name: m
mode: update_only
source: {columns: {Menge: int}}
order: {order_number: Nr}
""",
        HEADER,
        """\
error[M104]: "int" is not one of the words for Menge
 --> m.yaml:4:27
  |
4 | source: {columns: {Menge: int}}
  |                           ^^^
  = help: did you mean "integer"?
""",
    ),
    Case(
        "M104",
        "type of a value",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  additional_attributes: {a: {from: Text, as: bool}}
""",
        HEADER,
        """\
error[M104]: "bool" is not a type
 --> m.yaml:7:47
  |
7 |   additional_attributes: {a: {from: Text, as: bool}}
  |                                               ^^^^
  = help: did you mean "boolean"?
""",
    ),
    Case(
        "M104",
        "mutation",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
mutations:
  - {type: cancel_orders}
""",
        HEADER,
        """\
error[M104]: "cancel_orders" is not a mutation
 --> m.yaml:8:12
  |
8 |   - {type: cancel_orders}
  |            ^^^^^^^^^^^^^
  = help: did you mean "cancel_order"?
""",
    ),
    Case(
        "M104",
        "aggregate",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  order_total_amount: {from: Preis, aggregate: avg}
""",
        HEADER,
        """\
error[M104]: "avg" is not one of the words for aggregate
 --> m.yaml:7:48
  |
7 |   order_total_amount: {from: Preis, aggregate: avg}
  |                                                ^^^
  = help: one of: sum, first, min, max
""",
    ),
    Case(
        "M105",
        "required on create",
        """\
version: 1
name: m
source: {}
order:
  order_number: Nr
  destination_country_iso3: Land
""",
        HEADER,
        """\
error[M105]: "recipient_email" is required to create an order and is not mapped
 --> m.yaml:4:1
  |
4 | order:
  | ^^^^^
  = help: map it, or set `mode: update_only`
""",
    ),
    Case(
        "M105",
        "order number",
        """\
version: 1
name: m
mode: update_only
source: {}
order: {channel: Text}
""",
        HEADER,
        """\
error[M105]: "order_number" is required to create an order and is not mapped
 --> m.yaml:5:1
  |
5 | order: {channel: Text}
  | ^^^^^
  = help: map it
""",
    ),
    Case(
        "M106",
        "server-owned",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
lines:
  fields: {line_item_id: Nr, updated_at: Text}
""",
        HEADER,
        """\
error[M106]: parcelLab sets "updated_at" itself
 --> m.yaml:8:30
  |
8 |   fields: {line_item_id: Nr, updated_at: Text}
  |                              ^^^^^^^^^^
  = help: remove it
""",
    ),
    Case(
        "M106",
        "made elsewhere",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  articles_order: Text
""",
        HEADER,
        """\
error[M106]: "articles_order" is not mapped here
 --> m.yaml:7:3
  |
7 |   articles_order: Text
  |   ^^^^^^^^^^^^^^
  = help: line items are mapped under `lines`
""",
    ),
    Case(
        "M106",
        "account",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  account: Text
""",
        HEADER,
        """\
error[M106]: "account" is not mapped here
 --> m.yaml:7:3
  |
7 |   account: Text
  |   ^^^^^^^
  = help: the account comes from the profile
""",
    ),
    Case(
        "M107",
        "address",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  shipping_address: {city: Text, country_iso3: Land}
""",
        HEADER,
        """\
error[M107]: address needs address_line, postal_code
 --> m.yaml:7:3
  |
7 |   shipping_address: {city: Text, country_iso3: Land}
  |   ^^^^^^^^^^^^^^^^
  = help: map all of them, or none
""",
    ),
    Case(
        "M107",
        "weight without unit",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
lines:
  fields: {line_item_id: Nr, weight: Menge}
""",
        HEADER,
        """\
error[M107]: weight needs weight_unit
 --> m.yaml:8:3
  |
8 |   fields: {line_item_id: Nr, weight: Menge}
  |   ^^^^^^
  = help: without it parcelLab takes its default; add weight_unit: {value: …}
""",
    ),
    Case(
        "M107",
        "parcel size without unit",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
trackings:
  key: Text
  fields: {external_reference: Text, shipping_height: Menge}
""",
        HEADER,
        """\
error[M107]: shipping_height needs shipping_dimensions_unit
 --> m.yaml:9:3
  |
9 |   fields: {external_reference: Text, shipping_height: Menge}
  |   ^^^^^^
  = help: without it parcelLab takes its default; add shipping_dimensions_unit: {value: …}
""",
    ),
    Case(
        "M108",
        "number without courier",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
trackings:
  key: Text
  fields: {tracking_number: Text}
""",
        HEADER,
        """\
error[M108]: the tracking cannot be identified
 --> m.yaml:9:3
  |
9 |   fields: {tracking_number: Text}
  |   ^^^^^^
  = help: map courier and tracking_number or external_reference
""",
    ),
    Case(
        "M108",
        "cancel_tracking",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
mutations:
  - type: cancel_tracking
    fields: {tracking: {courier: Text}}
""",
        HEADER,
        """\
error[M108]: the tracking cannot be identified
 --> m.yaml:9:14
  |
9 |     fields: {tracking: {courier: Text}}
  |              ^^^^^^^^
  = help: map courier and tracking_number or external_reference
""",
    ),
    Case(
        "M201",
        "typo",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: Landd
""",
        HEADER,
        """\
error[M201]: unknown column "Landd"
 --> m.yaml:7:12
  |
7 |   channel: Landd
  |            ^^^^^
  = help: did you mean "Land"?
""",
    ),
    Case(
        "M201",
        "fixed text as a bare word",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  order_currency: EUR
""",
        HEADER,
        """\
error[M201]: unknown column "EUR"
 --> m.yaml:7:19
  |
7 |   order_currency: EUR
  |                   ^^^
  = help: a bare word is a column name; for fixed text write {value: "EUR"}
""",
    ),
    Case(
        "M201",
        "in a template",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {template: "{Lnd} {Text}"}
""",
        HEADER,
        """\
error[M201]: unknown column "Lnd"
 --> m.yaml:7:25
  |
7 |   channel: {template: "{Lnd} {Text}"}
  |                         ^^^
  = help: did you mean "Land"?
""",
    ),
    Case(
        "M201",
        "other accents",
        "version: 1\nname: m\nmode: update_only\nsource: {}\norder:\n  order_number: Nr\n  channel: Größe\n",
        [*HEADER, "Größe"],
        'error[M201]: unknown column "Größe"\n --> m.yaml:7:12\n  |\n7 |   channel: Größe\n  |            ^^^^^\n  = help: the header spells it with other blanks or accents: copy the name from the file\n',
    ),
    Case(
        "M201",
        "derived further below",
        """\
version: 1
name: m
mode: update_only
source: {}
derive:
  a: b
  b: Text
order: {order_number: Nr, channel: {template: '{a}{b}'}}
""",
        HEADER,
        """\
error[M201]: unknown column "b"
 --> m.yaml:6:6
  |
6 |   a: b
  |      ^
  = help: a derived column can be used below its own line only
""",
    ),
    Case(
        "M202",
        "derived",
        """\
version: 1
name: m
mode: update_only
source: {}
derive:
  _a: Text
order: {order_number: Nr, channel: _a}
""",
        HEADER,
        """\
error[M202]: "_a" starts with an underscore
 --> m.yaml:6:3
  |
6 |   _a: Text
  |   ^^
  = help: such names belong to the pipeline
""",
    ),
    Case(
        "M202",
        "of the file",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: _file
""",
        [*HEADER, "_file"],
        """\
error[M202]: "_file" starts with an underscore
 --> m.yaml:7:12
  |
7 |   channel: _file
  |            ^^^^^
  = help: such names belong to the pipeline
""",
    ),
    Case(
        "M202",
        "a pattern for many columns",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: "^.*$"
""",
        [*HEADER, "^.*$"],
        """\
error[M202]: "^.*$" would mean many columns
 --> m.yaml:7:12
  |
7 |   channel: "^.*$"
  |            ^^^^^^
  = help: rename the column
""",
    ),
    Case(
        "M203",
        "hides a column",
        """\
version: 1
name: m
mode: update_only
source: {}
derive:
  Land: Text
order: {order_number: Nr, channel: Land}
""",
        HEADER,
        """\
error[M203]: a column "Land" exists already
 --> m.yaml:6:3
  |
6 |   Land: Text
  |   ^^^^
  = help: choose another name
""",
    ),
    Case(
        "M204",
        "brace not closed",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {template: "{Land"}
""",
        HEADER,
        """\
error[M204]: a brace is not closed
 --> m.yaml:7:23
  |
7 |   channel: {template: "{Land"}
  |                       ^^^^^^^
  = help: a part is a column: "{Column}"
""",
    ),
    Case(
        "M204",
        "no column",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {template: "Land"}
""",
        HEADER,
        """\
error[M204]: the template has no column
 --> m.yaml:7:23
  |
7 |   channel: {template: "Land"}
  |                       ^^^^^^
  = help: for fixed text write {value: "Land"}
""",
    ),
    Case(
        "M204",
        "empty part",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {template: "{}-{Land}"}
""",
        HEADER,
        """\
error[M204]: a part of the template is empty
 --> m.yaml:7:23
  |
7 |   channel: {template: "{}-{Land}"}
  |                       ^^^^^^^^^^^
  = help: a part is a column: "{Column}"
""",
    ),
    Case(
        "M205",
        "typo",
        """\
version: 1
name: m
mode: update_only
source: {}
lookups: {couriers: {A: a}}
order: {order_number: Nr, channel: {from: Text, lookup: courier}}
""",
        HEADER,
        """\
error[M205]: unknown lookup table "courier"
 --> m.yaml:6:57
  |
6 | order: {order_number: Nr, channel: {from: Text, lookup: courier}}
  |                                                         ^^^^^^^
  = help: did you mean "couriers"?
""",
    ),
    Case(
        "M205",
        "none",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {from: Text, lookup: c}
""",
        HEADER,
        """\
error[M205]: unknown lookup table "c"
 --> m.yaml:7:33
  |
7 |   channel: {from: Text, lookup: c}
  |                                 ^
  = help: declare it under `lookups`
""",
    ),
    Case(
        "M206",
        "missing file",
        """\
version: 1
name: m
mode: update_only
source: {}
lookups:
  c: {file: missing.csv, key: code, value: courier}
order:
  order_number: Nr
""",
        HEADER,
        """\
error[M206]: the lookup file missing.csv does not exist
 --> m.yaml:6:13
  |
6 |   c: {file: missing.csv, key: code, value: courier}
  |             ^^^^^^^^^^^
  = help: its name counts from the folder of the mapping
""",
    ),
    Case(
        "M206",
        "outside",
        """\
version: 1
name: m
mode: update_only
source: {}
lookups:
  c: {file: ../../etc/passwd, key: code, value: courier}
order:
  order_number: Nr
""",
        HEADER,
        """\
error[M206]: the lookup file ../../etc/passwd does not lie in the folder of the mapping
 --> m.yaml:6:13
  |
6 |   c: {file: ../../etc/passwd, key: code, value: courier}
  |             ^^^^^^^^^^^^^^^^
  = help: write a name such as couriers.csv or tables/couriers.csv
""",
    ),
    Case(
        "M206",
        "absolute",
        """\
version: 1
name: m
mode: update_only
source: {}
lookups:
  c: {file: /etc/passwd, key: code, value: courier}
order:
  order_number: Nr
""",
        HEADER,
        """\
error[M206]: the lookup file /etc/passwd does not lie in the folder of the mapping
 --> m.yaml:6:13
  |
6 |   c: {file: /etc/passwd, key: code, value: courier}
  |             ^^^^^^^^^^^
  = help: write a name such as couriers.csv or tables/couriers.csv
""",
    ),
    Case(
        "M206",
        "two meanings",
        """\
version: 1
name: m
mode: update_only
source: {}
lookups:
  c: {file: twice.csv, key: code, value: courier}
order:
  order_number: Nr
""",
        HEADER,
        """\
error[M206]: twice.csv:4 gives "DHL" a second meaning (first in line 2)
 --> m.yaml:6:13
  |
6 |   c: {file: twice.csv, key: code, value: courier}
  |             ^^^^^^^^^
  = help: keep one of the two rows
""",
    ),
    Case(
        "M206",
        "column",
        """\
version: 1
name: m
mode: update_only
source: {}
lookups:
  c: {file: couriers.csv, key: code, value: couriers}
order:
  order_number: Nr
""",
        HEADER,
        """\
error[M206]: the lookup file couriers.csv has no column "couriers"
 --> m.yaml:6:13
  |
6 |   c: {file: couriers.csv, key: code, value: couriers}
  |             ^^^^^^^^^^^^
  = help: did you mean "courier"?
""",
    ),
    Case(
        "M206",
        "other encoding",
        """\
version: 1
name: m
mode: update_only
source: {}
lookups:
  c: {file: latin.csv, key: code, value: courier}
order:
  order_number: Nr
""",
        HEADER,
        """\
error[M206]: the lookup file latin.csv is not in utf-8
 --> m.yaml:6:13
  |
6 |   c: {file: latin.csv, key: code, value: courier}
  |             ^^^^^^^^^
  = help: set `encoding:` beside `file:`, such as cp1252
""",
    ),
    Case(
        "M206",
        "unknown encoding",
        """\
version: 1
name: m
mode: update_only
source: {}
lookups:
  c: {file: latin.csv, key: code, value: courier, encoding: klingon}
order:
  order_number: Nr
""",
        HEADER,
        """\
error[M206]: "klingon" is not an encoding
 --> m.yaml:6:13
  |
6 |   c: {file: latin.csv, key: code, value: courier, encoding: klingon}
  |             ^^^^^^^^^
  = help: such as utf-8, cp1252, utf-16
""",
    ),
    Case(
        "M206",
        "delimiter",
        """\
version: 1
name: m
mode: update_only
source: {}
lookups:
  c: {file: couriers.csv, key: code, value: courier, delimiter: ';'}
order:
  order_number: Nr
""",
        HEADER,
        """\
error[M206]: the lookup file couriers.csv has only one column with delimiter ';'; it looks like ','
 --> m.yaml:6:13
  |
6 |   c: {file: couriers.csv, key: code, value: courier, delimiter: ';'}
  |             ^^^^^^^^^^^^
  = help: set `delimiter: ","` beside `file:`
""",
    ),
    Case(
        "M206",
        "ragged",
        """\
version: 1
name: m
mode: update_only
source: {}
lookups:
  c: {file: ragged.csv, key: code, value: courier}
order:
  order_number: Nr
""",
        HEADER,
        """\
error[M206]: ragged.csv:2 has 1 columns, the header 2
 --> m.yaml:6:13
  |
6 |   c: {file: ragged.csv, key: code, value: courier}
  |             ^^^^^^^^^^
  = help: its delimiter is set by `delimiter:` beside `file:`
""",
    ),
    Case(
        "M206",
        "row without key",
        """\
version: 1
name: m
mode: update_only
source: {}
lookups:
  c: {file: nokey.csv, key: code, value: courier}
order:
  order_number: Nr
""",
        HEADER,
        """\
error[M206]: nokey.csv:2 has no "code"
 --> m.yaml:6:13
  |
6 |   c: {file: nokey.csv, key: code, value: courier}
  |             ^^^^^^^^^
  = help: every row needs its key, unless `empty_keys: skip` stands beside `file:`
""",
    ),
    Case(
        "M206",
        "two columns of one name",
        """\
version: 1
name: m
mode: update_only
source: {}
lookups:
  c: {file: twocol.csv, key: code, value: courier}
order:
  order_number: Nr
""",
        HEADER,
        """\
error[M206]: the lookup file twocol.csv has two columns "code"
 --> m.yaml:6:13
  |
6 |   c: {file: twocol.csv, key: code, value: courier}
  |             ^^^^^^^^^^
  = help: rename one of them
""",
    ),
    Case(
        "M206",
        "broken quotes",
        """\
version: 1
name: m
mode: update_only
source: {}
lookups:
  c: {file: quote.csv, key: code, value: courier}
order:
  order_number: Nr
""",
        HEADER,
        """\
error[M206]: quote.csv:2 is not readable as CSV: unexpected end of data
 --> m.yaml:6:13
  |
6 |   c: {file: quote.csv, key: code, value: courier}
  |             ^^^^^^^^^
  = help: every quote needs its partner
""",
    ),
    Case(
        "M207",
        "typo",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {from: Text, do: [strip, lwoer]}
""",
        HEADER,
        """\
error[M207]: unknown step "lwoer"
 --> m.yaml:7:37
  |
7 |   channel: {from: Text, do: [strip, lwoer]}
  |                                     ^^^^^
  = help: did you mean "lower"?
""",
    ),
    Case(
        "M208",
        "argument that is not taken",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {from: Text, do: [{upper: x}]}
""",
        HEADER,
        """\
error[M208]: the step upper takes no argument
 --> m.yaml:7:30
  |
7 |   channel: {from: Text, do: [{upper: x}]}
  |                              ^^^^^^^^^^
  = help: write upper
""",
    ),
    Case(
        "M208",
        "argument missing",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {from: Text, do: [slice]}
""",
        HEADER,
        """\
error[M208]: the step slice takes other arguments
 --> m.yaml:7:30
  |
7 |   channel: {from: Text, do: [slice]}
  |                              ^^^^^
  = help: write slice: [0, 40]
""",
    ),
    Case(
        "M208",
        "slice ends before it starts",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {from: Text, do: [{slice: [5, 2]}]}
""",
        HEADER,
        """\
error[M208]: the slice ends before it starts
 --> m.yaml:7:30
  |
7 |   channel: {from: Text, do: [{slice: [5, 2]}]}
  |                              ^^^^^^^^^^^^^^^
  = help: slice: [start, stop] takes the characters from start to before stop
""",
    ),
    Case(
        "M208",
        "slice from the end to the beginning",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {from: Text, do: [{slice: [-3, 2]}]}
""",
        HEADER,
        """\
error[M208]: the slice starts at the end and stops at the beginning
 --> m.yaml:7:30
  |
7 |   channel: {from: Text, do: [{slice: [-3, 2]}]}
  |                              ^^^^^^^^^^^^^^^^
  = help: a start from the end has no stop, or one from the end: slice: [-4] or [-4, -1]
""",
    ),
    Case(
        "M208",
        "pad beyond reason",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {from: Text, do: [{pad_left: [999999, x]}]}
""",
        HEADER,
        """\
error[M208]: the step pad_left takes other arguments
 --> m.yaml:7:30
  |
7 |   channel: {from: Text, do: [{pad_left: [999999, x]}]}
  |                              ^^^^^^^^^^^^^^^^^^^^^^^
  = help: the length is a number from 1 to 255: pad_left: [5, "0"]
""",
    ),
    Case(
        "M208",
        "replace nothing",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {from: Text, do: [{replace: ["", x]}]}
""",
        HEADER,
        """\
error[M208]: the step replace takes other arguments
 --> m.yaml:7:30
  |
7 |   channel: {from: Text, do: [{replace: ["", x]}]}
  |                              ^^^^^^^^^^^^^^^^^^
  = help: write replace: ["/", "-"]
""",
    ),
    Case(
        "M209",
        "not a pattern",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {from: Text, do: [{regex: '('}]}
""",
        HEADER,
        """\
error[M209]: this pattern is not valid
 --> m.yaml:7:30
  |
7 |   channel: {from: Text, do: [{regex: '('}]}
  |                              ^^^^^^^^^^^^
  = help: one group in parentheses is taken; look-around and back-references are not offered
""",
    ),
    Case(
        "M209",
        "look-around",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {from: Text, do: [{regex: '(?=a)b'}]}
""",
        HEADER,
        """\
error[M209]: this pattern is not valid
 --> m.yaml:7:30
  |
7 |   channel: {from: Text, do: [{regex: '(?=a)b'}]}
  |                              ^^^^^^^^^^^^^^^^^
  = help: one group in parentheses is taken; look-around and back-references are not offered
""",
    ),
    Case(
        "M209",
        "two groups",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {from: Text, do: [{regex: '(a)(b)'}]}
""",
        HEADER,
        """\
error[M209]: the pattern has 2 groups, one is taken
 --> m.yaml:7:30
  |
7 |   channel: {from: Text, do: [{regex: '(a)(b)'}]}
  |                              ^^^^^^^^^^^^^^^^^
  = help: one group in parentheses is taken; look-around and back-references are not offered
""",
    ),
    Case(
        "M210",
        "two",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {from: Text, value: x}
""",
        HEADER,
        """\
error[M210]: a value needs exactly one origin, here: from and value
 --> m.yaml:7:12
  |
7 |   channel: {from: Text, value: x}
  |            ^^^^^^^^^^^^^^^^^^^^^^
  = help: one of: from, value, template, first_of, cases, sql, row_number
""",
    ),
    Case(
        "M210",
        "none",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {do: [upper]}
""",
        HEADER,
        """\
error[M210]: a value needs exactly one origin, here: none
 --> m.yaml:7:12
  |
7 |   channel: {do: [upper]}
  |            ^^^^^^^^^^^^^
  = help: one of: from, value, template, first_of, cases, sql, row_number
""",
    ),
    Case(
        "M211",
        "money",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  order_total_amount: {value: free}
""",
        HEADER,
        """\
error[M211]: this fixed text is no money
 --> m.yaml:7:23
  |
7 |   order_total_amount: {value: free}
  |                       ^^^^^^^^^^^^^
  = help: fixed text is written plainly: 12.50, 2026-01-31, true, DEU
""",
    ),
    Case(
        "M211",
        "currency",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  order_currency: {value: EURO}
""",
        HEADER,
        """\
error[M211]: this fixed text is no order_currency
 --> m.yaml:7:19
  |
7 |   order_currency: {value: EURO}
  |                   ^^^^^^^^^^^^^
  = help: did you mean EUR?
""",
    ),
    Case(
        "M211",
        "word of a list",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
lines:
  fields: {line_item_id: Nr, weight: Menge, weight_unit: {value: kilo}}
""",
        HEADER,
        """\
error[M211]: this fixed text is no weight_unit
 --> m.yaml:8:58
  |
8 |   fields: {line_item_id: Nr, weight: Menge, weight_unit: {value: kilo}}
  |                                                          ^^^^^^^^^^^^^
  = help: one of: kg, g, lbs, oz
""",
    ),
    Case(
        "M211",
        "too long",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {value: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx}
""",
        HEADER,
        """\
error[M211]: this fixed text is no channel
 --> m.yaml:7:12
  |
7 |   channel: {value: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
  |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  = help: at most 255 characters
""",
    ),
    Case(
        "M211",
        "empty",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {value: ""}
""",
        HEADER,
        """\
error[M211]: this fixed text is empty
 --> m.yaml:7:12
  |
7 |   channel: {value: ""}
  |            ^^^^^^^^^^^
  = help: leave the key out
""",
    ),
    Case(
        "M211",
        "default",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  destination_country_iso3: {from: Land, default: Germany}
""",
        HEADER,
        """\
error[M211]: this fixed text is no destination_country_iso3
 --> m.yaml:7:51
  |
7 |   destination_country_iso3: {from: Land, default: Germany}
  |                                                   ^^^^^^^
  = help: did you mean DEU?
""",
    ),
    Case(
        "M211",
        "value of a lookup",
        """\
version: 1
name: m
mode: update_only
source: {}
lookups:
  countries: {D: DEU, U: UKK}
order:
  order_number: Nr
  destination_country_iso3: {from: Land, lookup: countries}
""",
        HEADER,
        """\
error[M211]: lookups.countries gives "UKK" for "U", which is no destination_country_iso3
 --> m.yaml:6:26
  |
6 |   countries: {D: DEU, U: UKK}
  |                          ^^^
  = help: values are written as in the file
""",
    ),
    Case(
        "M212",
        "unknown letter",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  announced_delivery_date: {from: Text, format: '%d.%m.%q'}
""",
        HEADER,
        """\
error[M212]: "%q" is not a letter of a date format
 --> m.yaml:7:49
  |
7 |   announced_delivery_date: {from: Text, format: '%d.%m.%q'}
  |                                                 ^^^^^^^^^^
  = help: there are: %Y %y %m %b %B %d %e %j %F %a %A %H %I %p %M %S %R %T %.f %3f %6f %z %:z %%
""",
    ),
    Case(
        "M212",
        "year missing",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  announced_delivery_date: {from: Text, format: '%d.%m.'}
""",
        HEADER,
        """\
error[M212]: "%d.%m." does not name a whole date
 --> m.yaml:7:49
  |
7 |   announced_delivery_date: {from: Text, format: '%d.%m.'}
  |                                                 ^^^^^^^^
  = help: a format names year, month and day, such as "%d.%m.%Y"
""",
    ),
    Case(
        "M212",
        "hour of twelve without AM and PM",
        """\
version: 1
name: m
mode: update_only
source: {timezone: UTC}
order:
  order_number: Nr
  order_date: {from: Text, format: '%Y-%m-%d %I:%M'}
""",
        HEADER,
        """\
error[M212]: "%Y-%m-%d %I:%M" has %I without %p
 --> m.yaml:7:36
  |
7 |   order_date: {from: Text, format: '%Y-%m-%d %I:%M'}
  |                                    ^^^^^^^^^^^^^^^^
  = help: add %p
""",
    ),
    Case(
        "M212",
        "in the source",
        """\
version: 1
name: m
mode: update_only
source: {dates: 'DD.MM.YYYY'}
order: {order_number: Nr}
""",
        HEADER,
        """\
error[M212]: "DD.MM.YYYY" does not name a whole date
 --> m.yaml:4:17
  |
4 | source: {dates: 'DD.MM.YYYY'}
  |                 ^^^^^^^^^^^^
  = help: a format names year, month and day, such as "%d.%m.%Y"
""",
    ),
    Case(
        "M213",
        "order date",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  order_date: {from: Text, format: '%Y-%m-%d %H:%M'}
""",
        HEADER,
        """\
error[M213]: a date-time without offset needs a time zone
 --> m.yaml:7:36
  |
7 |   order_date: {from: Text, format: '%Y-%m-%d %H:%M'}
  |                                    ^^^^^^^^^^^^^^^^
  = help: set `source.timezone`, such as Europe/Berlin
""",
    ),
    Case(
        "M213",
        "declared column",
        """\
version: 1
name: m
mode: update_only
source: {columns: {Text: datetime}, dates: '%Y-%m-%d %H:%M'}
order: {order_number: Nr, channel: Text}
""",
        HEADER,
        """\
error[M213]: a date-time without offset needs a time zone
 --> m.yaml:4:26
  |
4 | source: {columns: {Text: datetime}, dates: '%Y-%m-%d %H:%M'}
  |                          ^^^^^^^^
  = help: set `source.timezone`, such as Europe/Berlin
""",
    ),
    Case(
        "M214",
        "on a line",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
lines:
  fields: {line_item_id: Nr, quantity: {from: Menge, aggregate: sum}}
""",
        HEADER,
        """\
error[M214]: only single fields of the order join rows
 --> m.yaml:8:65
  |
8 |   fields: {line_item_id: Nr, quantity: {from: Menge, aggregate: sum}}
  |                                                                 ^^^
  = help: remove it
""",
    ),
    Case(
        "M214",
        "sum of texts",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {from: Text, aggregate: sum}
""",
        HEADER,
        """\
error[M214]: sum joins numbers, and this is text
 --> m.yaml:7:36
  |
7 |   channel: {from: Text, aggregate: sum}
  |                                    ^^^
  = help: use `aggregate: first`
""",
    ),
    Case(
        "M214",
        "on a list",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  tags: [{from: Text, aggregate: first}]
""",
        HEADER,
        """\
error[M214]: only single fields of the order join rows
 --> m.yaml:7:34
  |
7 |   tags: [{from: Text, aggregate: first}]
  |                                  ^^^^^
  = help: a list gathers all rows by itself
""",
    ),
    Case(
        "M215",
        "on_error inside cases",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {cases: [{when: "Land = 'D'", from: Text, on_error: null}, {from: Land}]}
""",
        HEADER,
        """\
error[M215]: `on_error` has no effect inside another value
 --> m.yaml:7:54
  |
7 |   channel: {cases: [{when: "Land = 'D'", from: Text, on_error: null}, {from: Land}]}
  |                                                      ^^^^^^^^
  = help: write it beside the whole value
""",
    ),
    Case(
        "M215",
        "aggregate on a derived column",
        """\
version: 1
name: m
mode: update_only
source: {}
derive:
  a: {from: Preis, aggregate: sum}
order: {order_number: Nr, channel: a}
""",
        HEADER,
        """\
error[M215]: `aggregate` has no effect on a derived column
 --> m.yaml:6:20
  |
6 |   a: {from: Preis, aggregate: sum}
  |                    ^^^^^^^^^
  = help: write it at the field
""",
    ),
    Case(
        "M215",
        "unknown without lookup",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {from: Text, unknown: keep}
""",
        HEADER,
        """\
error[M215]: `unknown` has no effect without `lookup`
 --> m.yaml:7:25
  |
7 |   channel: {from: Text, unknown: keep}
  |                         ^^^^^^^
  = help: add `lookup`, or remove it
""",
    ),
    Case(
        "M215",
        "format on text",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {from: Text, format: '%Y-%m-%d'}
""",
        HEADER,
        """\
error[M215]: `format` has no effect on text
 --> m.yaml:7:25
  |
7 |   channel: {from: Text, format: '%Y-%m-%d'}
  |                         ^^^^^^
  = help: only dates have a format: remove it
""",
    ),
    Case(
        "M215",
        "on_error on a declared column",
        """\
version: 1
name: m
mode: update_only
source: {columns: {Menge: integer, Preis: decimal}}
order:
  order_number: Nr
  order_total_amount: {from: Preis, on_error: null}
""",
        HEADER,
        """\
error[M215]: `on_error` has no effect where Preis has its own type
 --> m.yaml:7:37
  |
7 |   order_total_amount: {from: Preis, on_error: null}
  |                                     ^^^^^^^^
  = help: take the text of a column that is not declared, and convert it here
""",
    ),
    Case(
        "M216",
        "another delimiter than the file's",
        """\
version: 1
name: m
mode: update_only
source:
  delimiter: ";"
  columns: {Menge: integer}
order:
  order_number: Nr
  channel: {from: Text, do: [upper]}
""",
        ["Nr,Land,Status,Menge,Preis,Text"],
        """\
error[M216]: the header has only one column with delimiter ';'; it looks like ','
 --> m.yaml:5:14
  |
5 |   delimiter: ";"
  |              ^^^
  = help: write `delimiter: ","` under `source:`, or ask for the file with ';'
""",
    ),
    Case(
        "M216",
        "the default delimiter, beside another mistake",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {from: Text, do: [uper]}
""",
        ["Nr\tLand\tText"],
        """\
error[M216]: the header has only one column with delimiter ','; it looks like '\\t'
 --> m.yaml:4:1
  |
4 | source: {}
  | ^^^^^^
  = help: write `delimiter: "\\t"` under `source:`, or ask for the file with ','

error[M207]: unknown step "uper"
 --> m.yaml:7:30
  |
7 |   channel: {from: Text, do: [uper]}
  |                              ^^^^
  = help: did you mean "upper"?
""",
    ),
    Case(
        "M217",
        "left by mapping init",
        """\
version: 1
name: m
mode: update_only
source: {}
lookups:
  couriers:
    "<code>": "<key>"
    UPS: "<key>"
    DHL: dhl-germany
order: {order_number: Nr, channel: {from: Text, lookup: couriers}}
""",
        HEADER,
        """\
error[M217]: "<code>" and "<key>" in the table couriers are placeholders
 --> m.yaml:7:5
  |
7 |     "<code>": "<key>"
  |     ^^^^^^^^
  = help: write a row "code": value for each code in its place; the comments show those seen

error[M217]: "<key>" in the table couriers is a placeholder
 --> m.yaml:8:10
  |
8 |     UPS: "<key>"
  |          ^^^^^^^
  = help: write a row "code": value for each code in its place; the comments show those seen
""",
    ),
    Case(
        "M218",
        "columns of fixed width with the same characters",
        """\
version: 1
name: m
mode: update_only
source:
  format: fixed
  positions:
    Nr: 1-10
    Datum: 11-18
    Jahr: 11-14
order:
  order_number: Nr
""",
        None,
        """\
error[M218]: Jahr (11-14) overlaps with Datum (11-18)
 --> m.yaml:9:11
  |
9 |     Jahr: 11-14
  |           ^^^^^
  = help: correct one of them, or make it of the other: derive: {Jahr: {from: Datum, do: [{slice: [0, 4]}]}}
""",
    ),
    Case(
        "M220",
        "number beyond what an address has room for",
        """\
version: 1
name: m
mode: update_only
source: {}
rows:
  unpivot:
    item: "Item {n}"
order:
  order_number: Nr
  tags: [item]
""",
        ["Nr", "Items", "Item 1", "Item 255"],
        """\
error[M220]: "Item 255" has a number above 254
 --> m.yaml:7:11
  |
7 |     item: "Item {n}"
  |           ^^^^^^^^^^
  = help: a row can have pieces with numbers up to 254
""",
    ),
    Case(
        "M221",
        "order told by a part of a row",
        """\
version: 1
name: m
mode: update_only
source: {}
rows:
  explode:
    item: {from: Items, split: ","}
order:
  order_number: item
""",
        ["Nr", "Items", "Item 1", "Item 255"],
        """\
error[M221]: "item" differs from piece to piece of a row, and an order has whole rows
 --> m.yaml:9:17
  |
9 |   order_number: item
  |                 ^^^^
  = help: tell the orders apart by columns of the file
""",
    ),
    Case(
        "M301",
        "not a function",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {sql: "read_csv(Text)"}
""",
        HEADER,
        """\
error[M301]: "read_csv" is not a function of the language
 --> m.yaml:7:19
  |
7 |   channel: {sql: "read_csv(Text)"}
  |                   ^^^^^^^^
  = help: there are: ABS, CEIL, COALESCE, CONCAT, CONCAT_WS, DATE_PART, ENDS_WITH, FLOOR, GREATEST, IF, IFNULL, LEAST, LEFT, LENGTH, LOWER, LTRIM, MOD, NULLIF, REPLACE, RIGHT, ROUND, RTRIM, SIGN, STARTS_WITH, STRPOS, SUBSTR, TRIM, UPPER
""",
    ),
    Case(
        "M301",
        "subquery",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {sql: "Text IN (SELECT c FROM read_csv('/etc/hostname'))"}
""",
        HEADER,
        """\
error[M301]: SELECT is not part of the language
 --> m.yaml:7:28
  |
7 |   channel: {sql: "Text IN (SELECT c FROM read_csv('/etc/hostname'))"}
  |                            ^^^^^^
  = help: an expression sees one row only
""",
    ),
    Case(
        "M301",
        "two expressions",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {sql: "Text = 'a'; Text"}
""",
        HEADER,
        """\
error[M301]: ";" has no meaning here
 --> m.yaml:7:29
  |
7 |   channel: {sql: "Text = 'a'; Text"}
  |                             ^
  = help: an expression sees one row only
""",
    ),
    Case(
        "M301",
        "something trails",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {sql: "Text Land"}
""",
        HEADER,
        """\
error[M301]: this is more than one expression
 --> m.yaml:7:19
  |
7 |   channel: {sql: "Text Land"}
  |                   ^^^^^^^^^
  = help: conditions are joined by AND or OR, texts by ||
""",
    ),
    Case(
        "M301",
        "parenthesis",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {sql: "(Text"}
""",
        HEADER,
        """\
error[M301]: a parenthesis is not closed
 --> m.yaml:7:19
  |
7 |   channel: {sql: "(Text"}
  |                   ^
  = help: add )
""",
    ),
    Case(
        "M301",
        "comment",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {sql: "Text -- x"}
""",
        HEADER,
        """\
error[M301]: an expression has no comments
 --> m.yaml:7:24
  |
7 |   channel: {sql: "Text -- x"}
  |                        ^^
  = help: write - -x with a blank
""",
    ),
    Case(
        "M301",
        "column named like a word of SQL",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {cases: [{when: "Order = 'x'", from: Text}]}
""",
        [*HEADER, "Order"],
        """\
error[M301]: ORDER is not part of the language
 --> m.yaml:7:29
  |
7 |   channel: {cases: [{when: "Order = 'x'", from: Text}]}
  |                             ^^^^^
  = help: a column of that name is written "Order" with double quotes
""",
    ),
    Case(
        "M301",
        "division by a column",
        """\
version: 1
name: m
mode: update_only
source: {columns: {Menge: integer, Preis: decimal}}
order:
  order_number: Nr
  order_total_amount: {sql: "Preis / Menge"}
""",
        HEADER,
        """\
error[M301]: a division by zero would stop the run
 --> m.yaml:7:36
  |
7 |   order_total_amount: {sql: "Preis / Menge"}
  |                                    ^
  = help: divide by a number, or by NULLIF(…, 0), which gives nothing for zero
""",
    ),
    Case(
        "M302",
        "text in double quotes",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {cases: [{when: 'Status = "STORNO"', from: Text}]}
""",
        HEADER,
        """\
error[M302]: unknown column "STORNO" in this expression
 --> m.yaml:7:38
  |
7 |   channel: {cases: [{when: 'Status = "STORNO"', from: Text}]}
  |                                      ^^^^^^^^
  = help: text needs single quotes: 'STORNO'. Double quotes mean a column
""",
    ),
    Case(
        "M302",
        "typo in a bare word",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {cases: [{when: "Staus = 'X'", from: Text}]}
""",
        HEADER,
        """\
error[M302]: unknown column "Staus" in this expression
 --> m.yaml:7:29
  |
7 |   channel: {cases: [{when: "Staus = 'X'", from: Text}]}
  |                             ^^^^^
  = help: did you mean "Status"?
""",
    ),
    Case(
        "M302",
        "text without quotes",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  channel: {cases: [{when: "Status = STORNO", from: Text}]}
""",
        HEADER,
        """\
error[M302]: unknown column "STORNO" in this expression
 --> m.yaml:7:38
  |
7 |   channel: {cases: [{when: "Status = STORNO", from: Text}]}
  |                                      ^^^^^^
  = help: for text write 'STORNO'
""",
    ),
    Case(
        "M303",
        "CAST",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
lines:
  fields: {line_item_id: Nr, quantity: {sql: "1 + CAST(Menge AS INT)"}}
""",
        HEADER,
        """\
error[M303]: CAST and STRPTIME stop the whole file at the first bad row
 --> m.yaml:8:51
  |
8 |   fields: {line_item_id: Nr, quantity: {sql: "1 + CAST(Menge AS INT)"}}
  |                                                   ^^^^
  = help: declare the column, such as source.columns: {Qty: integer}, and leave this out: bad cells are then rejected one by one
""",
    ),
    Case(
        "M304",
        "SUM",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  order_total_amount: {sql: "SUM(Preis * Menge)"}
""",
        HEADER,
        """\
error[M304]: this expression mixes rows (an aggregate such as SUM or MAX)
 --> m.yaml:7:30
  |
7 |   order_total_amount: {sql: "SUM(Preis * Menge)"}
  |                              ^^^
  = help: use `aggregate: sum` on an order field
""",
    ),
    Case(
        "M305",
        "text is no number",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  order_total_amount: {sql: "Preis * Menge"}
""",
        HEADER,
        """\
error[M305]: the types in this expression do not fit together: Preis is text, Menge is text
 --> m.yaml:7:30
  |
7 |   order_total_amount: {sql: "Preis * Menge"}
  |                              ^^^^^^^^^^^^^
  = help: what holds numbers or dates is declared, such as source.columns: {Preis: decimal, Menge: decimal}
""",
    ),
    Case(
        "M305",
        "a span of time",
        """\
version: 1
name: m
mode: update_only
source: {columns: {A: date, B: date}}
order:
  order_number: Nr
  channel: {sql: "A - B"}
""",
        None,
        """\
error[M305]: this expression gives a duration
 --> m.yaml:7:19
  |
7 |   channel: {sql: "A - B"}
  |                   ^^^^^
  = help: a value is text, a number, a date or yes/no
""",
    ),
    Case(
        "M306",
        "a condition that is none",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
rows: {skip: "Status"}
""",
        HEADER,
        """\
error[M306]: a condition must be true or false
 --> m.yaml:7:15
  |
7 | rows: {skip: "Status"}
  |               ^^^^^^
  = help: compare: Status = 'NEU'
""",
    ),
    Case(
        "M401",
        "the path has no element",
        """\
version: 1
name: m
mode: update_only
source: {format: x12, transaction: "856"}
extract: {columns: {a: "O/PRF-1"}}
order: {order_number: a}
""",
        None,
        """\
error[M401]: the element is missing
 --> m.yaml:5:30
  |
5 | extract: {columns: {a: "O/PRF-1"}}
  |                              ^
  = help: write PRF.1
""",
    ),
    Case(
        "M402",
        "unknown message",
        """\
version: 1
name: m
mode: update_only
source: {format: x12, transaction: "865"}
extract: {columns: {a: BSN.2}}
order: {order_number: a}
""",
        None,
        """\
error[M402]: X12 "865" is no message that can be read
 --> m.yaml:4:36
  |
4 | source: {format: x12, transaction: "865"}
  |                                    ^^^^^
  = help: did you mean "856"?
""",
    ),
    Case(
        "M403",
        "a segment of another message",
        """\
version: 1
name: m
mode: update_only
source: {format: x12, transaction: "856"}
extract: {columns: {a: W12.7}}
order: {order_number: a}
""",
        None,
        """\
error[M403]: 856 has no segment W12
 --> m.yaml:5:24
  |
5 | extract: {columns: {a: W12.7}}
  |                        ^^^
  = help: W12 stands in 945
""",
    ),
    Case(
        "M404",
        "unknown level",
        """\
version: 1
name: m
mode: update_only
source: {format: x12, transaction: "856"}
extract: {columns: {a: "X/PRF.1"}}
order: {order_number: a}
""",
        None,
        """\
error[M404]: 856 has no level "X"
 --> m.yaml:5:25
  |
5 | extract: {columns: {a: "X/PRF.1"}}
  |                         ^
  = help: its levels are ISA, GS, ST, S, O, T, P, I
""",
    ),
    Case(
        "M405",
        "the segment ends before it",
        """\
version: 1
name: m
mode: update_only
source: {format: x12, transaction: "856"}
extract: {columns: {a: BSN.9}}
order: {order_number: a}
""",
        None,
        """\
error[M405]: BSN has no element 9
 --> m.yaml:5:28
  |
5 | extract: {columns: {a: BSN.9}}
  |                            ^
  = help: its elements are 1 purpose, 2 shipment number, 3 date, 4 time, 5 structure of the levels, 6 transaction type, 7 reason of the status
""",
    ),
    Case(
        "M406",
        "not in the loop",
        """\
version: 1
name: m
mode: update_only
source: {format: x12, transaction: "856"}
extract: {columns: {a: "S/N1[1=ST]>TD5.3"}}
order: {order_number: a}
""",
        None,
        """\
error[M406]: TD5 does not stand in the loop that N1 begins in 856
 --> m.yaml:5:36
  |
5 | extract: {columns: {a: "S/N1[1=ST]>TD5.3"}}
  |                                    ^^^
  = help: in it stand FOB, N2, N3, N4, PER, REF
""",
    ),
    Case(
        "W101",
        "lookup",
        """\
version: 1
name: m
mode: update_only
source: {}
lookups:
  c: {A: a}
order:
  order_number: Nr
""",
        HEADER,
        """\
warning[W101]: the lookup table c is never used
 --> m.yaml:6:3
  |
6 |   c: {A: a}
  |   ^
  = help: remove it
""",
    ),
    Case(
        "W101",
        "derived",
        """\
version: 1
name: m
mode: update_only
source: {}
derive:
  a: Text
order:
  order_number: Nr
""",
        HEADER,
        """\
warning[W101]: the derived column a is never used
 --> m.yaml:6:3
  |
6 |   a: Text
  |   ^
  = help: remove it
""",
    ),
    Case(
        "W101",
        "declared",
        """\
version: 1
name: m
mode: update_only
source:
  columns: {Menge: integer}
order:
  order_number: Nr
""",
        HEADER,
        """\
warning[W101]: the declared column Menge is never used
 --> m.yaml:5:13
  |
5 |   columns: {Menge: integer}
  |             ^^^^^
  = help: remove it
""",
    ),
    Case(
        "W102",
        "when without else",
        """\
version: 1
name: m
source: {}
order:
  order_number: Nr
  destination_country_iso3: Land
  recipient_email: {from: Text, when: "Land = 'DE'"}
""",
        HEADER,
        """\
warning[W102]: recipient_email is required to create an order, and has no value without its `when`
 --> m.yaml:7:3
  |
7 |   recipient_email: {from: Text, when: "Land = 'DE'"}
  |   ^^^^^^^^^^^^^^^
  = help: add a `default`, or a last case without `when`
""",
    ),
    Case(
        "W102",
        "cases without else",
        """\
version: 1
name: m
source: {}
order:
  order_number: Nr
  destination_country_iso3: {cases: [{when: "Land = 'D'", value: DEU}]}
  recipient_email: Text
""",
        HEADER,
        """\
warning[W102]: destination_country_iso3 is required to create an order, and has no value without its `when`
 --> m.yaml:6:3
  |
6 |   destination_country_iso3: {cases: [{when: "Land = 'D'", value: DEU}]}
  |   ^^^^^^^^^^^^^^^^^^^^^^^^
  = help: add a `default`, or a last case without `when`
""",
    ),
    Case(
        "W103",
        "update_only",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
lines:
  fields: {line_item_id: Nr}
""",
        HEADER,
        """\
warning[W103]: these lines are never sent: no order is new
 --> m.yaml:7:1
  |
7 | lines:
  | ^^^^^
  = help: set `lines.send: always`, or remove `lines`
""",
    ),
    Case(
        "W104",
        "fixed order number",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: {value: A1}
""",
        HEADER,
        """\
warning[W104]: all rows form one order
 --> m.yaml:6:3
  |
6 |   order_number: {value: A1}
  |   ^^^^^^^^^^^^
  = help: map the column that holds the order number
""",
    ),
    Case(
        "M109",
        "an update with all that creating needs",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  destination_country_iso3: Land
  recipient_email: Text
""",
        HEADER,
        """\
error[M109]: `update_only`, and destination_country_iso3 and recipient_email together create an order that is not there
 --> m.yaml:3:7
  |
3 | mode: update_only
  |       ^^^^^^^^^^^
  = help: leave one of the fields out, or take `mode: create_or_update`
""",
    ),
    Case(
        "W115",
        "a change of a line by its row number",
        """\
version: 1
name: m
mode: update_only
source: {}
derive:
  n: {row_number: order}
  id: {template: "{Nr}-{n}"}
rows: {key: Nr}
order:
  order_number: Nr
mutations:
  - type: change_line_item_quantity
    fields: {line_item_id: id, quantity: Menge}
""",
        HEADER,
        """\
warning[W115]: the line that change_line_item_quantity concerns is told by the number of its row
  --> m.yaml:13:14
   |
13 |     fields: {line_item_id: id, quantity: Menge}
   |              ^^^^^^^^^^^^
   = help: take an id that the file has, or the sku where an order names each once
""",
    ),
    Case(
        "W112",
        "every record is a line",
        """\
version: 1
name: m
mode: update_only
source:
  records:
    types:
      H: {names: [type, no]}
      L: {names: [type, sku], under: H, inherits: [no]}
order:
  order_number: no
lines:
  send: always
  fields: {line_item_id: sku, sku: sku, article_name: sku, quantity: {value: "1"}}
""",
        None,
        """\
warning[W112]: records of every type are lines: there is no `when`
  --> m.yaml:11:1
   |
11 | lines:
   | ^^^^^
   = help: add `when: "record = 'L'"`
""",
    ),
    Case(
        "M102",
        "records without types, and without names",
        """\
version: 1
name: m
mode: update_only
source:
  records:
    types: {H: {}}
order:
  order_number: no
""",
        None,
        """\
error[M102]: what the cells of type H are is missing
 --> m.yaml:6:13
  |
6 |     types: {H: {}}
  |             ^
  = help: add names: [type, order], one for each cell
""",
    ),
    Case(
        "M102",
        "records that inherit from nothing",
        """\
version: 1
name: m
mode: update_only
source:
  records:
    types:
      H: {names: [type, no]}
      L: {names: [type, sku], inherits: [no]}
order:
  order_number: no
""",
        None,
        """\
error[M102]: L inherits from nothing
 --> m.yaml:8:31
  |
8 |       L: {names: [type, sku], inherits: [no]}
  |                               ^^^^^^^^
  = help: add `under`, the type that has these cells
""",
    ),
    Case(
        "M102",
        "fixed width without the place of the type",
        """\
version: 1
name: m
mode: update_only
source:
  format: fixed
  records:
    types:
      H: {positions: {no: 2-5}}
order:
  order_number: no
""",
        None,
        """\
error[M102]: which characters say the type of a record is missing
 --> m.yaml:6:3
  |
6 |   records:
  |   ^^^^^^^
  = help: add by: 1-3, the first and the last character of it
""",
    ),
    Case(
        "M103",
        "records under themselves, and a cell that is none",
        """\
version: 1
name: m
mode: update_only
source:
  records:
    by: first
    types:
      H: {names: [type, no], under: L}
      L: {names: [type, sku], under: H}
order:
  order_number: no
""",
        None,
        """\
error[M103]: `by` takes the number of the cell that says the type
 --> m.yaml:6:9
  |
6 |     by: first
  |         ^^^^^
  = help: cells count from 1

error[M103]: H would stand under itself
 --> m.yaml:8:37
  |
8 |       H: {names: [type, no], under: L}
  |                                     ^
  = help: one of the types stands under none

error[M103]: L would stand under itself
 --> m.yaml:9:38
  |
9 |       L: {names: [type, sku], under: H}
  |                                      ^
  = help: one of the types stands under none
""",
    ),
    Case(
        "M104",
        "records under a type that is none",
        """\
version: 1
name: m
mode: update_only
source:
  records:
    types:
      H: {names: [type, no]}
      L: {names: [type, sku], under: HH, inherits: [no]}
order:
  order_number: no
""",
        None,
        """\
error[M104]: "HH" is no type of records that others stand under
 --> m.yaml:8:38
  |
8 |       L: {names: [type, sku], under: HH, inherits: [no]}
  |                                      ^^
  = help: there are: H
""",
    ),
    Case(
        "M201",
        "records inherit what the type above does not have",
        """\
version: 1
name: m
mode: update_only
source:
  records:
    types:
      H: {names: [type, no]}
      L: {names: [type, sku], under: H, inherits: [number]}
order:
  order_number: no
""",
        None,
        """\
error[M201]: type H has no column "number"
 --> m.yaml:8:52
  |
8 |       L: {names: [type, sku], under: H, inherits: [number]}
  |                                                    ^^^^^^
  = help: it has: type, no
""",
    ),
    Case(
        "M203",
        "names of records twice, and that of the type",
        """\
version: 1
name: m
mode: update_only
source:
  records:
    types:
      H: {names: [type, no, no]}
      L: {names: [record, sku]}
order:
  order_number: no
""",
        None,
        """\
error[M203]: "no" names two cells of type H
 --> m.yaml:7:18
  |
7 |       H: {names: [type, no, no]}
  |                  ^^^^^^^^^^^^^^
  = help: each cell needs a name of its own; one that nobody needs has the name ""

error[M203]: "record" is the column with the type of each record
 --> m.yaml:8:7
  |
8 |       L: {names: [record, sku]}
  |       ^
  = help: call it otherwise there, or the column with the type: `column: record_type`
""",
    ),
    Case(
        "M215",
        "keys that do not go with records",
        """\
version: 1
name: m
mode: update_only
source:
  names: [a, b]
  find_header: [a]
  footer: "H"
  records:
    types:
      H: {names: [type, no]}
      L: {names: [no, sku], under: H, inherits: [no], length: 5}
      C: {ignore: true, under: H}
order:
  order_number: no
""",
        None,
        """\
error[M215]: `names` does not go with `records`
 --> m.yaml:5:3
  |
5 |   names: [a, b]
  |   ^^^^^
  = help: say the names of each type: `types: {H: {names: […]}}`

error[M215]: `find_header` does not go with `records`
 --> m.yaml:6:3
  |
6 |   find_header: [a]
  |   ^^^^^^^^^^^
  = help: remove it; lines above the records are left out by `skip_lines`

error[M215]: a file with `names` has no header to find
 --> m.yaml:6:3
  |
6 |   find_header: [a]
  |   ^^^^^^^^^^^
  = help: keep `find_header` if the file has a header, else `names`

error[M215]: `footer` means the records of type H, too
 --> m.yaml:7:11
  |
7 |   footer: "H"
  |           ^^^
  = help: remove it, or say more of the lines that are no records

error[M215]: L has a cell no of its own
  --> m.yaml:11:50
   |
11 |       L: {names: [no, sku], under: H, inherits: [no], length: 5}
   |                                                  ^^
   = help: remove it here, or call the cell otherwise

error[M215]: `length` does nothing for delimited text
  --> m.yaml:11:55
   |
11 |       L: {names: [no, sku], under: H, inherits: [no], length: 5}
   |                                                       ^^^^^^
   = help: use `names`

error[M215]: records of type C are no rows
  --> m.yaml:12:25
   |
12 |       C: {ignore: true, under: H}
   |                         ^^^^^
   = help: remove it, or `ignore`
""",
    ),
    Case(
        "M218",
        "positions of records overlap",
        """\
version: 1
name: m
mode: update_only
source:
  format: fixed
  records:
    by: 1
    types:
      H: {positions: {no: 2-5, name: 5-9}}
order:
  order_number: no
""",
        None,
        """\
error[M218]: name (5-9) overlaps with no (2-5)
 --> m.yaml:9:38
  |
9 |       H: {positions: {no: 2-5, name: 5-9}}
  |                                      ^^^
  = help: correct one of them
""",
    ),
    Case(
        "M100",
        "a typo in a type of records",
        """\
version: 1
name: m
mode: update_only
source:
  records:
    types:
      H: {nmaes: [type, no]}
order:
  order_number: no
""",
        None,
        """\
error[M100]: unknown key "nmaes"
 --> m.yaml:7:11
  |
7 |       H: {nmaes: [type, no]}
  |           ^^^^^
  = help: did you mean "names"?
""",
    ),
    Case(
        "W113",
        "two formats for one text",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: Nr
  announced_delivery_date: {from: Text, format: ["%d/%m/%Y", "%m/%d/%Y"]}
""",
        HEADER,
        """\
warning[W113]: "04/03/2026" fits "%d/%m/%Y" and "%m/%d/%Y", with two different days
 --> m.yaml:7:49
  |
7 |   announced_delivery_date: {from: Text, format: ["%d/%m/%Y", "%m/%d/%Y"]}
  |                                                 ^^^^^^^^^^^^^^^^^^^^^^^^
  = help: keep the one that the file has; if it has both, days up to the 12th are read by the first
""",
    ),
    Case(
        "M201",
        "nothing in a column that is not there",
        """\
version: 1
name: m
mode: update_only
source:
  null_values: {Txet: ["-"], "*": [x]}
order:
  order_number: Nr
""",
        HEADER,
        """\
error[M201]: unknown column "Txet"
 --> m.yaml:5:17
  |
5 |   null_values: {Txet: ["-"], "*": [x]}
  |                 ^^^^
  = help: did you mean "Text"?
""",
    ),
    Case(
        "M215",
        "a length of all records and of some",
        """\
version: 1
name: m
mode: update_only
source:
  format: fixed
  length: 8
  records:
    by: 1
    types:
      H: {positions: {no: 2-9}, length: 9}
order:
  order_number: no
""",
        None,
        """\
error[M103]: lines of 8 characters do not have no (2-9)
  --> m.yaml:10:27
   |
10 |       H: {positions: {no: 2-9}, length: 9}
   |                           ^^^
   = help: correct one of them

error[M215]: `source.length` is that of all lines
  --> m.yaml:10:33
   |
10 |       H: {positions: {no: 2-9}, length: 9}
   |                                 ^^^^^^
   = help: keep it where each type has a length of its own, else `source.length`
""",
    ),
    Case(
        "W118",
        "a text that the table of a column never gives",
        """\
version: 1
name: m
mode: update_only
source: {}
lookups: {states: {V: shipped, O: open}}
derive:
  state: {from: Status, lookup: states}
  loose: {from: Status, lookup: states, unknown: keep}
order:
  order_number: Nr
  channel: {from: Text, when: "loose = 'x' AND 'open' = state AND state = 'versandt'"}
""",
        HEADER,
        """\
warning[W118]: lookups.states never gives "versandt", so this is true for no row
  --> m.yaml:11:75
   |
11 |   channel: {from: Text, when: "loose = 'x' AND 'open' = state AND state = 'versandt'"}
   |                                                                           ^^^^^^^^^^
   = help: it gives: open, shipped
""",
    ),
    Case(
        "M201",
        "a part of a template",
        """\
version: 1
name: m
mode: update_only
source: {}
order:
  order_number: {template: "{Nr}-{Zzzz}"}
  channel: {from: Text, do: [trim]}
""",
        HEADER,
        """\
error[M201]: unknown column "Zzzz"
 --> m.yaml:6:35
  |
6 |   order_number: {template: "{Nr}-{Zzzz}"}
  |                                   ^^^^
  = help: there are: Land, Menge, Nr, Preis, Status, Text

error[M207]: unknown step "trim"
 --> m.yaml:7:30
  |
7 |   channel: {from: Text, do: [trim]}
  |                              ^^^^
  = help: did you mean "strip"?
""",
    ),
]
