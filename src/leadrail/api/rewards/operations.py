"""The rows of the reward operations."""

from typing import Any

from leadrail.api import examples
from leadrail.api.operation import Operation
from leadrail.api.page import Page
from leadrail.api.rewards import deciding, reading
from leadrail.api.rewards.shapes import (
    NewCorrection,
    Rejection,
    RewardBatch,
    RewardOutcomes,
    RewardPaging,
    RewardQuery,
    TotalsQuery,
)
from leadrail.core.actor import Scope
from leadrail.core.errors import Code
from leadrail.core.rewards.model import Reward
from leadrail.core.rewards.store import Total


def _row(method: str, path: str, summary: str, handler: Any, **rest: Any) -> Operation:
    scope = Scope.READ if method == "GET" else Scope.ADMIN
    return Operation(method=method, path=path, summary=summary, tag="Rewards", scope=scope, handler=handler, **rest)


_ONE = "/v1/rewards/{id}"
_WHO = "For the company that pays and for the owner of the channel."

OPERATIONS = (
    _row(
        "GET",
        "/v1/rewards",
        "List rewards, newest first",
        reading.listed,
        description="Those that the company earns, those that it pays, and those of its own leads.",
        query=RewardPaging,
        answer=Page[Reward],
        answer_example={"data": [examples.REWARD], "next_cursor": None},
    ),
    _row(
        "GET",
        "/v1/rewards/totals",
        "Sum up rewards by partner, channel, month and currency",
        reading.totals,
        description="Months are those of `created_at` in UTC. What is left out of `group` is null in the answer."
        " The sums are those of the list for the same time, channel and earner.",
        query=TotalsQuery,
        answer=Page[Total],
        answer_example={"data": [examples.REWARD_TOTAL], "next_cursor": None},
        refusals=(Code.INVALID,),
    ),
    _row(
        "GET",
        "/v1/rewards/export.csv",
        "Export rewards as CSV, newest first",
        reading.export,
        description="With the filters of the list, without its pages: however many there are, they come in one answer.",
        query=RewardQuery,
        media_type="text/csv",
        answer_example="id,created_at,state,amount,currency,…",
        refusals=(Code.INVALID,),
    ),
    _row("GET", _ONE, "Read a reward", reading.read, answer=Reward, answer_example=examples.REWARD),
    _row(
        "POST",
        f"{_ONE}/approve",
        "Approve a reward",
        deciding.approve,
        description=f"A pending one, also while it is on hold. {_WHO}",
        answer=Reward,
        answer_example=examples.APPROVED_REWARD,
        refusals=(Code.CONFLICT,),
    ),
    _row(
        "POST",
        f"{_ONE}/reject",
        "Reject a reward",
        deciding.reject,
        description=f"A pending or approved one; the lead does not earn it again. {_WHO}",
        body=Rejection,
        answer=Reward,
        request_example={"reason": "The order was cancelled"},
        answer_example=examples.REWARD | {"state": "rejected", "reason": "The order was cancelled"},
        refusals=(Code.CONFLICT,),
    ),
    _row(
        "POST",
        f"{_ONE}/pay",
        "Mark a reward as paid",
        deciding.pay,
        description=f"An approved one whose hold is over. Paid is final; corrections take back. {_WHO}",
        answer=Reward,
        answer_example=examples.APPROVED_REWARD | {"state": "paid"},
        refusals=(Code.CONFLICT,),
    ),
    _row(
        "POST",
        f"{_ONE}/corrections",
        "Correct a paid reward",
        deciding.correct,
        description="Adds a line below zero, which goes the same way: pending, approved, paid. Corrections never take"
        f" back more than the reward was. {_WHO}",
        body=NewCorrection,
        answer=Reward,
        status=201,
        request_example={"amount": "120", "reason": "Part of the order was returned"},
        answer_example=examples.CORRECTION,
        refusals=(Code.CONFLICT,),
    ),
    _row(
        "POST",
        "/v1/rewards/batch",
        "Decide on many rewards at once",
        deciding.decide_batch,
        description="Up to 1,000; one outcome for each, in order. A refused one does not hinder the others.",
        body=RewardBatch,
        answer=RewardOutcomes,
        request_example={"decision": "approve", "ids": [examples.REWARD_ID]},
        answer_example={"data": [{"outcome": "changed", "reward": examples.APPROVED_REWARD}]},
    ),
)
