"""Rules of webhooks: the published signature vector, the schedule, what an inbound call needs."""

from __future__ import annotations

from typing import Any

import pytest

from core.domain.errors import Refused
from core.domain.webhooks import (
    LONGEST_WAIT_US,
    TRIES,
    WAITS_US,
    NextTry,
    after_failure,
    check_signature,
    live_secrets,
    sign,
)

# The vector of the Standard Webhooks libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
VECTOR_ID, VECTOR_AT, VECTOR_BODY = (
    "msg_p5jXN8AQM9LWM0D4loKWxJek",
    1614265330,
    b'{"test": 2432232314}',
)
VECTOR = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
NOW = VECTOR_AT * 1_000_000
HOUR = 3_600_000_000


def _check(
    *,
    secrets: tuple[str, ...] = (SECRET,),
    webhook_id: str | None = VECTOR_ID,
    timestamp: str | None = str(VECTOR_AT),
    signatures: str | None = VECTOR,
    body: bytes = VECTOR_BODY,
    now: int = NOW,
) -> str:
    return check_signature(
        secrets=secrets,
        webhook_id=webhook_id,
        timestamp=timestamp,
        signatures=signatures,
        body=body,
        now=now,
    )


def _refusal(**changed: Any) -> str:
    with pytest.raises(Refused) as refusal:
        _check(**changed)
    return refusal.value.code


def test_the_signature_is_that_of_the_published_vector() -> None:
    assert sign(SECRET, webhook_id=VECTOR_ID, timestamp=VECTOR_AT, body=VECTOR_BODY) == VECTOR


def test_a_genuine_call_is_known_by_its_id() -> None:
    assert _check() == VECTOR_ID
    assert _check(signatures=f"v1,AAAA v2,BBBB {VECTOR}") == VECTOR_ID
    assert _check(secrets=("whsec_AAAA", SECRET)) == VECTOR_ID


@pytest.mark.parametrize("off_s", [-300, 300])
def test_five_minutes_off_are_taken(off_s: int) -> None:
    assert _check(now=NOW + off_s * 1_000_000) == VECTOR_ID


@pytest.mark.parametrize("off_s", [-301, 301])
def test_more_is_refused_as_timestamp(off_s: int) -> None:
    assert _refusal(now=NOW + off_s * 1_000_000) == "timestamp"


@pytest.mark.parametrize("timestamp", [None, "", "soon", "1614265330.0", "-1", "\u0661", "9" * 13])
def test_a_time_that_is_no_number_is_refused_as_timestamp(timestamp: str | None) -> None:
    assert _refusal(timestamp=timestamp) == "timestamp"


@pytest.mark.parametrize(
    "changed",
    [
        {"signatures": None},
        {"signatures": "v1,"},
        {"signatures": VECTOR[3:]},
        {"signatures": VECTOR.replace("v1", "v2")},
        {"body": VECTOR_BODY + b" "},
        {"webhook_id": None},
        {"webhook_id": "msg_other"},
        {"secrets": ()},
        {"secrets": ("whsec_AAAA",)},
        {"signatures": "\u2460\udcff"},
    ],
)
def test_anything_that_does_not_fit_is_refused_as_signature(changed: dict[str, Any]) -> None:
    assert _refusal(**changed) == "signature"


def test_too_many_signatures_come_first() -> None:
    assert _refusal(signatures=" ".join([VECTOR] * 11), timestamp=None) == "bad-request"
    assert _check(signatures=" ".join([VECTOR] * 10)) == VECTOR_ID


def test_the_schedule_has_ten_tries_and_ends_dead() -> None:
    waits = [after_failure(attempts=n, retry_after_us=None, now=0) for n in range(1, 11)]
    assert [w.due_at for w in waits[:9]] == list(WAITS_US)
    assert sum(WAITS_US) == 75 * HOUR + 35 * 60_000_000 + 5_000_000
    assert waits[9] == NextTry("dead", 0)
    assert TRIES == 10


def test_retry_after_lengthens_a_wait_up_to_a_day_and_never_shortens_one() -> None:
    assert after_failure(attempts=1, retry_after_us=HOUR, now=0).due_at == HOUR
    assert after_failure(attempts=1, retry_after_us=99 * HOUR, now=0).due_at == LONGEST_WAIT_US
    assert after_failure(attempts=2, retry_after_us=1, now=0).due_at == WAITS_US[1]
    assert after_failure(attempts=2, retry_after_us=-5, now=0).due_at == WAITS_US[1]


def test_the_secret_before_counts_for_a_day() -> None:
    assert live_secrets("b", "a", 0, now=24 * HOUR) == ("b", "a")
    assert live_secrets("b", "a", 0, now=24 * HOUR + 1) == ("b",)
    assert live_secrets("b", None, None, now=0) == ("b",)
