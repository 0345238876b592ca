"""Reason codes of messages, EPCs and scans with their meaning. Never renamed, never reused."""

from __future__ import annotations

MESSAGE_CODES = {
    "E_RETAINED": "the retain flag is set (check 4)",
    "E_SIZE": "over 65,536 bytes (5)",
    "E_JSON": "not one JSON document: UTF-8 without BOM, nesting at most 32, numbers of at most "
    "40 characters, finite (5)",
    "E_JSON_DUPKEY": "a key twice in one object, at any depth, after unescaping (5)",
    "E_FIELD_MISSING": "a required key is absent (6, 11, 12)",
    "E_FIELD_UNKNOWN": "a key that is not on this page (11, 12)",
    "E_FIELD_TYPE": "another JSON type, or null where it is not allowed (6, 11, 12)",
    "E_NUL": "U+0000 in a text other than the code of a scan (6, 11, 12)",
    "E_FIELD_RANGE": "outside the range, length or word list (6, 11, 12)",
    "E_TOPIC_MISMATCH": "site or agent differs from the topic, or the schema is that of another "
    "topic (7)",
    "E_QOS": "sent with QoS 0 (9)",
    "E_VERSION": "a schema this program does not know (9)",
    "E_TS_OLD": "sent_at more than 7 days back (10), or a reading more than 7 days before it (12)",
    "E_TS_FUTURE": "sent_at more than 24 h ahead (10), or a reading more than 5 min after it (12)",
    "E_BATCH_EMPTY": "no reading (11)",
    "E_BATCH_TOO_MANY": "more than 500 readings (11)",
    "E_KIND": "a kind of sensor reading that is not on this page (12)",
    "E_EVENT": "a conveyor event that is not on this page (12)",
    "E_UNIT": "not the unit of this kind, compared exactly (12)",
    "E_TID_HEX": "tid is not 8 to 128 hex digits in fours (12)",
    "F_CLOCK_SKEW": "sent_at was more than 5 s ahead: the difference was taken from every time of "
    "the message; a flag, not a refusal",
}
EPC_CODES = {
    "E_EPC_HEX": "a character that is no hex digit",
    "E_EPC_LEN": "not 8 to 124 digits in fours, or not the length of its scheme",
    "E_EPC_PARTITION": "partition 7",
    "E_EPC_RANGE": "a number with more digits than its field, or a character it may not hold",
    "E_EPC_PAD": "bits after the end are not zero",
    "Q_EPC_UNPROGRAMMED": "first byte 00: kept, moves nothing",
    "Q_EPC_FOREIGN": "of a scheme that stands for no stock, or marked ISO: kept, moves nothing",
}
SCAN_CODES = {
    "E_BC_EMPTY": "nothing but spaces, an AIM identifier or FNC1",
    "E_BC_SYMBOLOGY": "an AIM identifier that is not expected, LOC: in other case, an EPC typed "
    "as a barcode",
    "E_BC_CHARSET": "characters the rule does not allow",
    "E_BC_LEN": "plain digits of no known length, or over 256 characters",
    "E_BC_CHECK": "a wrong check digit",
    "E_BC_AI": "an unknown application identifier",
    "E_BC_AI_LEN": "a value shorter or longer than its identifier allows",
    "E_BC_AI_PAIR": "identifiers that need or exclude each other",
    "E_BC_AI_REPEAT": "an identifier twice with other values",
    "E_BC_DATE": "no such date",
    "E_BC_RANGE": "a count of nothing",
    "E_BC_SYNTAX": "two FNC1 in a row, ambiguous after a lost FNC1, or LOC: that is not "
    "zone-aisle-bay-level",
}
GATEWAY_CODES = {
    "E_TOPIC": "not a topic of a site served here (2)",
    "E_DEVICE_UNKNOWN": "the agent is not registered (3), or a reading's device or antenna is not",
    "E_DEVICE_REVOKED": "the agent is revoked: its data stay in its spool (3)",
    "E_SEQ_CONFLICT": "the seq of the cursor with another body: a cloned or restored agent (8)",
    "E_RATE": "over a rate or quota: the cursor answer carries `retry_after_ms` (8)",
    "E_BELT_UNKNOWN": "a belt that is not in the layout",
    "E_STATE": "impossible now: jam_clear without an open jam",
    "E_LOCATION_UNKNOWN": "a well-formed location code that is not in the layout",
    "Q_EPC_UNKNOWN": "valid, never commissioned here: kept, moves nothing",
    "Q_EPC_RETIRED": "its binding is retired: kept, moves nothing",
}
