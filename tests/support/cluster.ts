/** The real cluster of tests, with the faults that can be made in it; `npm run cluster:up` starts it. */
import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { obstacle, stands } from '../cluster/cluster.ts';
import {
  advertiseAgain,
  apiServerAnswers,
  cordon,
  cutWatches,
  deleteJob,
  drain,
  evict,
  heal,
  pauseApiServer,
  startKubelet,
  stopApiServer,
  stopKubelet,
  unadvertise,
  uncordon,
} from '../cluster/faults.ts';
import { apply, kubectl, kubectlJson } from '../cluster/kubectl.ts';
import { addQueue, removeQueue, startKueue, stopKueue } from '../cluster/kueue.ts';
import { addFakeNodes, FAKE_SELECTOR, FAKE_TOLERATION, removeFakeNodes, startKwok, stopKwok } from '../cluster/kwok.ts';
import { IMAGES, NETWORK, NODES, paths } from '../cluster/layout.ts';
import { TRAINER_FOLDER, trainerPython } from './trainer.ts';

export interface Cluster {
  readonly kubeconfig: string;
  readonly nodes: readonly string[];
  readonly images: typeof IMAGES;
  /** The host as pods reach it: bind there what they should reach. */
  readonly hostAddress: string;
  readonly faults: typeof faults;
  readonly kwok: typeof kwok;
  readonly kueue: typeof kueue;
  readonly kubectl: typeof kubectl;
  readonly kubectlJson: typeof kubectlJson;
  readonly apply: typeof apply;
}

const faults = {
  stopKubelet,
  startKubelet,
  pauseApiServer,
  stopApiServer,
  cutWatches,
  drain,
  cordon,
  uncordon,
  evict,
  deleteJob,
  unadvertise,
  advertiseAgain,
  heal,
} as const;
const kwok = {
  start: startKwok,
  stop: stopKwok,
  addNodes: addFakeNodes,
  removeNodes: removeFakeNodes,
  selector: FAKE_SELECTOR,
  toleration: FAKE_TOLERATION,
} as const;
const kueue = { start: startKueue, stop: stopKueue, addQueue, removeQueue } as const;

/** The cluster that is up, or why there is none and what would start one. */
export async function cluster(): Promise<Cluster | { readonly skip: string }> {
  if (!stands()) return { skip: (await obstacle()) ?? 'no test cluster is up: npm run cluster:up' };
  await apiServerAnswers();
  return {
    kubeconfig: paths.kubeconfig,
    nodes: NODES.map((node) => node.name),
    images: IMAGES,
    hostAddress: NETWORK.host,
    faults,
    kwok,
    kueue,
    kubectl,
    kubectlJson,
    apply,
  };
}

/**
 * What a pod of the image `trainer` needs of this machine to run the trainer: settings of the Kubernetes runner
 * (`image`, `command`, `env`, `volumes`).
 * @param folders more folders that the trainer reads, at the same path in the pod: models, data
 */
export function trainerInPods(folders: readonly string[] = []): TrainerInPods {
  const python = trainerPython();
  const environment = dirname(dirname(python));
  const source = join(TRAINER_FOLDER, 'src');
  // The interpreter that the environment was made from; Debian's own is in /usr.
  const interpreter = dirname(dirname(realpathSync(python)));
  const read = ['/usr', ...(interpreter.startsWith('/usr') ? [] : [interpreter]), environment, source, ...folders];
  return {
    image: IMAGES.trainer,
    imagePullPolicy: 'Never',
    command: [python, '-m', 'lamina_trainer'],
    env: { PYTHONPATH: source, PYTHONDONTWRITEBYTECODE: '1', HF_HUB_OFFLINE: '1', OMP_NUM_THREADS: '1' },
    volumes: [...new Set(read)].map((path, index) => ({
      name: `host-${index}`,
      mountPath: path,
      readOnly: true,
      source: { hostPath: path },
    })),
  };
}

export interface TrainerInPods {
  readonly image: string;
  readonly imagePullPolicy: 'Never';
  readonly command: string[];
  readonly env: Record<string, string>;
  readonly volumes: { name: string; mountPath: string; readOnly: boolean; source: { hostPath: string } }[];
}
