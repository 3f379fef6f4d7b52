/** What the bundle holds. */
export { experiment } from './experiment.ts';
export { search } from './search.ts';
