/** The commands that change a run: pause, resume, cancel, retry, extend. */
import type { ActionView } from '@lamina/domain/contract/api.ts';
import { defineCommand, writeJson } from '../command.ts';
import { axisValues } from '../document.ts';
import { usageError } from '../errors.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { experimentArgument, experimentId, trialByPrefix } from '../experiment-argument.ts';
import { counted } from '../format/text.ts';
import type { Io } from '../io.ts';

const RETRY_STATES = ['failed', 'cancelled', 'diverged', 'pruned'] as const;

export const pause = defineCommand({
  command: 'pause [experiment]',
  describe: 'start no further trials; those that run go on',
  builder: (options) => experimentArgument(options),
  run: async ({ experiment }, { io, client, json }) => {
    const view = await client.pause(await experimentId(client, experiment));
    return answered(io, json, view, () => `paused ${view.experiment.name}; go on: lamina resume ${view.experiment.id}`);
  },
});

export const resume = defineCommand({
  command: 'resume [experiment]',
  describe: 'go on after a pause',
  builder: (options) => experimentArgument(options),
  run: async ({ experiment }, { io, client, json }) => {
    const view = await client.resume(await experimentId(client, experiment));
    return answered(io, json, view, () => `resumed ${view.experiment.name}`);
  },
});

export const cancel = defineCommand({
  command: 'cancel <experiment>',
  describe: 'stop an experiment for good; finished trials keep their results',
  builder: (options) => experimentArgument(options),
  run: async ({ experiment }, { io, client, json }) => {
    const view = await client.cancel(await experimentId(client, experiment));
    return answered(
      io,
      json,
      view,
      () => `cancelling ${view.experiment.name}: ${counted(view.affected, 'trial')} stopped`,
    );
  },
});

export const retry = defineCommand({
  command: 'retry [experiment]',
  describe: 'run failed and cancelled trials again',
  builder: (options) =>
    experimentArgument(options)
      .option('state', { choices: RETRY_STATES, array: true, nargs: 1, describe: 'only these (repeatable)' })
      .option('trial', { type: 'string', array: true, nargs: 1, describe: 'only this trial (repeatable)' }),
  run: async ({ experiment, state, trial }, { io, client, json }) => {
    const id = await experimentId(client, experiment);
    const trials = trial === undefined ? [] : await client.trials(id);
    const view = await client.retry(id, {
      ...(state === undefined ? (trial === undefined ? {} : { states: RETRY_STATES }) : { states: state }),
      ...(trial === undefined ? {} : { trialIds: trial.map((prefix) => trialByPrefix(trials, prefix).id) }),
    });
    return answered(io, json, view, () =>
      view.affected === 0 ? 'nothing to run again' : `${counted(view.affected, 'trial')} will run again`,
    );
  },
});

export const extend = defineCommand({
  command: 'extend [experiment]',
  describe: 'add values to axes of the matrix, e.g. --axis seed=4,5',
  builder: (options) =>
    experimentArgument(options).option('axis', {
      type: 'string',
      array: true,
      nargs: 1,
      demandOption: true,
      describe: 'axis and values, e.g. seed=4,5 or layers=6 (repeatable)',
    }),
  run: async ({ experiment, axis }, { io, client, json }) => {
    const matrix = Object.fromEntries(axis.map(axisValues));
    if (Object.keys(matrix).length < axis.length)
      throw usageError('an axis is named twice', 'give its values together');
    const view = await client.extend(await experimentId(client, experiment), matrix);
    return answered(io, json, view, () =>
      view.affected === 0
        ? 'no new trials: these values are in the matrix already'
        : `${counted(view.affected, 'trial')} added to ${view.experiment.name}`,
    );
  },
});

function answered(io: Io, json: boolean, view: ActionView, text: () => string): ExitCode {
  if (json) writeJson(io, view);
  else io.out(`${text()}\n`);
  return EXIT_CODES.ok;
}
