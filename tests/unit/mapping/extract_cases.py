"""Mistakes of `source` and `extract` in mappings of EDI, and the exact text that a person sees."""

HEAD = "version: 1\nname: m\nmode: update_only\n"

# what follows the head, and what is said
CASES: dict[str, tuple[str, str]] = {
    "the second of two paths": (
        """\
source: {format: x12, transaction: "856"}
extract: {columns: {a: ["O/PRF.1", "S/REF[1=CO.2"]}}
order: {order_number: a}
""",
        """\
error[M401]: the condition is not closed
 --> m.yaml:5:42
  |
5 | extract: {columns: {a: ["O/PRF.1", "S/REF[1=CO.2"]}}
  |                                          ^^^^^^^
  = help: add `]`
""",
    ),
    "an acknowledgement": (
        """\
source: {format: x12, transaction: "997"}
extract: {columns: {a: AK1.2}}
order: {order_number: a}
""",
        """\
error[M402]: X12 "997" is no message that can be read
 --> m.yaml:4:36
  |
4 | source: {format: x12, transaction: "997"}
  |                                    ^^^^^
  = help: there are: 214, 850, 856, 860, 940, 945
""",
    ),
    "one of a list of messages": (
        """\
source: {format: x12, transactions: ["856", DESADV]}
extract: {columns: {a: BSN.2}}
order: {order_number: a}
""",
        """\
error[M402]: X12 "DESADV" is no message that can be read
 --> m.yaml:4:45
  |
4 | source: {format: x12, transactions: ["856", DESADV]}
  |                                             ^^^^^^
  = help: there are: 214, 850, 856, 860, 940, 945
""",
    ),
    "no message": (
        """\
source: {format: x12}
extract: {columns: {a: BSN.2}}
order: {order_number: a}
""",
        """\
error[M102]: the key "transaction" is missing here
 --> m.yaml:4:1
  |
4 | source: {format: x12}
  | ^^^^^^
  = help: add `transaction:` with one of 214, 850, 856, 860, 940, 945
""",
    ),
    "two words for it": (
        """\
source: {format: x12, transaction: "856", transactions: ["945"]}
extract: {columns: {a: BSN.2}}
order: {order_number: a}
""",
        """\
error[M103]: `transaction` and `transactions` say the same
 --> m.yaml:4:43
  |
4 | source: {format: x12, transaction: "856", transactions: ["945"]}
  |                                           ^^^^^^^^^^^^
  = help: keep one of them
""",
    ),
    "the word of the other syntax": (
        """\
source: {format: x12, message: "856"}
extract: {columns: {a: BSN.2}}
order: {order_number: a}
""",
        """\
error[M215]: `message` does nothing for X12
 --> m.yaml:4:23
  |
4 | source: {format: x12, message: "856"}
  |                       ^^^^^^^
  = help: X12 calls it `transaction`
""",
    ),
    "extract of delimited text": (
        """\
source: {transaction: "856"}
extract: {columns: {a: BSN.2}}
order: {order_number: a}
""",
        """\
error[M215]: `transaction` does nothing for delimited text
 --> m.yaml:4:10
  |
4 | source: {transaction: "856"}
  |          ^^^^^^^^^^^
  = help: remove it, or set `source.format` to x12 or edifact

error[M215]: `extract` does nothing for delimited text
 --> m.yaml:5:1
  |
5 | extract: {columns: {a: BSN.2}}
  | ^^^^^^^
  = help: remove it, or set `source.format` to x12 or edifact
""",
    ),
    "EDI without extract": (
        """\
source: {format: x12, transaction: "856"}
order: {order_number: a}
""",
        """\
error[M102]: `extract` is missing: what the columns of X12 are
 --> m.yaml:4:18
  |
4 | source: {format: x12, transaction: "856"}
  |                  ^^^
  = help: add the section, such as extract: {columns: {order_no: BEG.3}}
""",
    ),
    "separators, which the file declares itself": (
        """\
source: {format: x12, transaction: "856", delimiter: "*", quote: none, encoding: latin-1}
extract: {columns: {a: BSN.2}}
order: {order_number: a}
""",
        """\
error[M215]: `delimiter` does nothing for X12
 --> m.yaml:4:43
  |
4 | source: {format: x12, transaction: "856", delimiter: "*", quote: none, encoding: latin-1}
  |                                           ^^^^^^^^^
  = help: remove it: an interchange says itself by what its parts are separated

error[M215]: `quote` does nothing for X12
 --> m.yaml:4:59
  |
4 | source: {format: x12, transaction: "856", delimiter: "*", quote: none, encoding: latin-1}
  |                                                           ^^^^^
  = help: remove it: an interchange says itself by what its parts are separated
""",
    ),
    "a segment with a typo": (
        """\
source: {format: x12, transaction: "856"}
extract: {columns: {a: BSM.2}}
order: {order_number: a}
""",
        """\
error[M403]: 856 has no segment BSM
 --> m.yaml:5:24
  |
5 | extract: {columns: {a: BSM.2}}
  |                        ^^^
  = help: did you mean "BSN"?
""",
    ),
    "a segment in small letters": (
        """\
source: {format: x12, transaction: "856"}
extract: {columns: {a: bsn.2}}
order: {order_number: a}
""",
        """\
error[M403]: 856 has no segment bsn
 --> m.yaml:5:24
  |
5 | extract: {columns: {a: bsn.2}}
  |                        ^^^
  = help: did you mean "BSN"?
""",
    ),
    "a segment like no other": (
        """\
source: {format: x12, transaction: "856"}
extract: {columns: {a: QQQ.2}}
order: {order_number: a}
""",
        """\
error[M403]: 856 has no segment QQQ
 --> m.yaml:5:24
  |
5 | extract: {columns: {a: QQQ.2}}
  |                        ^^^
  = help: it has BSN, CLD, CTT, CUR, DTM, DTP, ETD, FOB, GF, HL, LEP, LFH, …
""",
    ),
    "a level in small letters": (
        """\
source: {format: x12, transaction: "856"}
extract: {columns: {a: "o/PRF.1"}}
order: {order_number: a}
""",
        """\
error[M404]: 856 has no level "o"
 --> m.yaml:5:25
  |
5 | extract: {columns: {a: "o/PRF.1"}}
  |                         ^
  = help: did you mean "O"?
""",
    ),
    "a loop as a level": (
        """\
source: {format: x12, transaction: "856"}
extract: {columns: {a: "N1/N4.1"}}
order: {order_number: a}
""",
        """\
error[M404]: 856 has no level "N1"
 --> m.yaml:5:25
  |
5 | extract: {columns: {a: "N1/N4.1"}}
  |                         ^^
  = help: N1 begins a loop that is no level: write N1>N4
""",
    ),
    "a level without the segment": (
        """\
source: {format: x12, transaction: "856"}
extract: {columns: {a: "O/BSN.2"}}
order: {order_number: a}
""",
        """\
error[M406]: BSN does not stand at level O of 856
 --> m.yaml:5:27
  |
5 | extract: {columns: {a: "O/BSN.2"}}
  |                           ^^^
  = help: BSN stands at level ST
""",
    ),
    "a segment that begins no loop": (
        """\
source: {format: x12, transaction: "856"}
extract: {columns: {a: "REF[1=CO]>N4.3"}}
order: {order_number: a}
""",
        """\
error[M406]: REF begins no loop in 856
 --> m.yaml:5:25
  |
5 | extract: {columns: {a: "REF[1=CO]>N4.3"}}
  |                         ^^^
  = help: loops begin with CLD, LH1, LM, N1, SAC, V1
""",
    ),
    "a loop that is not at the level": (
        """\
source: {format: x12, transaction: "856"}
extract: {columns: {a: "ST/N1>BSN.2"}}
order: {order_number: a}
""",
        """\
error[M406]: N1 begins no loop in 856 at level ST
 --> m.yaml:5:28
  |
5 | extract: {columns: {a: "ST/N1>BSN.2"}}
  |                            ^^
  = help: there is none: leave N1> out
""",
    ),
    "a level as a loop": (
        """\
source: {format: x12, transaction: "945"}
extract: {columns: {a: W12>N9.2}}
order: {order_number: a}
""",
        """\
error[M406]: W12 begins a level
 --> m.yaml:5:24
  |
5 | extract: {columns: {a: W12>N9.2}}
  |                        ^^^
  = help: write W12/N9
""",
    ),
    "a range beyond the segment": (
        """\
source: {format: x12, transaction: "856"}
extract: {columns: {a: MAN.2..9}}
order: {order_number: a}
""",
        """\
error[M405]: MAN has no element 9
 --> m.yaml:5:28
  |
5 | extract: {columns: {a: MAN.2..9}}
  |                            ^^^^
  = help: its elements are 1 kind of number 1, 2 number 1, 3 last number of range 1, 4 kind of number 2, 5 number 2, 6 last number of range 2
""",
    ),
    "a condition beyond the segment": (
        """\
source: {format: x12, transaction: "856"}
extract: {columns: {a: "DTM[9=011].2"}}
order: {order_number: a}
""",
        """\
error[M405]: DTM has no element 9
 --> m.yaml:5:28
  |
5 | extract: {columns: {a: "DTM[9=011].2"}}
  |                            ^^^^^^^
  = help: its elements are 1 kind of date, 2 date, 3 time, 4 time zone, 5 format of the period, 6 period
""",
    ),
    "a step beyond the segment": (
        """\
source: {format: x12, transaction: "856"}
extract: {columns: {a: "LIN[*=SK].+40"}}
order: {order_number: a}
""",
        """\
error[M405]: LIN has no element 41
 --> m.yaml:5:35
  |
5 | extract: {columns: {a: "LIN[*=SK].+40"}}
  |                                   ^^^
  = help: its elements are 1 line number, 2 kind of product code 1, 3 product code 1, 4 kind of product code 2, 5 product code 2, 6 kind of product code 3, 7 product code 3, 8 kind of product code 4, 9 product code 4, 10 kind of product code 5, 11 product code 5, 12 kind of product code 6, …
""",
    ),
    "a component of a simple element": (
        """\
source: {format: x12, transaction: "856"}
extract: {columns: {a: "BSN.2.1"}}
order: {order_number: a}
""",
        """\
error[M405]: element 2 of BSN has no component 1
 --> m.yaml:5:31
  |
5 | extract: {columns: {a: "BSN.2.1"}}
  |                               ^
  = help: leave it out
""",
    ),
    "a component after a qualifier": (
        """\
source: {format: x12, transaction: "856"}
extract: {columns: {a: "LIN[*=SK].+1.2"}}
order: {order_number: a}
""",
        """\
error[M405]: no element of LIN has a component 2
 --> m.yaml:5:38
  |
5 | extract: {columns: {a: "LIN[*=SK].+1.2"}}
  |                                      ^
  = help: leave it out
""",
    ),
    "a component in a condition": (
        """\
source: {format: x12, transaction: "856"}
extract: {columns: {a: "DTM[1.2=011].2"}}
order: {order_number: a}
""",
        """\
error[M405]: element 1 of DTM has no component 2
 --> m.yaml:5:28
  |
5 | extract: {columns: {a: "DTM[1.2=011].2"}}
  |                            ^^^^^^^^^
  = help: leave it out
""",
    ),
    "rows of an unknown level": (
        """\
source: {format: x12, transaction: "856"}
extract: {columns: {a: BSN.2}, rows: [I, X]}
order: {order_number: a}
""",
        """\
error[M404]: 856 has no level "X" that could become rows
 --> m.yaml:5:42
  |
5 | extract: {columns: {a: BSN.2}, rows: [I, X]}
  |                                          ^
  = help: its levels are ST, S, O, T, P, I
""",
    ),
    "rows of the envelope": (
        """\
source: {format: x12, transaction: "856"}
extract: {columns: {a: BSN.2}, rows: GS}
order: {order_number: a}
""",
        """\
error[M404]: 856 has no level "GS" that could become rows
 --> m.yaml:5:38
  |
5 | extract: {columns: {a: BSN.2}, rows: GS}
  |                                      ^^
  = help: its levels are ST, S, O, T, P, I
""",
    ),
    "each of an unknown column": (
        """\
source: {format: x12, transaction: "856"}
extract: {columns: {a: BSN.2, tracking: "MAN.2"}, each: [traking]}
order: {order_number: a}
trackings: {key: tracking, fields: {external_reference: tracking}}
""",
        """\
error[M201]: unknown column "traking"
 --> m.yaml:5:58
  |
5 | extract: {columns: {a: BSN.2, tracking: "MAN.2"}, each: [traking]}
  |                                                          ^^^^^^^
  = help: did you mean "tracking"?
""",
    ),
    "a column that is not used": (
        """\
source: {format: x12, transaction: "856"}
extract: {columns: {a: BSN.2, b: BSN.3}}
order: {order_number: a}
""",
        """\
warning[W101]: the extracted column b is never used
 --> m.yaml:5:31
  |
5 | extract: {columns: {a: BSN.2, b: BSN.3}}
  |                               ^
  = help: remove it
""",
    ),
    "a name that is not possible": (
        """\
source: {format: x12, transaction: "856"}
extract: {columns: {_a: BSN.2, a: BSN.2}}
order: {order_number: a}
""",
        """\
error[M202]: "_a" starts with an underscore
 --> m.yaml:5:21
  |
5 | extract: {columns: {_a: BSN.2, a: BSN.2}}
  |                     ^^
  = help: such names belong to the pipeline
""",
    ),
    "a column that is not extracted": (
        """\
source: {format: x12, transaction: "856"}
extract: {columns: {order_no: "O/PRF.1"}}
order: {order_number: order_num}
""",
        """\
error[M201]: unknown column "order_num"
 --> m.yaml:6:23
  |
6 | order: {order_number: order_num}
  |                       ^^^^^^^^^
  = help: a bare word is a column name; for fixed text write {value: "order_num"}
""",
    ),
    "no columns": (
        """\
source: {format: x12, transaction: "856"}
extract: {columns: {}}
order: {order_number: a}
""",
        """\
error[M102]: no column is extracted
 --> m.yaml:5:20
  |
5 | extract: {columns: {}}
  |                    ^^
  = help: such as columns: {order_no: BEG.3}
""",
    ),
    "no table of columns": (
        """\
source: {format: x12, transaction: "856"}
extract: {rows: I}
order: {order_number: a}
""",
        """\
error[M102]: the key "columns" is missing here
 --> m.yaml:5:1
  |
5 | extract: {rows: I}
  | ^^^^^^^
  = help: add `columns:`
""",
    ),
    "an empty list of paths": (
        """\
source: {format: x12, transaction: "856"}
extract: {columns: {a: []}}
order: {order_number: a}
""",
        """\
error[M103]: a takes a path, or a list of paths
 --> m.yaml:5:24
  |
5 | extract: {columns: {a: []}}
  |                        ^^
  = help: such as BSN.2, or [PATH, PATH]: the first that has a value
""",
    ),
    "a table as a path": (
        """\
source: {format: x12, transaction: "856"}
extract: {columns: {a: {path: BSN.2}}}
order: {order_number: a}
""",
        """\
error[M103]: a takes a list
 --> m.yaml:5:24
  |
5 | extract: {columns: {a: {path: BSN.2}}}
  |                        ^^^^^^^^^^^^^
  = help: write it in brackets: [first, second]
""",
    ),
    "an unknown key": (
        """\
source: {format: x12, transaction: "856"}
extract: {columns: {a: BSN.2}, colums: {b: BSN.3}}
order: {order_number: a}
""",
        """\
error[M100]: unknown key "colums"
 --> m.yaml:5:32
  |
5 | extract: {columns: {a: BSN.2}, colums: {b: BSN.3}}
  |                                ^^^^^^
  = help: did you mean "columns"?
""",
    ),
    "a key with a typo": (
        """\
source: {format: x12, transaction: "856"}
extract: {colums: {a: BSN.2}}
order: {order_number: a}
""",
        """\
error[M100]: unknown key "colums"
 --> m.yaml:5:11
  |
5 | extract: {colums: {a: BSN.2}}
  |           ^^^^^^
  = help: did you mean "columns"?
""",
    ),
    "components of EDIFACT": (
        """\
source: {format: edifact, message: DESADV}
extract: {columns: {a: "BGM.2.9", b: "DTM[1.1=11].1.9", c: "NAD.9.2", d: "RFF>DTM.1", e: "PIA[*.9=SA].*.1"}}
order: {order_number: a}
""",
        """\
error[M405]: element 2 of BGM has no component 9
 --> m.yaml:5:31
  |
5 | extract: {columns: {a: "BGM.2.9", b: "DTM[1.1=11].1.9", c: "NAD.9.2", d: "RFF>DTM.1", e: "PIA[*.9=SA].*.1"}}
  |                               ^
  = help: its components are 1 Document number (1004), 2 Version (1056), 3 Revision (1060)

error[M405]: element 1 of DTM has no component 9
 --> m.yaml:5:53
  |
5 | extract: {columns: {a: "BGM.2.9", b: "DTM[1.1=11].1.9", c: "NAD.9.2", d: "RFF>DTM.1", e: "PIA[*.9=SA].*.1"}}
  |                                                     ^
  = help: its components are 1 What the date is (2005), 2 Date, time or period (2380), 3 Format (2379)

error[M405]: element 9 of NAD has no component 2
 --> m.yaml:5:67
  |
5 | extract: {columns: {a: "BGM.2.9", b: "DTM[1.1=11].1.9", c: "NAD.9.2", d: "RFF>DTM.1", e: "PIA[*.9=SA].*.1"}}
  |                                                                   ^
  = help: leave it out

error[M405]: no element of PIA has a component 9
 --> m.yaml:5:94
  |
5 | extract: {columns: {a: "BGM.2.9", b: "DTM[1.1=11].1.9", c: "NAD.9.2", d: "RFF>DTM.1", e: "PIA[*.9=SA].*.1"}}
  |                                                                                              ^^^^^^^^
  = help: leave it out
""",
    ),
    "no EDIFACT message": (
        """\
source: {format: edifact}
extract: {columns: {a: BGM.2}}
order: {order_number: a}
""",
        """\
error[M102]: the key "message" is missing here
 --> m.yaml:4:1
  |
4 | source: {format: edifact}
  | ^^^^^^
  = help: add `message:` with one of DESADV, IFTMIN, IFTSTA, ORDCHG, ORDERS
""",
    ),
    "an EDIFACT message with a typo": (
        """\
source: {format: edifact, message: DESDAV}
extract: {columns: {a: BGM.2}}
order: {order_number: a}
""",
        """\
error[M402]: EDIFACT "DESDAV" is no message that can be read
 --> m.yaml:4:36
  |
4 | source: {format: edifact, message: DESDAV}
  |                                    ^^^^^^
  = help: did you mean "DESADV"?
""",
    ),
    "a segment of neither message": (
        """\
source: {format: x12, transactions: ["850", "860"]}
extract: {columns: {a: [BEG.3, BCH.3, BSN.2]}}
order: {order_number: a}
""",
        """\
error[M403]: 850 has no segment BSN
 --> m.yaml:5:39
  |
5 | extract: {columns: {a: [BEG.3, BCH.3, BSN.2]}}
  |                                       ^^^
  = help: BSN stands in 856
""",
    ),
    "an unknown format": (
        """\
source: {format: x13, transactions: ["850", "860"]}
extract: {columns: {a: BEG.3}}
order: {order_number: a}
""",
        """\
error[M104]: "x13" is not one of the words for format
 --> m.yaml:4:18
  |
4 | source: {format: x13, transactions: ["850", "860"]}
  |                  ^^^
  = help: did you mean "x12"?
""",
    ),
}
