"""Cox's partial likelihood with Efron's handling of ties: its value, derivatives and maximum, in one pass
over sorted rows.

Each row is at risk on an unbroken run of the days with events of its stratum. So every sum over a risk set is
a sum of all rows whose run ends there or later, less those whose run has not begun: two cumulative sums from
the end. Work grows with n log n (one sort), memory with n.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

STEPS = 50  # of Newton's method; an estimate that still moves then runs away
# an information below this, for each event and in standard deviations of the terms, is rounding noise
FLAT = 1e-11


@dataclass(frozen=True)
class RiskSets:
    """Rows and the cells (stratum and day with an event) at which they are at risk.

    Attributes
    ----------
    rows : array of int
        The rows that are ever at risk when an event happens, in the order of the arrays below.
    x, weights, event : array
        Their terms (centred in each stratum, in standard deviations), weights, and whether they end with the
        event.
    place, entered : array of int
        A row is at risk in the cells after ``entered``, up to ``place``.
    days, ties, mean_weight : array
        Of each cell: its day, its events, and their mean weight.
    """

    rows: np.ndarray
    x: np.ndarray
    weights: np.ndarray
    event: np.ndarray
    place: np.ndarray
    entered: np.ndarray
    days: np.ndarray
    ties: np.ndarray
    mean_weight: np.ndarray

    @property
    def events(self) -> float:
        """The sum of the weights of all events."""
        return float(self.mean_weight @ self.ties)


class Derivatives(NamedTuple):
    """At some coefficients: value, score and information; ``parts`` holds what they were made from."""

    loglik: float
    score: np.ndarray
    information: np.ndarray
    parts: tuple


class Maximum(NamedTuple):
    """Where the likelihood is highest; ``found`` is false where estimates run away."""

    coef: np.ndarray
    at: Derivatives
    null: Derivatives
    found: bool


def risk_sets(
    x: np.ndarray,
    start: np.ndarray,
    days: np.ndarray,
    event: np.ndarray,
    weights: np.ndarray,
    stratum: np.ndarray,
) -> tuple[RiskSets, np.ndarray]:
    """The risk sets of rows, and the standard deviations by which their terms were divided.

    The partial likelihood knows only differences within strata, so centring changes no estimate; it keeps
    precision. ``start`` is -1 for a row at risk from day 0 on; ``stratum`` counts from 0.
    """
    inside = np.maximum(np.bincount(stratum), 1)
    means = np.stack([np.bincount(stratum, column) / inside for column in x.T], axis=1)
    x = x - (means[0] if len(means) == 1 else means[stratum])
    spread = x.std(axis=0)
    spread = np.where(spread > 0, spread, 1)
    span = int(days.max()) + 2  # a cell's number: its stratum times this, and the day after its own
    end, begin = (stratum * span + day.astype(np.int64) + 1 for day in (days, start))
    cells, ties = np.unique(end[event], return_counts=True)
    place, entered = (np.searchsorted(cells, moment, side="right") - 1 for moment in (end, begin))
    order = np.argsort(place, kind="stable")  # neighbours in memory are then neighbours in time
    order = order[place[order] > entered[order]]
    sums = np.bincount(place[event], weights[event], minlength=cells.size)
    return RiskSets(
        order,
        np.asfortranarray(x[order] / spread),
        weights[order],
        event[order],
        place[order],
        entered[order],
        cells % span - 1,
        ties,
        sums / ties,
    ), spread


def derivatives(coef: np.ndarray, sets: RiskSets) -> Derivatives:
    """Log partial likelihood, score and information at some coefficients (of terms in standard
    deviations).
    """
    predictor = (sets.x * coef).sum(axis=1)
    predictor -= predictor.max()
    risk, k = np.exp(predictor) * sets.weights, sets.x.shape[1]
    rows, columns = np.triu_indices(k)
    moments = [risk, *(risk * sets.x.T), *(risk * sets.x.T[rows] * sets.x.T[columns])]
    whole = _at_risk(moments, sets)
    part = _in_cells([each[sets.event] for each in moments], sets.place[sets.event], sets)
    # one entry a tied event: they leave one after the other
    cell = np.repeat(np.arange(sets.ties.size), sets.ties)
    left = (np.arange(cell.size) - np.repeat(np.cumsum(sets.ties) - sets.ties, sets.ties)) / sets.ties[cell]
    # where a step went too far, the value is not a number and the step is taken back
    with np.errstate(all="ignore"):
        total = whole[0][cell] - left * part[0][cell]
        mean = (whole[1 : k + 1][:, cell] - left * part[1 : k + 1][:, cell]) / total
        weight = sets.mean_weight[cell]
        per_risk = weight / total
        dying, weights = sets.x[sets.event], sets.weights[sets.event]
        loglik = weights @ predictor[sets.event] - weight @ np.log(total)
        score = weights @ dying - mean @ weight
        here, gone = np.bincount(cell, per_risk), np.bincount(cell, per_risk * left)
        second = whole[k + 1 :] @ here - part[k + 1 :] @ gone
        information = np.zeros((k, k))
        information[rows, columns] = information[columns, rows] = second
        information -= (mean * weight) @ mean.T
    return Derivatives(
        float(loglik), score, information, (cell, left, mean, per_risk, risk, whole, part, here, gone)
    )


def maximum(at: Callable[[np.ndarray], Derivatives], terms: int, events: float) -> Maximum:
    """Newton's method from no effect on; a step that went too far is halved, as in R.

    ``at`` gives :class:`Derivatives` for coefficients of ``terms`` in standard deviations; ``events`` is
    their number.
    """
    coef = best = np.zeros(terms)
    here = null = highest = at(coef)
    for _ in range(STEPS):
        if not here.loglik >= highest.loglik - 1e-11 * abs(highest.loglik):
            coef = (coef + best) / 2
            here = at(coef)
            continue
        best, highest = coef, here
        if (step := solved(here, events)) is None:
            break
        coef = best + step
        here = at(coef)
        if np.abs(step).max() < 1e-7:  # each step squares the distance: the next would be below rounding
            return Maximum(coef, here, null, True)
    return Maximum(best, highest, null, False)


def solved(at: Derivatives, events: float) -> np.ndarray | None:
    """The step of Newton's method; ``None`` where the information is nothing but rounding."""
    if not np.isfinite(at.information).all() or np.linalg.eigvalsh(at.information)[0] < FLAT * events:
        return None
    return np.linalg.solve(at.information, at.score)


