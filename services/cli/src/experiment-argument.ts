import type { TrialView } from '@lamina/domain/contract/api.ts';
import type { Argv } from 'yargs';
import type { Client } from './client.ts';
import { CliError, usageError } from './errors.ts';
import { EXIT_CODES } from './exit-codes.ts';

/** The positional argument of every command about one experiment. */
export function experimentArgument<T>(options: Argv<T>) {
  return options.positional('experiment', {
    type: 'string',
    default: 'latest',
    describe: 'id of the experiment, or "latest"',
  });
}

/** @throws CliError where there is none yet */
export async function experimentId(client: Client, experiment: string): Promise<string> {
  if (experiment !== 'latest') return experiment;
  const { items } = await client.list({ limit: 1 });
  const [newest] = items;
  if (newest !== undefined) return newest.id;
  throw new CliError('there is no experiment yet', EXIT_CODES.notFound, { fix: 'submit one: lamina submit FILE' });
}

/** The one trial whose id begins so. */
export function trialByPrefix(trials: readonly TrialView[], prefix: string): TrialView {
  const [trial, ...others] = trials.filter(({ id }) => id.startsWith(prefix.toLowerCase()));
  if (trial === undefined) {
    throw new CliError(`no trial's id begins with "${prefix}"`, EXIT_CODES.notFound, {
      fix: 'lamina show lists the trials of an experiment',
    });
  }
  if (others.length > 0) throw usageError(`${others.length + 1} trials begin with "${prefix}"`, 'give more of the id');
  return trial;
}
