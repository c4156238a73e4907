"""The segments of UN/EDIFACT: service segments (ISO 9735) and those of the messages we read.

One row per segment. Elements and components stand in the order of directory D.96A; what later
directories (up to D.16A) added follows at the end of the segment or composite. Lengths are the
widest of these directories, and an element is mandatory only where it is so in all of them: a
message is judged by what its sender may have meant, not by the strictest edition. The number in
brackets is that of the data element (UNTDED, ISO 7372).
"""

from collections.abc import Mapping
from types import MappingProxyType

from pipeline.model.edi.definition import Element, Segment, Type

__all__ = ["SEGMENTS"]


def _text(name: str, high: int, *, must: bool = False) -> Element:
    return Element(name, Type.TEXT, 1, high, must)


def _code(name: str, high: int = 3, *, must: bool = False) -> Element:
    return Element(name, Type.CODE, 1, high, must)


def _whole(name: str, high: int, *, must: bool = False) -> Element:
    return Element(name, Type.WHOLE, 1, high, must)


def _decimal(name: str, high: int, *, must: bool = False) -> Element:
    return Element(name, Type.DECIMAL, 1, high, must)


def _composite(name: str, *parts: Element, must: bool = False) -> Element:
    return Element(name, Type.COMPOSITE, must=must, parts=parts)


def _segment(tag: str, name: str, *elements: Element) -> tuple[str, Segment]:
    return tag, Segment(tag, name, elements)


# A code list and who keeps it stand behind most codes.
_LIST = (_code("Code list (1131)", 17), _code("Agency of the code list (3055)"))
_COUNTRY = _code("Country (3207)")
_LANGUAGE = _code("Language (3453)")
_UNIT = _code("Unit of measure (6411)", 8)
_FUNCTION = _code("Message function (1225)")
_LINE_ACTION = _code("Action (1229)")
_STATUS = _code("Status (4405)")
_PACKAGES = _whole("Number of packages (7224)", 8)


def _document_name(*, must: bool = False) -> Element:
    return _composite(
        "Document name (C002)",
        _code("Document type (1001)"),
        *_LIST,
        _text("Document name in words (1000)", 35),
        must=must,
    )


def _number_range(number: int, *, must: bool = False) -> Element:
    return _composite(
        f"Identity number range {number} (C208)",
        _text("First number (7402)", 35, must=True),
        _text("Last number (7402)", 35),
        must=must,
    )


def _related_number(number: int, *, must: bool = False) -> Element:
    return _composite(
        f"Related number {number} (C206)",
        _text("Number (7402)", 35, must=True),
        _code("Kind of number (7405)"),
        _STATUS,
        must=must,
    )


def _product(name: str, *, must: bool = False) -> Element:
    return _composite(
        name,
        _text("Product number (7140)", 35),
        _code("Kind of product number (7143)"),
        *_LIST,
        must=must,
    )


def _packages_of_goods(number: int) -> Element:
    return _composite(
        f"Packages, level {number} (C213)",
        _PACKAGES,
        _code("Package type (7065)", 17),
        *_LIST,
        _text("Package type in words (7064)", 35),
        _code("Packaging information (7233)"),
    )


def _reason(number: int) -> Element:
    return _composite(
        f"Reason {number} (C556)",
        _code("Reason code (9013)", must=True),
        *_LIST,
        _text("Reason in words (9012)", 256),
    )


def _currency(number: int) -> Element:
    return _composite(
        f"Currency {number} (C504)",
        _code("Use of the currency (6347)", must=True),
        _code("Currency (6345)"),
        _code("Kind of currency (6343)"),
        _whole("Rate base (6348)", 4),
    )


def _place(name: str, code: str, words: str) -> Element:
    return _composite(
        name,
        _text(f"Place code ({code})", 35),
        *_LIST,
        _text(f"Place in words ({words})", 256),
    )


def _special_service() -> Element:
    return _composite(
        "Special service (C214)",
        _code("Service code (7161)"),
        *_LIST,
        _text("Service in words (7160)", 35),
        _text("Service in words, continued (7160)", 35),
    )


def _organisation(name: str, number: str) -> Element:
    return _composite(
        name,
        _text(f"Party ({number})", 35, must=True),
        _code("Kind of party number (0007)", 4),
        _text("Internal address (0008)", 35),
        _text("Internal sub-address (0042)", 35),
        must=True,
    )


def _message_identifier(*, must: bool) -> Element:
    return _composite(
        "Message identifier (S009)",
        _code("Message type (0065)", 6, must=True),
        _code("Version (0052)", must=True),
        _code("Release (0054)", must=True),
        _code("Controlling agency (0051)", must=True),
        _code("Association's version (0057)", 6),
        _code("Code list directory version (0110)", 6),
        _code("Message sub-function (0113)", 6),
        must=must,
    )


