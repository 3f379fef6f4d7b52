import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** Downloads and environments, shared by all clones on this machine. */
export const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'lamina');

/** What belongs to this clone: database, artifacts, model links. */
export const dataFolder = join(root, '.lamina');

export const paths = {
  node: join(root, 'node_modules/.bin/node'),
  model: join(dataFolder, 'models/gemma-3-270m-q4_k_m.gguf'),
  trainer: join(root, 'python-trainer'),
  /** Converted weights and tokenized data, shared by all trials on this machine. */
  trainerCache: join(cache, 'trainer-cache'),
  web: join(root, 'services/web'),
};
