/** The variables that say where trials run; the worker's and the all-in-one process's configuration share them. */
import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { readClusterFile } from './runners/kubernetes/settings-file.ts';
import type { LocalTrainer } from './runners/local/trainer.ts';
import type { RunnerSettings } from './runners/open.ts';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const path = z
  .string()
  .min(1)
  .transform((value) => resolve(value));

export const runnerVariables = {
  LAMINA_RUNNER: z.enum(['local', 'kubernetes']).default('local').describe('where trials run'),
  LAMINA_CLUSTER: path.optional().describe("the cluster's settings, for the runner kubernetes"),
  LAMINA_KUBECONFIG: path
    .optional()
    .describe('in place of KUBECONFIG, ~/.kube/config, or the service account of the pod this runs in'),
  LAMINA_TRAINER_REVISION: z
    .string()
    .min(1)
    .optional()
    .describe("enters every trial's id; made from the image's name for the runner kubernetes"),
  LAMINA_TRAINER: path.default(join(repository, 'python-trainer')).describe('folder of the trainer (local)'),
  LAMINA_TRAINER_PYTHON: z.string().min(1).optional().describe("the trainer environment's interpreter (local, tuner)"),
  LAMINA_TRAINER_CACHE: path.optional().describe('converted weights and tokenized data, shared by trials (local)'),
  LAMINA_LAUNCHER: z
    .enum(['warm', 'process'])
    .default('warm')
    .describe('warm: local trials are forks of one process that has imported PyTorch already'),
  XDG_CACHE_HOME: path.optional(),
};

type Values = z.infer<z.ZodObject<typeof runnerVariables>>;

/** What one runner needs that the other does not; reported together with all other mistakes. */
export const runnerChecks = [
  needs('local', 'LAMINA_TRAINER_PYTHON', "the trainer environment's interpreter"),
  needs('kubernetes', 'LAMINA_CLUSTER', 'the file with the settings of the cluster (--cluster FILE)'),
];

function needs(runner: Values['LAMINA_RUNNER'], name: keyof Values, what: string) {
  return z.refine<Partial<Values>>((values) => values.LAMINA_RUNNER !== runner || values[name] !== undefined, {
    path: [name],
    error: `is needed by the runner ${runner}: ${what}`,
    when: () => true,
  });
}

/** @throws InvalidConfig with every mistake in the cluster's settings at once */
export function runnerSettings(values: Values): RunnerSettings {
  if (values.LAMINA_RUNNER === 'kubernetes') {
    const cluster = readClusterFile(values.LAMINA_CLUSTER ?? '');
    const trainerRevision = values.LAMINA_TRAINER_REVISION ?? imageRevision(cluster.image);
    return { kind: 'kubernetes', cluster, kubeconfig: values.LAMINA_KUBECONFIG ?? null, trainerRevision };
  }
  const cacheRoot = values.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  return {
    kind: 'local',
    trainer: {
      folder: values.LAMINA_TRAINER,
      python: values.LAMINA_TRAINER_PYTHON ?? '',
      cache: values.LAMINA_TRAINER_CACHE ?? join(cacheRoot, 'lamina', 'trainer-cache'),
      launcher: values.LAMINA_LAUNCHER,
    },
  };
}

/** Another image may measure other numbers. */
function imageRevision(image: string): string {
  return createHash('sha256').update(image).digest('hex').slice(0, 16);
}

/** Where a tuner of this process finds its trainer; null where the trainer's environment is not on this machine. */
export function tunerTrainer(values: Values): Pick<LocalTrainer, 'folder' | 'python'> | null {
  const { LAMINA_TRAINER: folder, LAMINA_TRAINER_PYTHON: python } = values;
  return python === undefined ? null : { folder, python };
}
