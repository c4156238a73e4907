"""One order on its way: what was tried, what is known, what becomes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.model.orders import Outcome, Problem, Replay, Submission
from pipeline.model.outcomes import MutationOutcome, OrderOutcome
from pipeline.send.readback import differing, visible_in, without
from pipeline.send.words import visible

_NAMED = 5  # fields that differ


@dataclass(slots=True)
class Job:
    """A submission and its history.

    `there`: ordinals of operations that were found applied. `otherwise`: of these, those whose line is
    there in another quantity, so that nobody knows; `doubtful`: those that seem so until the last look.
    `looks`: how often it was read back since its last attempt. `paid`: what its retries took of the
    budget. `refusal`: what becomes of an order that is in conflict, should it never get over that.
    """

    submission: Submission
    current: Submission = field(init=False)
    read_first: bool = False
    looks: int = 0
    there: frozenset[int] = frozenset()
    otherwise: frozenset[int] = frozenset()
    doubtful: frozenset[int] = frozenset()
    attempts: int = 0
    failures: int = 0
    throttles: int = 0
    spent_s: float = 0.0
    paid: float = 0.0
    ambiguous: bool = False
    in_flight: bool = False
    status: int | None = None
    words: str = ""
    refusal: Outcome | None = None

    def __post_init__(self) -> None:
        self.current = self.submission

    def doubt(self) -> None:
        """Note that an earlier run may have sent it: nobody knows what arrived."""
        self.ambiguous = True
        self.read_first = True

    def found(self, there: frozenset[int]) -> None:
        """Note operations that need not be sent any more."""
        self.there |= there
        self.current = without(self.submission, self.there)

    def found_otherwise(self) -> None:
        """Send the doubtful operations no more, although nobody knows of them."""
        self.otherwise |= self.doubtful
        self.found(self.doubtful)
        self.doubtful = frozenset()

    @property
    def unsafe(self) -> frozenset[int]:
        """The operations that must be read back before they are sent again."""
        return frozenset(
            ordinal
            for ordinal, operation in enumerate(self.submission.operations)
            if operation.replay is Replay.READ_BACK and ordinal not in self.there
        )

    def answered(self, outcome: Outcome) -> Outcome:
        """Give the outcome of the current submission as one of the whole submission."""
        if not self.there:
            return outcome if self.attempts == 1 else replace(outcome, attempts=self.attempts)
        sent = [n for n in range(len(self.submission.operations)) if n not in self.there]
        results = dict(zip(sent, outcome.mutations, strict=True))
        unclear = tuple(
            Problem(
                "A201",
                "the line is there in another quantity; not sent again, it might be done twice",
                attr=f"mutations.{ordinal}",
            )
            for ordinal in sorted(self.otherwise)
        )
        arrived = outcome.outcome in (OrderOutcome.CREATED, OrderOutcome.UPDATED)
        return replace(
            outcome,
            outcome=OrderOutcome.PARTLY_APPLIED if unclear and arrived else outcome.outcome,
            attempts=self.attempts,
            problems=(*(_renumbered(problem, sent) for problem in outcome.problems), *unclear),
            mutations=self._with_found(results, MutationOutcome.SUCCEEDED),
        )

    def _with_found(
        self, results: Mapping[int, MutationOutcome], left: MutationOutcome
    ) -> tuple[MutationOutcome, ...]:
        """What became of each operation: by its result, by what was found of it, else as is left."""
        found = dict.fromkeys(self.there, MutationOutcome.SUCCEEDED)
        found |= dict.fromkeys(self.otherwise, MutationOutcome.UNKNOWN)
        return tuple(
            results.get(ordinal, found.get(ordinal, left))
            for ordinal in range(len(self.submission.operations))
        )

    def confirmed(self, status: int | None) -> Outcome:
        """Give the outcome of an order that was read back as it should be."""
        return Outcome(
            self.submission.order_number,
            OrderOutcome.CREATED if status == 201 else OrderOutcome.UPDATED,
            attempts=self.attempts,
            status=status,
            mutations=(MutationOutcome.SUCCEEDED,) * len(self.submission.operations),
        )

    def exists(self, order: dict[str, Any], status: int | None) -> Outcome:
        """Give the outcome of an order that was only to be created, and that parcelLab has.

        It was made by a lost attempt of ours if all that we sent is in it; else it is not ours.
        """
        number, operations = self.submission.order_number, self.submission.operations
        other = differing(self.submission, order) if self.ambiguous else []
        if not self.ambiguous or other:
            names = ", ".join(other[:_NAMED])
            why = f"what it has differs from what was sent ({names})" if other else "not sent again"
            return Outcome(
                number,
                OrderOutcome.LEFT_ALONE,
                attempts=self.attempts,
                status=status,
                problems=(Problem("A405", visible(why)),),
                mutations=(MutationOutcome.NOT_ATTEMPTED,) * len(operations),
            )
        seen = visible_in(self.submission, order)
        unseen = tuple(
            Problem(
                "A201",
                "the answer was lost, and the change cannot be seen in the order that it created",
                attr=f"mutations.{ordinal}",
            )
            for ordinal in range(len(operations))
            if ordinal not in seen
        )
        return Outcome(
            number,
            OrderOutcome.PARTLY_APPLIED if unseen else OrderOutcome.CREATED,
            attempts=self.attempts,
            status=status,
            problems=unseen,
            mutations=tuple(
                MutationOutcome.SUCCEEDED if ordinal in seen else MutationOutcome.UNKNOWN
                for ordinal in range(len(operations))
            ),
        )

    def unanswered(self, reason: str) -> Outcome:
        """Give the outcome of an order without answer: unknown if the API may have it."""
        unknown = self.ambiguous or self.in_flight
        words = "; ".join(part for part in (self.words, reason) if part)
        left = MutationOutcome.UNKNOWN if unknown else MutationOutcome.NOT_ATTEMPTED
        return Outcome(
            self.submission.order_number,
            OrderOutcome.UNKNOWN if unknown else OrderOutcome.NOT_ATTEMPTED,
            attempts=self.attempts,
            status=self.status,
            problems=(Problem("U001" if unknown else "N001", visible(words)),),
            mutations=self._with_found({}, left),
        )


def _renumbered(problem: Problem, sent: list[int]) -> Problem:
    """Name the mutation by its place in the whole submission, not in what was sent of it."""
    head, _, rest = (problem.attr or "").partition(".")
    number, dot, tail = rest.partition(".")
    if (
        head != "mutations"
        or not (number.isascii() and number.isdecimal())
        or int(number) >= len(sent)
    ):
        return problem
    return replace(problem, attr=f"mutations.{sent[int(number)]}{dot}{tail}")
