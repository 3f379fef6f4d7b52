"""Samplers, a new one for every suggestion.

A sampler of Optuna holds the state of its random numbers in memory, which dies with the worker. Here each suggestion
gets a sampler of its own, seeded by the study's seed and the suggestion's number: what is suggested depends on these
and on what the storage holds, and on nothing that a restart could change.
"""

from typing import Final

import numpy as np
from optuna.samplers import BaseSampler, CmaEsSampler, GridSampler, NSGAIISampler, RandomSampler, TPESampler

from lamina_trainer.contract.search import StudySpec
from lamina_trainer.tuner.ranges import points

_POPULATION: Final = 12
"""Suggestions in a generation of NSGA-II. A search has tens of suggestions, each of which trains a model: with Optuna's
50 most would end within the first generation, which is random."""


def sampler_for(study: StudySpec, number: int) -> BaseSampler:
    """The sampler that draws one suggestion.

    - TPE is multivariate for one direction: learning rate and rank, or batch and steps, are good in combination, which
      one estimate per parameter cannot see. Suggestions that still run count as bad ones (constant liar), so that those
      asked for in parallel differ. The first ten are random.
    - CMA-ES moves a normal distribution over the numbers. It knows no order of choices: those are drawn by a TPE of
      their own, parameter by parameter.
    - The grid is gone through in an order that the study's seed alone decides: number n is its n-th point.
    """
    seed = suggestion_seed(study.seed, number)
    match study.sampler:
        case "tpe":
            return TPESampler(seed=seed, multivariate=len(study.directions) == 1, constant_liar=True)
        case "random":
            return RandomSampler(seed=seed)
        case "cma-es":
            apart = TPESampler(seed=seed, multivariate=False, constant_liar=True)
            return CmaEsSampler(seed=seed, independent_sampler=apart, warn_independent_sampling=False)
        case "nsga-ii":
            return NSGAIISampler(seed=seed, population_size=_POPULATION)
        case "grid":
            grid = {name: points(among) for name, among in study.parameters.items()}
            return GridSampler(grid, seed=suggestion_seed(study.seed, 0))


def suggestion_seed(seed: int, number: int) -> int:
    """32 bits that differ for every suggestion of every seed, also for neighbours."""
    return int(np.random.SeedSequence((seed, number)).generate_state(1)[0])