def _data_element_place(*, must: bool = False) -> Element:
    return _composite(
        "Place of the data element (S011)",
        _whole("Element position (0098)", 3, must=True),
        _whole("Component position (0104)", 3),
        _whole("Repetition (0136)", 6),
        must=must,
    )


# Dates and times of the envelope are YYMMDD or CCYYMMDD, and HHMM (ISO 9735 S004).
_PREPARED = _composite(
    "Prepared at (S004)",
    Element("Date (0017)", Type.DATE, 6, 8, must=True),
    Element("Time (0019)", Type.TIME, 4, 4, must=True),
    must=True,
)
_PASSWORD = _composite(
    "Password (S005)",
    _text("Password (0022)", 14, must=True),
    _code("Kind of password (0025)", 2),
)
_MESSAGE_REFERENCE = _text("Message reference (0062)", 14, must=True)
_INTERCHANGE_REFERENCE = _text("Interchange control reference (0020)", 14, must=True)
_GROUP_REFERENCE = _text("Group control reference (0048)", 14, must=True)
_ACTION = _code("Action taken (0083)", must=True)
_ERROR = _code("Syntax error (0085)")
_SERVICE_TAG = _code("Service segment (0013)")

_MEASURE = (
    _composite(
        "What is measured (C502)",
        _code("Measured attribute (6313)"),
        _code("Measurement significance (6321)"),
        _code("Attribute in code (6155)", 17),
        _text("Attribute in words (6154)", 70),
    ),
    _composite(
        "Value (C174)",
        _UNIT,
        _decimal("Measured value (6314)", 18),
        _decimal("Lowest value (6162)", 18),
        _decimal("Highest value (6152)", 18),
        _whole("Significant digits (6432)", 2),
    ),
    _code("Surface or layer (7383)"),
)

_EQUIPMENT = _composite(
    "Equipment number (C237)",
    _text("Equipment number (8260)", 17),
    *_LIST,
    _COUNTRY,
)

_SERVICE: tuple[tuple[str, Segment], ...] = (
    _segment(
        "UNB",
        "Interchange header",
        _composite(
            "Syntax (S001)",
            _code("Character set (0001)", 4, must=True),
            _code("Syntax version (0002)", 1, must=True),
            _code("Service code list version (0080)", 6),
            _code("Character encoding (0133)", 3),
            _code("Syntax release (0076)", 2),
            must=True,
        ),
        _organisation("Sender (S002)", "0004"),
        _organisation("Recipient (S003)", "0010"),
        _PREPARED,
        _INTERCHANGE_REFERENCE,
        _PASSWORD,
        _text("Application reference (0026)", 14),
        _code("Processing priority (0029)", 1),
        _code("Acknowledgement wanted (0031)", 1),
        _text("Interchange agreement (0032)", 35),
        _code("Test (0035)", 1),
    ),
    _segment(
        "UNG",
        "Group header",
        _code("Message type of the group (0038)", 6),
        _composite(
            "Application sender (S006)",
            _text("Application sender (0040)", 35, must=True),
            _code("Kind of party number (0007)", 4),
        ),
        _composite(
            "Application recipient (S007)",
            _text("Application recipient (0044)", 35, must=True),
            _code("Kind of party number (0007)", 4),
        ),
        _composite(
            "Prepared at (S004)",
            Element("Date (0017)", Type.DATE, 6, 8, must=True),
            Element("Time (0019)", Type.TIME, 4, 4, must=True),
        ),
        _GROUP_REFERENCE,
        _code("Controlling agency (0051)"),
        _composite(
            "Message version (S008)",
            _code("Version (0052)", must=True),
            _code("Release (0054)", must=True),
            _code("Association's version (0057)", 6),
        ),
        _text("Application password (0058)", 14),
    ),
    _segment(
        "UNH",
        "Message header",
        _MESSAGE_REFERENCE,
        _message_identifier(must=True),
        _text("Common access reference (0068)", 35),
        _composite(
            "Status of the transfer (S010)",
            _whole("Sequence of transfers (0070)", 2, must=True),
            _code("First or last transfer (0073)", 1),
        ),
        _composite(
            "Message subset (S016)",
            _code("Subset (0115)", 14, must=True),
            _code("Subset version (0116)"),
            _code("Subset release (0118)"),
            _code("Controlling agency (0051)"),
        ),
        _composite(
            "Implementation guide (S017)",
            _code("Guide (0121)", 14, must=True),
            _code("Guide version (0122)"),
            _code("Guide release (0124)"),
            _code("Controlling agency (0051)"),
        ),
        _composite(
            "Scenario (S018)",
            _code("Scenario (0127)", 14, must=True),
            _code("Scenario version (0128)"),
            _code("Scenario release (0130)"),
            _code("Controlling agency (0051)"),
        ),
    ),
    _segment("UNS", "Section separator", _code("Section (0081)", 1, must=True)),
    _segment(
        "UNT",
        "Message trailer",
        _whole("Number of segments (0074)", 10, must=True),
        _MESSAGE_REFERENCE,
    ),
    _segment(
        "UNE",
        "Group trailer",
        _whole("Number of messages (0060)", 6, must=True),
        _GROUP_REFERENCE,
    ),
    _segment(
        "UNZ",
        "Interchange trailer",
        _whole("Number of messages or groups (0036)", 6, must=True),
        _INTERCHANGE_REFERENCE,
    ),
    _segment(
        "UCI",
        "Response to an interchange",
        _INTERCHANGE_REFERENCE,
        _organisation("Sender of the interchange (S002)", "0004"),
        _organisation("Recipient of the interchange (S003)", "0010"),
        _ACTION,
        _ERROR,
        _SERVICE_TAG,
        _data_element_place(),
    ),
    _segment(
        "UCF",
        "Response to a group",
        _GROUP_REFERENCE,
        _composite(
            "Application sender (S006)",
            _text("Application sender (0040)", 35, must=True),
            _code("Kind of party number (0007)", 4),
        ),
        _composite(
            "Application recipient (S007)",
            _text("Application recipient (0044)", 35, must=True),
            _code("Kind of party number (0007)", 4),
        ),
        _ACTION,
        _ERROR,
        _SERVICE_TAG,
        _data_element_place(),
    ),
    _segment(
        "UCM",
        "Response to a message",
        _text("Message reference (0062)", 14),
        _message_identifier(must=False),
        _ACTION,
        _ERROR,
        _SERVICE_TAG,
        _data_element_place(),
    ),
    _segment(
        "UCS",
        "Segment with an error",
        _whole("Position of the segment in the message (0096)", 6, must=True),
        _ERROR,
    ),
    _segment(
        "UCD",
        "Data element with an error",
        _code("Syntax error (0085)", must=True),
        _data_element_place(must=True),
    ),
)

