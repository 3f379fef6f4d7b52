"""The comparison's differences once more, by NumPy and SciPy: cells on standard input, figures on standard output."""

import itertools
import json
import sys

import numpy as np
from scipy import optimize, special

ALPHA = 0.05


def point(tail, freedom):
    """Of Student's t, above which `tail` lies."""
    return -special.stdtrit(freedom, tail)


def spread(a, b):
    d = a - b
    d = d[~np.isnan(d)]
    return len(d), d.mean() if len(d) else None, d.var(ddof=1) if len(d) > 1 else None


def prior(cells, i, j):
    """Borrowed variance and the number of its lenders."""
    a, b = cells[i], cells[j]
    if a["model"] != b["model"]:
        return None
    same = [c for c in cells if c["model"] == a["model"] and np.count_nonzero(~np.isnan(c["row"])) > 1]
    if a["depth"] == b["depth"]:
        pool = [c for c in same if c["depth"] == a["depth"]]
        pairs = [(x, y, id(x), id(y)) for x, y in itertools.combinations(pool, 2)]
    else:
        sizes = {d: sum(c["depth"] == d for c in same) for d in {c["depth"] for c in same}}
        if min(sizes.values()) < 3:
            return None
        pairs = [(x, y, x["depth"], y["depth"]) for x, y in itertools.combinations(same, 2)]
    found = [(*spread(x["row"], y["row"]), p, q) for x, y, p, q in pairs if p != q]
    found = [f for f in found if f[0] > 1]
    lenders = {f[3] for f in found} | {f[4] for f in found}
    if len(lenders) < 3:
        return None
    return np.average([f[2] for f in found], weights=[f[0] - 1 for f in found]), len(lenders)


def text_variance(text):
    differences, tokens = np.array(text["differences"]), np.array(text["tokens"])
    n, j = differences.shape
    centred = differences - np.average(differences, axis=1, weights=tokens)[:, None]
    terms = centred * tokens / tokens.mean()
    records = terms.mean(axis=0)
    between = n * np.var(records, ddof=1)
    within = np.sum((terms - records) ** 2) / ((n - 1) * (j - 1))
    return max(0.0, between - within) / (n * j), j - 1


def difference(cells, i, j, text, borrowed):
    n, mean, v = spread(cells[i]["row"], cells[j]["row"])
    if n < 2:
        return {"n": n, "mean": mean, "half": None, "p": None, "at": lambda tail: np.inf}
    nu, lent = n - 1, borrowed(i, j)
    if lent is None:
        variance, freedom = v, nu
    else:
        variance, freedom = (2 * lent[0] + nu * v) / (2 + nu), min(2 + nu, (lent[1] - 1) * nu)
    error = np.sqrt(variance / n)
    more, records = text

    def half(tail):
        return np.hypot(point(tail, freedom) * error, point(tail, records) * np.sqrt(more))

    p = optimize.brentq(lambda p: half(p / 2) - abs(mean), 1e-12, 1 - 1e-12, xtol=1e-15)
    plain = 2 * special.stdtr(freedom, -abs(mean) / error)
    return {"n": n, "mean": mean, "half": point(0.025, freedom) * error, "p": plain,
            "withText": half(0.025), "pWithText": p, "at": lambda tail: point(tail, freedom) * error}


def best(all_differences, count):
    tail = ALPHA / (count - 1)
    at = lambda i, j: ((all_differences[i, j]["mean"] or 0.0), all_differences[i, j]["at"](tail))
    kept = [i for i in range(count) if all(at(i, j)[0] - at(i, j)[1] <= 0 for j in range(count) if j != i)]
    return [[i, max([0.0] + [sum(at(i, j)) for j in kept if j != i])] for i in kept]


def answer(case):
    cells = [dict(c, row=np.array([np.nan if x is None else x for x in c["values"]])) for c in case["cells"]]
    text = text_variance(case["text"])
    known = {}

    def borrowed(i, j):
        key = frozenset((c["model"], c["depth"]) for c in (cells[i], cells[j]))
        if key not in known:
            known[key] = prior(cells, i, j)
        return known[key]

    pairs = {(i, j): difference(cells, i, j, text, borrowed) for i, j in itertools.permutations(range(len(cells)), 2)}
    shown = [[i, j, {k: v for k, v in d.items() if k != "at"}] for (i, j), d in pairs.items()]
    return {"pairs": shown, "best": [[i, None if np.isinf(b) else b] for i, b in best(pairs, len(cells))]}


json.dump([answer(case) for case in json.load(sys.stdin)], sys.stdout)
