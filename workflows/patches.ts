/**
 * Changes of what a workflow does that histories from before them must not see: each is asked for by `patched`, which
 * leaves a mark in the histories of runs that know it. Nothing is removed here while such runs may be under way; then
 * `deprecatePatch` takes the place of `patched` for one release.
 */
export const PATCHES = {
  /** An experiment's history ends after a number of events, not when the server suggests it. 0.1.0 left no mark of that. */
  longHistory: 'long-history',
} as const;