_USER: tuple[tuple[str, Segment], ...] = (
    _segment(
        "AJT", "Adjustment", _code("Reason (4465)", must=True), _text("Line number (1082)", 6)
    ),
    _segment(
        "ALC",
        "Allowance or charge",
        _code("Allowance or charge (5463)", must=True),
        _composite(
            "Allowance or charge number (C552)",
            _text("Number (1230)", 35),
            _code("Allowance or charge in code (5189)"),
        ),
        _code("Settlement (4471)"),
        _code("Calculation sequence (1227)"),
        _special_service(),
    ),
    _segment(
        "ALI",
        "Additional information",
        _code("Country of origin (3239)"),
        _code("Type of duty (9213)"),
        *(_code(f"Special condition {number} (4183)") for number in range(1, 6)),
    ),
    _segment(
        "APR",
        "Additional price information",
        _code("Class of trade (4043)"),
        _composite(
            "Price multiplier (C138)",
            _decimal("Multiplier (5394)", 12, must=True),
            _code("Kind of multiplier (5393)"),
        ),
        _composite(
            "Reason for change (C960)",
            _code("Reason (4295)"),
            *_LIST,
            _text("Reason in words (4294)", 35),
        ),
    ),
    _segment(
        "BGM",
        "Beginning of message",
        _document_name(),
        # C106 since D.97A: number, version, revision; in D.96A the number alone.
        _composite(
            "Document number (C106)",
            _text("Document number (1004)", 70),
            _text("Version (1056)", 9),
            _text("Revision (1060)", 6),
        ),
        _FUNCTION,
        _code("Response wanted (4343)"),
        _code("Document status (1373)"),
        _LANGUAGE,
    ),
    _segment(
        "CAV",
        "Characteristic value",
        _composite(
            "Characteristic value (C889)",
            _code("Value code (7111)", 17),
            *_LIST,
            _text("Value in words (7110)", 35),
            _text("Value in words, continued (7110)", 35),
            must=True,
        ),
    ),
    _segment(
        "CCI",
        "Characteristic",
        _code("Class of characteristic (7059)"),
        _MEASURE[0],
        _composite(
            "Characteristic (C240)",
            _code("Characteristic code (7037)", 17),
            *_LIST,
            _text("Characteristic in words (7036)", 35),
            _text("Characteristic in words, continued (7036)", 35),
        ),
        _code("Relevance (4051)"),
    ),
    _segment(
        "CED",
        "Computer environment",
        _code("Kind of environment (1501)", must=True),
        _composite(
            "Environment (C079)",
            _code("Environment in code (1511)"),
            *_LIST,
            _text("Environment in words (1510)", 35),
            _text("Version (1056)", 9),
            _text("Release (1058)", 9),
            _text("Number (7402)", 35),
            must=True,
        ),
    ),
    _segment(
        "CNI",
        "Consignment",
        _whole("Consignment sequence (1490)", 5),
        _composite(
            "Document (C503)",
            _text("Document number (1004)", 70),
            _code("Document status (1373)"),
            _text("Document source (1366)", 70),
            _LANGUAGE,
            _text("Version (1056)", 9),
            _text("Revision (1060)", 6),
        ),
        _whole("Consignment load sequence (1312)", 4),
    ),
    _segment(
        "CNT",
        "Control total",
        _composite(
            "Control total (C270)",
            _code("What is counted (6069)", must=True),
            _decimal("Control value (6066)", 18, must=True),
            _UNIT,
            must=True,
        ),
    ),
    _segment(
        "COD",
        "Component",
        _composite(
            "Kind of component (C823)",
            _code("Kind in code (7505)"),
            *_LIST,
            _text("Kind in words (7504)", 35),
        ),
        _composite(
            "Material (C824)",
            _code("Material in code (7507)"),
            *_LIST,
            _text("Material in words (7506)", 35),
        ),
    ),
    _segment(
        "COM",
        "Phone, fax or e-mail",
        *(
            _composite(
                f"Contact address {number} (C076)",
                _text("Number or address (3148)", 512, must=True),
                _code("Kind of number or address (3155)", must=True),
                must=number == 1,
            )
            for number in range(1, 4)
        ),
    ),
    _segment(
        "CPI",
        "Charge payment",
        _composite("Charge category (C229)", _code("Category (5237)", must=True), *_LIST),
        _composite("Method of payment (C231)", _code("Method (4215)", must=True), *_LIST),
        _code("Prepaid or collect (4237)"),
    ),
    _segment(
        "CPS",
        "Packing level",
        _text("Packing level (7164)", 35, must=True),
        _text("Packing level above (7166)", 35),
        _code("Packaging level (7075)"),
    ),
    _segment(
        "CTA",
        "Contact",
        _code("Kind of contact (3139)"),
        _composite(
            "Department or person (C056)",
            _text("Contact code (3413)", 17),
            _text("Contact name (3412)", 256),
        ),
    ),
    _segment(
        "CUX",
        "Currencies",
        _currency(1),
        _currency(2),
        _decimal("Rate of exchange (5402)", 12),
        _code("Exchange market (6341)"),
    ),
    _segment(
        "DAM",
        "Damage",
        _code("What is told (7493)", must=True),
        *(
            _composite(
                f"{name} ({number})",
                _code(f"{name} in code ({code})", 4),
                *_LIST,
                _text(f"{name} in words ({words})", 35),
            )
            for name, number, code, words in (
                ("Type of damage", "C821", "7501", "7500"),
                ("Place of damage", "C822", "7503", "7502"),
                ("Severity", "C825", "7509", "7508"),
                ("Action", "C826", "1229", "1228"),
            )
        ),
    ),
    _segment(
        "DGS",
        "Dangerous goods",
        _code("Regulation (8273)"),
        _composite(
            "Hazard (C205)",
            _code("Hazard class (8351)", 7, must=True),
            _code("Hazard sub-class (8078)", 7),
            _code("Version of the hazard code (8092)", 10),
        ),
        _composite(
            "UN number (C234)", _whole("UN number (7124)", 4), _text("Flash point (7088)", 8)
        ),
        _composite(
            "Flash point (C223)", _decimal("Flash point (7106)", 3), _code("Unit (6411)", 8)
        ),
        _code("Packing group (8339)"),
        _text("EMS number (8364)", 6),
        _text("MFAG number (8410)", 4),
        _text("Transport emergency card (8126)", 10),
        _composite(
            "Orange placard (C235)", _text("Upper half (8158)", 4), _text("Lower half (8186)", 4)
        ),
        _composite(
            "Hazard labels (C236)",
            *(_text(f"Label {number} (8246)", 4) for number in range(1, 5)),
        ),
        _code("Packing instruction (8255)"),
        _code("Means of transport (8325)"),
        _code("Transport permission (8211)"),
        _composite("Tank instruction (C289)", _code("Instruction (4199)", 7), *_LIST),
    ),
    _segment(
        "DIM",
        "Dimensions",
        _code("What is measured (6145)", must=True),
        _composite(
            "Dimensions (C211)",
            _UNIT,
            _decimal("Length (6168)", 15),
            _decimal("Width (6140)", 15),
            _decimal("Height (6008)", 15),
            must=True,
        ),
    ),
    _segment(
        "DLM",
        "Delivery limitations",
        _code("Back order (4455)"),
        _composite(
            "Instruction (C522)",
            _code("Kind of instruction (4403)", must=True),
            _code("Instruction (4401)"),
            *_LIST,
            _text("Instruction in words (4400)", 35),
        ),
        _special_service(),
        _code("Substitution (4457)"),
    ),
    _segment(
        "DOC",
        "Document",
        _document_name(must=True),
        _composite(
            "Document (C503)",
            _text("Document number (1004)", 70),
            _code("Document status (1373)"),
            _text("Document source (1366)", 70),
            _LANGUAGE,
            _text("Version (1056)", 9),
            _text("Revision (1060)", 6),
        ),
        _code("Channel (3153)"),
        _whole("Copies (1220)", 2),
        _whole("Originals (1218)", 2),
    ),
    _segment(
        "DTM",
        "Date or time",
        _composite(
            "Date or time (C507)",
            _code("What the date is (2005)", must=True),
            _text("Date, time or period (2380)", 35),
            _code("Format (2379)"),
            must=True,
        ),
    ),
    _segment(
        "EFI",
        "External file",
        _composite("File (C077)", _text("File name (1508)", 35), _text("Content (7008)", 256)),
        _composite(
            "File details (C099)",
            _text("File format (1516)", 17),
            _text("Version (1056)", 9),
            _code("Data format in code (1503)"),
            _text("Data format in words (1502)", 35),
        ),
        _text("Sequence (1050)", 10),
    ),
    _segment("EQA", "Attached equipment", _code("Equipment (8053)", must=True), _EQUIPMENT),
    _segment(
        "EQD",
        "Equipment",
        _code("Equipment (8053)", must=True),
        _EQUIPMENT,
        _composite(
            "Size and type (C224)",
            _code("Size and type in code (8155)", 10),
            *_LIST,
            _text("Size and type in words (8154)", 35),
        ),
        _code("Supplied by (8077)"),
        _code("Equipment status (8249)"),
        _code("Full or empty (8169)"),
        _code("Marking instructions (4233)"),
    ),
    _segment(
        "EQN",
        "Number of units",
        _composite(
            "Number of units (C523)",
            _decimal("Number of units (6350)", 15),
            _code("What is counted (6353)"),
            must=True,
        ),
    ),
    _segment(
        "FII",
        "Bank",
        _code("Role of the bank (3035)", must=True),
        _composite(
            "Account holder (C078)",
            _text("Account number (3194)", 35),
            _text("Account holder (3192)", 35),
            _text("Account holder, continued (3192)", 35),
            _code("Currency (6345)"),
        ),
        _composite(
            "Bank (C088)",
            _text("Bank code (3433)", 11),
            *_LIST,
            _text("Branch number (3434)", 17),
            *_LIST,
            _text("Bank name (3432)", 70),
            _text("Branch (3436)", 70),
        ),
        _COUNTRY,
    ),
    _segment(
        "FTX",
        "Free text",
        _code("Subject (4451)", must=True),
        _code("Function (4453)"),
        _composite("Text in code (C107)", _code("Text code (4441)", 17, must=True), *_LIST),
        _composite(
            "Text (C108)",
            *(_text(f"Text {number} (4440)", 512) for number in range(1, 6)),
        ),
        _LANGUAGE,
        _code("Text format (4447)"),
    ),
    _segment(
        "GDS",
        "Nature of cargo",
        _composite("Nature of cargo (C703)", _code("Cargo type (7085)", must=True), *_LIST),
    ),
    _segment(
        "GEI",
        "Processing information",
        _code("Kind of information (9649)", must=True),
        _composite(
            "Indicator (C012)",
            _code("Indicator in code (7365)"),
            *_LIST,
            _text("Indicator in words (7364)", 35),
        ),
        _code("Process (7187)", 17),
    ),
    _segment(
        "GID",
        "Goods item",
        _whole("Goods item number (1496)", 6),
        *(_packages_of_goods(number) for number in range(1, 6)),
    ),
    _segment(
        "GIN",
        "Identity numbers",
        _code("Kind of number (7405)", must=True),
        *(_number_range(number, must=number == 1) for number in range(1, 6)),
    ),
    _segment(
        "GIR",
        "Related identity numbers",
        _code("Set of numbers (7297)", must=True),
        *(_related_number(number, must=number == 1) for number in range(1, 6)),
    ),
    _segment(
        "GOR",
        "Governmental requirements",
        _code("Transport movement (8323)"),
        *(
            _composite(
                f"Government action {number} (C232)",
                _code("Agency (9415)"),
                _code("Involvement (9411)"),
                _code("Action (9417)"),
                _code("Procedure (9353)"),
            )
            for number in range(1, 5)
        ),
    ),
    _segment(
        "HAN",
        "Handling instructions",
        _composite(
            "Handling (C524)",
            _code("Handling code (4079)"),
            *_LIST,
            _text("Handling in words (4078)", 512),
        ),
        _composite("Hazardous material (C218)", _code("Material class (7419)", 4), *_LIST),
    ),
    _segment(
        "IMD",
        "Item description",
        _code("Description type (7077)"),
        # A plain code in D.96A, the composite C272 since D.97A.
        _composite("Characteristic (C272)", _code("Characteristic (7081)"), *_LIST),
        _composite(
            "Item description (C273)",
            _code("Description code (7009)", 17),
            *_LIST,
            _text("Description (7008)", 256),
            _text("Description, continued (7008)", 256),
            _LANGUAGE,
        ),
        _code("Surface or layer (7383)"),
    ),
    _segment(
        "LIN",
        "Line item",
        _text("Line number (1082)", 6),
        _LINE_ACTION,
        _product("Product number (C212)"),
        _composite(
            "Sub-line (C829)", _code("Kind of sub-line (5495)"), _text("Line number (1082)", 6)
        ),
        _whole("Configuration level (1222)", 2),
        _code("Configuration (7083)"),
    ),
    _segment(
        "LOC",
        "Place",
        _code("What the place is (3227)", must=True),
        _place("Place (C517)", "3225", "3224"),
        _place("Related place 1 (C519)", "3223", "3222"),
        _place("Related place 2 (C553)", "3233", "3232"),
        _code("Relation of the places (5479)"),
    ),
    _segment("MEA", "Measurements", _code("What is measured (6311)", must=True), *_MEASURE),
    _segment(
        "MOA",
        "Monetary amount",
        _composite(
            "Amount (C516)",
            _code("What the amount is (5025)", must=True),
            _decimal("Amount (5004)", 35),
            _code("Currency (6345)"),
            _code("Kind of currency (6343)"),
            _STATUS,
            must=True,
        ),
    ),
    _segment(
        "NAD",
        "Name and address",
        _code("Role of the party (3035)", must=True),
        _composite("Party number (C082)", _text("Party number (3039)", 35, must=True), *_LIST),
        _composite(
            "Name and address lines (C058)",
            *(_text(f"Line {number} (3124)", 256) for number in range(1, 6)),
        ),
        _composite(
            "Name (C080)",
            *(_text(f"Name {number} (3036)", 256) for number in range(1, 6)),
            _code("Name format (3045)"),
        ),
        _composite(
            "Street (C059)",
            *(_text(f"Street {number} (3042)", 256) for number in range(1, 5)),
        ),
        _text("City (3164)", 35),
        # A plain code in D.96A, the composite C819 since D.98A.
        _composite("Region (C819)", _text("Region (3229)", 9), *_LIST, _text("Region (3228)", 70)),
        _text("Postcode (3251)", 17),
        _COUNTRY,
    ),
    _segment(
        "PAC",
        "Packages",
        _PACKAGES,
        _composite(
            "Packaging details (C531)",
            _code("Packaging level (7075)"),
            _code("Packaging information (7233)"),
            _code("Packaging terms (7073)"),
        ),
        _composite(
            "Package type (C202)",
            _code("Package type (7065)", 17),
            *_LIST,
            _text("Package type in words (7064)", 35),
        ),
        _composite(
            "Package identification (C402)",
            _code("Description type (7077)", must=True),
            _text("Package type in words (7064)", 35, must=True),
            _code("Kind of product number (7143)"),
            _text("Package type in words (7064)", 35),
            _code("Kind of product number (7143)"),
        ),
        _composite(
            "Returnable package (C532)", _code("Return paid by (8395)"), _code("Load (8393)")
        ),
    ),
    _segment(
        "PAI",
        "Payment instructions",
        _composite(
            "Payment instructions (C534)",
            _code("Conditions (4439)"),
            _code("Guarantee (4431)"),
            _code("Means of payment (4461)"),
            *_LIST,
            _code("Channel (4435)"),
            must=True,
        ),
    ),
    _segment(
        "PAT",
        "Payment terms",
        _code("Kind of terms (4279)", must=True),
        _composite(
            "Terms (C110)",
            _code("Terms (4277)", 17),
            *_LIST,
            _text("Terms in words (4276)", 35),
            _text("Terms in words, continued (4276)", 35),
        ),
        _composite(
            "Time of payment (C112)",
            _code("Counted from (2475)", must=True),
            _code("Before or after (2009)"),
            _code("Period (2151)"),
            _whole("Number of periods (2152)", 3),
        ),
    ),
    _segment(
        "PCD",
        "Percentage",
        _composite(
            "Percentage (C501)",
            _code("What the percentage is (5245)", must=True),
            _decimal("Percentage (5482)", 10),
            _code("Percentage of (5249)"),
            *_LIST,
            must=True,
        ),
        _STATUS,
    ),
    _segment(
        "PCI",
        "Marks and labels",
        _code("Marking instructions (4233)"),
        _composite(
            "Marks (C210)",
            *(_text(f"Mark {number} (7102)", 35) for number in range(1, 11)),
        ),
        _code("Full or empty (8275)"),
        _composite("Kind of marking (C827)", _code("Marking (7511)", must=True), *_LIST),
    ),
    _segment(
        "PIA",
        "Further product numbers",
        _code("Use of the numbers (4347)", must=True),
        *(_product(f"Product number {number} (C212)", must=number == 1) for number in range(1, 6)),
    ),
    _segment(
        "PRI",
        "Price",
        _composite(
            "Price (C509)",
            _code("What the price is (5125)", must=True),
            _decimal("Price (5118)", 15),
            _code("Price type (5375)"),
            _code("Price basis (5387)"),
            _decimal("Per quantity (5284)", 9),
            _UNIT,
        ),
        _code("Change of the sub-line price (5213)"),
    ),
    # Stands where PAT stood in D.96A.
    _segment(
        "PYT",
        "Payment terms",
        _code("Kind of terms (4279)", must=True),
        _composite(
            "Terms (C019)",
            _code("Terms (4277)", 17),
            *_LIST,
            _text("Terms in words (4276)", 35),
        ),
        _code("Counted from (2475)"),
        _code("Before or after (2009)"),
        _code("Period (2151)"),
        _whole("Number of periods (2152)", 3),
    ),
    _segment(
        "QTY",
        "Quantity",
        _composite(
            "Quantity (C186)",
            _code("What is counted (6063)", must=True),
            _decimal("Quantity (6060)", 35, must=True),
            _UNIT,
            must=True,
        ),
    ),
    _segment(
        "QVR",
        "Quantity variance",
        _composite(
            "Difference (C279)",
            _decimal("Difference (6064)", 15, must=True),
            _code("What is counted (6063)"),
        ),
        _code("Discrepancy (4221)"),
        _composite(
            "Reason for change (C960)",
            _code("Reason (4295)"),
            *_LIST,
            _text("Reason in words (4294)", 35),
        ),
    ),
    _segment(
        "RCS",
        "Requirements",
        _code("Industry (7293)", must=True),
        _composite(
            "Requirement (C550)",
            _code("Requirement (7295)", 17, must=True),
            *_LIST,
            _text("Requirement in words (7294)", 35),
        ),
        _LINE_ACTION,
        _COUNTRY,
    ),
    _segment(
        "RFF",
        "Reference",
        _composite(
            "Reference (C506)",
            _code("What the reference is (1153)", must=True),
            _text("Reference (1154)", 70),
            _text("Line number (1156)", 6),
            _text("Version (4000)", 35),
            _text("Revision (1060)", 6),
            must=True,
        ),
    ),
    _segment(
        "RNG",
        "Range",
        _code("Kind of range (6167)", must=True),
        _composite(
            "Range (C280)",
            _UNIT,
            _decimal("Lowest value (6162)", 18),
            _decimal("Highest value (6152)", 18),
        ),
    ),
    _segment(
        "RTE",
        "Rate",
        _composite(
            "Rate (C128)",
            _code("What the rate is (5419)", must=True),
            _decimal("Rate (5420)", 15, must=True),
            _decimal("Per quantity (5284)", 9),
            _UNIT,
            must=True,
        ),
        _STATUS,
    ),
    _segment(
        "SCC",
        "Scheduling",
        _code("Firmness (4017)", must=True),
        _code("Requirement (4493)"),
        _composite(
            "Pattern (C329)",
            _code("Frequency (2013)"),
            _code("Despatch pattern (2015)"),
            _code("Timing of the pattern (2017)"),
        ),
    ),
    _segment(
        "SEL",
        "Seal",
        _text("Seal number (9308)", 35),
        _composite(
            "Sealed by (C215)",
            _code("Sealing party (9303)"),
            *_LIST,
            _text("Sealing party in words (9302)", 35),
        ),
        _code("Seal condition (4517)"),
        _number_range(1),
        _code("Seal type (4525)"),
    ),
    _segment(
        "SGP",
        "Goods in equipment",
        _composite(
            "Equipment number (C237)",
            _text("Equipment number (8260)", 17),
            *_LIST,
            _COUNTRY,
            must=True,
        ),
        _PACKAGES,
    ),
    _segment("STG", "Stages", _code("Kind of stage (9421)", must=True), _whole("Stages (6426)", 2)),
    _segment(
        "STS",
        "Status",
        _composite("Kind of status (C601)", _code("Kind of status (9015)", must=True), *_LIST),
        # 9011 in D.96A, 4405 since D.98A.
        _composite(
            "Status (C555)",
            _code("Status (4405)", must=True),
            *_LIST,
            _text("Status in words (4404)", 35),
        ),
        *(_reason(number) for number in range(1, 6)),
    ),
    _segment(
        "TAX",
        "Duty or tax",
        _code("Duty, tax or fee (5283)", must=True),
        _composite(
            "Type of tax (C241)", _code("Type of tax (5153)"), *_LIST, _text("Type (5152)", 35)
        ),
        _composite("Tax account (C533)", _code("Account (5289)", 6, must=True), *_LIST),
        _text("Assessment basis (5286)", 15),
        _composite(
            "Rate of tax (C243)",
            _code("Rate code (5279)", 7),
            *_LIST,
            _text("Rate (5278)", 17),
            _code("Rate basis (5273)", 12),
            *_LIST,
        ),
        _code("Tax category (5305)"),
        _text("Tax number (3446)", 20),
        _code("Calculation sequence (1227)"),
        _code("Tax due (5307)"),
    ),
    _segment(
        "TCC",
        "Transport charge",
        _composite(
            "Charge (C200)",
            _code("Charge (8023)", 17),
            *_LIST,
            _text("Charge in words (8022)", 35),
            _code("Prepaid or collect (4237)"),
            _text("Product number (7140)", 35),
        ),
        _composite(
            "Rate or tariff class (C203)",
            _code("Class (5243)", 9, must=True),
            *_LIST,
            _text("Class in words (5242)", 35),
            _code("Supplement (5275)", 6),
            *_LIST,
            _code("Supplement (5275)", 6),
            *_LIST,
        ),
        _composite("Commodity (C528)", _code("Commodity (7357)", 18), *_LIST),
        _composite("Tariff class (C554)", _code("Class (5243)", 9), *_LIST),
    ),
    _segment(
        "TDT",
        "Transport",
        _code("Stage (8051)", must=True),
        _text("Journey number (8028)", 17),
        _composite(
            "Mode of transport (C220)", _code("Mode (8067)"), _text("Mode in words (8066)", 17)
        ),
        # D.96A (C228): code, words. C001 of later directories: code, list, agency, words.
        _composite(
            "Means of transport (C228)",
            _code("Means (8179)", 8),
            _text("Means in words (8178), or code list (1131)", 17),
            _code("Agency of the code list (3055)"),
            _text("Means in words (8178)", 17),
        ),
        _composite(
            "Carrier (C040)",
            _text("Carrier (3127)", 17),
            *_LIST,
            _text("Carrier name (3128)", 35),
        ),
        _code("Direction (8101)"),
        _composite(
            "Excess transport (C401)",
            _code("Reason (8457)", must=True),
            _code("Responsible (8459)", must=True),
            _text("Authorisation (7130)", 17),
        ),
        _composite(
            "Vehicle or vessel (C222)",
            _text("Vehicle (8213)", 35),
            *_LIST,
            _text("Vehicle in words (8212)", 70),
            _code("Nationality (8453)"),
        ),
        _code("Ownership (8281)"),
        _composite(
            "Power type (C003)", _code("Power type (7041)"), *_LIST, _text("Power (7040)", 17)
        ),
    ),
    _segment(
        "TMD",
        "Transport movement",
        _composite(
            "Movement (C219)", _code("Movement (8335)"), _text("Movement in words (8334)", 35)
        ),
        _text("Equipment plan (8332)", 26),
        _code("Haulage (8341)"),
    ),
    _segment(
        "TMP",
        "Temperature",
        _code("What is set (6245)", must=True),
        _composite("Temperature (C239)", _decimal("Temperature (6246)", 15), _UNIT),
    ),
    _segment(
        "TOD",
        "Terms of delivery",
        _code("Function (4055)"),
        _code("Method of payment (4215)"),
        _composite(
            "Terms (C100)",
            _code("Terms (4053)"),
            *_LIST,
            _text("Terms in words (4052)", 70),
            _text("Terms in words, continued (4052)", 70),
        ),
    ),
    _segment(
        "TPL",
        "Transport placement",
        _composite(
            "Vehicle or vessel (C222)",
            _text("Vehicle (8213)", 35),
            *_LIST,
            _text("Vehicle in words (8212)", 70),
            _code("Nationality (8453)"),
            must=True,
        ),
    ),
    _segment(
        "TSR",
        "Transport service",
        _composite("Contract (C536)", _code("Contract (4065)", must=True), *_LIST),
        _composite(
            "Service (C233)",
            _code("Service 1 (7273)", must=True),
            *_LIST,
            _code("Service 2 (7273)"),
            *_LIST,
        ),
        _composite("Priority (C537)", _code("Priority (4219)", must=True), *_LIST),
        _composite("Nature of cargo (C703)", _code("Cargo type (7085)", must=True), *_LIST),
    ),
)

SEGMENTS: Mapping[str, Segment] = MappingProxyType(dict(_SERVICE + _USER))
