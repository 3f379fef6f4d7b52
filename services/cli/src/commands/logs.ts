import type { AttemptView, TrialView } from '@lamina/domain/contract/api.ts';
import { DATASET_TRIAL } from '@lamina/domain/contract/generation.ts';
import type { Client } from '../client.ts';
import { defineCommand } from '../command.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { experimentArgument, experimentId, trialByPrefix } from '../experiment-argument.ts';
import { shortId } from '../format/text.ts';

export const logs = defineCommand({
  command: 'logs [experiment] [trial]',
  describe: "print a trial's log",
  builder: (options) =>
    experimentArgument(options)
      .positional('trial', {
        type: 'string',
        describe: 'id of the trial or its beginning, or dataset; without it: one that failed, or one that runs',
      })
      .option('attempt', { type: 'number', requiresArg: true, describe: 'this attempt instead of the newest' })
      .option('follow', { alias: 'f', type: 'boolean', default: false, describe: 'go on until the attempt has ended' })
      .option('tail', { alias: 'n', type: 'number', requiresArg: true, describe: 'only the last lines' }),
  run: async ({ experiment, trial, attempt, follow, tail }, { io, client, json }) => {
    const id = await experimentId(client, experiment);
    const chosen = await chosenLog(client, id, trial);
    if (trial === undefined) io.err(`${chosen.says}\n`);
    const path =
      attempt === undefined
        ? `experiments/${encodeURIComponent(id)}/trials/${chosen.id}/logs`
        : `attempts/${encodeURIComponent(await attemptId(client, id, chosen, attempt))}/logs`;
    for await (const chunk of client.log(path, { follow: follow || undefined, tail }, io.signal)) {
      io.out(json ? `${JSON.stringify({ trialId: chosen.id, text: chunk })}\n` : chunk);
    }
    return EXIT_CODES.ok;
  },
});

interface ChosenLog {
  readonly id: string;
  readonly says: string;
  /** Attempts that are known already; null: those of a trial. */
  readonly attempts: readonly AttemptView[] | null;
}

/** Before there are trials, what is done is the generation of their dataset. */
async function chosenLog(client: Client, id: string, trial: string | undefined): Promise<ChosenLog> {
  const trials = trial === DATASET_TRIAL ? [] : await client.trials(id);
  if (trial === DATASET_TRIAL || (trial === undefined && trials.length === 0)) {
    const { attemptList, state } = await client.preparation(id);
    return { id: DATASET_TRIAL, says: `generation of the dataset: ${state}`, attempts: attemptList };
  }
  const chosen = trial === undefined ? mostTelling(trials) : trialByPrefix(trials, trial);
  return {
    id: chosen.id,
    says: `${shortId(chosen.id)}  ${chosen.label}, seed ${chosen.seed}: ${chosen.state}`,
    attempts: null,
  };
}

/** A failed trial is what one wants to read about, else one at work, else the last that has started. */
export function mostTelling(trials: readonly TrialView[]): TrialView {
  const started = trials.filter(({ attempts }) => attempts > 0);
  const trial =
    (['failed', 'diverged', 'pruned', 'retrying', 'running'] as const)
      .map((state) => started.find((candidate) => candidate.state === state))
      .find((candidate) => candidate !== undefined) ?? started.at(-1);
  if (trial !== undefined) return trial;
  throw new CliError('no trial of this experiment has been started', EXIT_CODES.notFound, {
    fix: 'reused trials have no log here: see the experiment that measured them',
  });
}

async function attemptId(client: Client, experiment: string, log: ChosenLog, attempt: number): Promise<string> {
  const attempts = log.attempts ?? (await client.trial(experiment, log.id)).attemptList;
  const found = attempts.find((candidate) => candidate.attempt === attempt);
  if (found !== undefined) return found.id;
  throw new CliError(`${shortId(log.id)} has no attempt ${attempt}`, EXIT_CODES.notFound);
}
