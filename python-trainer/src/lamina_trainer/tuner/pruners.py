"""Pruners, made from the settings of a study."""

from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner, SuccessiveHalvingPruner

from lamina_trainer.contract.search import PrunerSettings


def pruner_of(settings: PrunerSettings | None) -> BasePruner:
    """The pruner of a study; one that prunes nothing where there are no settings.

    - median: the best value so far is worse than the median of the finished ones at the same step.
    - asha: at steps f, f·r, f·r², … one in r goes on, f being the first look and r the reduction factor. The first to
      arrive at such a step has nobody to be compared with and goes on.
    - hyperband: several of these side by side, of which each suggestion belongs to one by its number; the more patient
      the later their first look.
    """
    if settings is None:
        return NopPruner()
    first = max(settings.every, settings.warmup_steps)
    match settings.kind:
        case "median":
            return MedianPruner(
                n_startup_trials=settings.startup_trials,
                n_warmup_steps=settings.warmup_steps,
                interval_steps=settings.every,
            )
        case "asha":
            return SuccessiveHalvingPruner(min_resource=first, reduction_factor=settings.reduction_factor)
        case "hyperband":
            return HyperbandPruner(
                min_resource=first, max_resource=settings.max_steps, reduction_factor=settings.reduction_factor
            )
