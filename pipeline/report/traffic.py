"""What went over the line, in words for the page and in numbers for programs."""

from pipeline.model.traffic import QUANTILES, Traffic


def traffic_terms(traffic: Traffic | None) -> tuple[tuple[str, str], ...]:
    """Give what the page's settings say of it; nothing where nothing was sent.

    >>> sent = Traffic(retries=2, held_s=12.3)
    >>> sent.statuses.update({201: 1200, 429: 3, 0: 1})
    >>> sent.latencies.add(0.0123)
    >>> for each in traffic_terms(sent):
    ...     print(each)
    ('Requests', '1,204: 1,200 × status 201, 3 × status 429, 1 without an answer; 2 were retries')
    ('Answers took', 'half of them at most 12 ms, 90 % 12 ms, 99 % 12 ms, the longest 12 ms')
    ('Waited', '12 s as the API asked')
    """
    if traffic is None or not traffic.requests:
        return ()
    parts = [f"{n:,} × status {status}" for status, n in traffic.answers()]
    if traffic.unanswered:
        parts.append(f"{traffic.unanswered:,} without an answer")
    retries = f"; {traffic.retries:,} were retries" if traffic.retries else ""
    terms = [("Requests", f"{traffic.requests:,}: {', '.join(parts)}{retries}")]
    times = traffic.latencies
    if times.count:
        half, most, nearly = (time_in_words(times.quantile(share)) for share in QUANTILES)
        longest = time_in_words(times.longest_s)
        words = f"half of them at most {half}, 90 % {most}, 99 % {nearly}, the longest {longest}"
        terms.append(("Answers took", words))
    waits = (
        (traffic.held_s, "as the API asked"),
        (traffic.outage_s, "until the API was back"),
        (traffic.slowed_s, "so as not to retry too often"),
    )
    waited = [f"{time_in_words(seconds)} {why}" for seconds, why in waits if seconds >= 1]
    if waited:
        terms.append(("Waited", ", ".join(waited)))
    return tuple(terms)


def time_in_words(seconds: float) -> str:
    """Write a time as short as it makes sense.

    >>> [time_in_words(each) for each in (0.0004, 0.0123, 1.26, 75.2)]
    ['0 ms', '12 ms', '1.3 s', '75 s']
    """
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:,.0f} s"


def traffic_numbers(traffic: Traffic | None) -> dict[str, object] | None:
    """Give it as summary.json has it; seconds are rounded to tenths of a millisecond."""
    if traffic is None:
        return None
    times = traffic.latencies
    quantiles = {f"p{share * 100:g}": _s(times.quantile(share)) for share in QUANTILES}
    return {
        "requests": traffic.requests,
        "answers": {str(status): n for status, n in traffic.answers()},
        "unanswered": traffic.unanswered,
        "reads": traffic.reads,
        "retries": traffic.retries,
        "throttles": traffic.throttles,
        "waited_s": {
            "rate_limit": _s(traffic.held_s),
            "outage": _s(traffic.outage_s),
            "retry_budget": _s(traffic.slowed_s),
        },
        "bytes": {"sent": traffic.sent_bytes, "received": traffic.received_bytes},
        "in_flight_max": traffic.in_flight_max,
        "sending_s": _s(traffic.sending_s),
        "latency_s": {
            **quantiles,
            "max": _s(times.longest_s),
            "sum": _s(times.total_s),
            "count": times.count,
        },
    }


def traffic_fields(traffic: Traffic | None) -> dict[str, object]:
    """Give what the last event of a run says of it."""
    if traffic is None or not traffic.requests:
        return {}
    half, _, nearly = (traffic.latencies.quantile(share) for share in QUANTILES)
    return {
        "requests": traffic.requests,
        "retries": traffic.retries or None,
        "throttles": traffic.throttles or None,
        "waited_s": round(traffic.held_s + traffic.outage_s, 1) or None,
        "p50_ms": round(half * 1000),
        "p99_ms": round(nearly * 1000),
        "sent_mb": round(traffic.sent_bytes / 1e6, 1) or None,
    }


def _s(seconds: float) -> float:
    return round(seconds, 4)