def residuals(at: Derivatives, sets: RiskSets) -> np.ndarray:
    """The score residual (unweighted) of each row of the risk sets; those of all others are 0.

    lifelines, greenwood and statsmodels give them as if no days tied, so that their robust variance differs
    from R's by up to 1 in 100. Here each of d events of a day meets a risk set from which the d have left in
    part.
    """
    cell, left, mean, per_risk, risk, _, _, here, gone = at.parts
    size = sets.ties.size
    met = _in_cells(mean * per_risk, cell, sets)
    hazard, among = (
        np.concatenate([np.zeros((len(part), 1)), np.cumsum(part, axis=1)], axis=1)
        for part in (here[None], met)
    )
    until, since = sets.place + 1, sets.entered + 1
    alone = risk / sets.weights
    found = -alone[:, None] * (
        sets.x * (hazard[0, until] - hazard[0, since])[:, None] - (among[:, until] - among[:, since]).T
    )
    dying, own = sets.event, sets.place[sets.event]
    back = np.stack([np.bincount(cell, of * per_risk * left, minlength=size) for of in mean])
    average = _in_cells(mean, cell, sets) / sets.ties
    found[dying] += (
        alone[dying, None] * (sets.x[dying] * gone[own][:, None] - back[:, own].T)
        + sets.x[dying]
        - average[:, own].T
    )
    return found


def cell_scores(at: Derivatives, sets: RiskSets) -> tuple[np.ndarray, np.ndarray]:
    """The parts of score (terms x cells) and information (terms x terms x cells) that come from each cell; no
    weights.
    """
    cell, _, mean, _, _, whole, part, here, gone = at.parts
    k = sets.x.shape[1]
    rows, columns = np.triu_indices(k)
    second = whole[k + 1 :] * here - part[k + 1 :] * gone - _in_cells(mean[rows] * mean[columns], cell, sets)
    information = np.zeros((k, k, sets.ties.size))
    information[rows, columns] = information[columns, rows] = second
    observed = _in_cells(sets.x[sets.event].T, sets.place[sets.event], sets)
    return observed - _in_cells(mean, cell, sets), information


def _in_cells(columns: Iterable[np.ndarray], place: np.ndarray, sets: RiskSets) -> np.ndarray:
    return np.stack([np.bincount(place, column, minlength=sets.ties.size) for column in columns])


def _at_risk(columns: Iterable[np.ndarray], sets: RiskSets) -> np.ndarray:
    """Sums over the risk set of each cell: rows that leave there or later, less those that enter there or
    later.
    """
    sums, late = _in_cells(columns, sets.place, sets), sets.entered >= 0
    if late.any():
        sums -= _in_cells([column[late] for column in columns], sets.entered[late], sets)
    return np.cumsum(sums[:, ::-1], axis=1)[:, ::-1]
