from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from pipeline.send.budget import ANSWER_REWARD, LATE_COST, REFILL_PER_S, RETRY_COST, TOKENS, Budget


class Clock:
    def __init__(self) -> None:
        self.seconds = 50.0

    def __call__(self) -> float:
        return self.seconds


def test_a_full_bucket_pays_for_a_hundred_retries_at_once_and_then_they_wait() -> None:
    budget = Budget(Clock())
    assert [budget.take(RETRY_COST) for _ in range(100)] == [0.0] * 100
    assert budget.tokens == 0
    assert budget.take(RETRY_COST) == RETRY_COST / REFILL_PER_S
    assert budget.overdrawn
    assert budget.take(RETRY_COST) == 2 * RETRY_COST / REFILL_PER_S


def test_what_waited_for_is_there_when_the_wait_is_over() -> None:
    clock = Clock()
    budget = Budget(clock)
    budget.take(TOKENS)
    wait_s = budget.take(LATE_COST)
    clock.seconds += wait_s
    assert not budget.overdrawn
    assert budget.take(RETRY_COST) > 0


def test_an_answer_pays_debts_first() -> None:
    budget = Budget(Clock())
    budget.take(TOKENS + RETRY_COST)
    budget.give(ANSWER_REWARD)
    assert not budget.overdrawn
    assert budget.tokens == 0


def test_a_storm_in_which_orders_get_their_answer_costs_nothing_in_the_end() -> None:
    """79 % of the requests fail, for ever: retries are paid for by the orders that they save."""
    dice = random.Random(3)  # noqa: S311
    budget = Budget(Clock())  # time stands still, so that nothing comes of waiting
    least = TOKENS
    for _ in range(10_000):
        paid = 0.0
        while dice.random() < 0.79:
            budget.take(RETRY_COST)
            paid += RETRY_COST
            least = min(least, budget.tokens)
        budget.give(paid + ANSWER_REWARD)
    assert budget.tokens > TOKENS - 10 * RETRY_COST
    assert least > 0


@given(
    st.lists(
        st.tuples(st.sampled_from(["take", "late", "give", "wait"]), st.floats(0, 100)),
        max_size=200,
    )
)
def test_it_never_holds_more_than_it_can_and_never_pays_out_faster_than_it_refills(
    steps: list[tuple[str, float]],
) -> None:
    clock = Clock()
    budget = Budget(clock)
    taken = given_back = 0.0
    for what, amount in steps:
        if what == "wait":
            clock.seconds += amount
        elif what == "give":
            budget.give(amount)
            given_back += amount
        else:
            cost = LATE_COST if what == "late" else RETRY_COST
            wait_s = budget.take(cost)
            taken += cost
            assert wait_s == max(0.0, -budget.tokens / REFILL_PER_S)
            in_time = (clock.seconds - 50.0 + wait_s) * REFILL_PER_S
            assert taken <= TOKENS + given_back + in_time + 1e-6
        assert budget.tokens <= TOKENS
