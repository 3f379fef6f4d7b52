/** After so many failures of one activity its experiment counts as blocked: fewer are what any restart brings. */
export const BLOCKED_AFTER_FAILURES = 3;
