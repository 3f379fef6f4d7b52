/** What no field of the settings can tell alone. */
import { encodeProblem } from '@lamina/domain/spec/problems.ts';
import type { z } from 'zod';

interface Checked {
  readonly artifacts: { readonly mountPath: string };
  readonly cache: { readonly mountPath: string } | null;
  readonly volumes: readonly { readonly name: string; readonly mountPath: string }[];
  readonly tolerations: readonly {
    readonly key?: string | undefined;
    readonly operator?: string | undefined;
    readonly value?: string | undefined;
    readonly effect?: string | undefined;
    readonly tolerationSeconds?: number | undefined;
  }[];
}

/** Names of the volumes that every pod has. */
const OWN_VOLUMES = ['artifacts', 'cache', 'tmp', 'home', 'shm'];

export function crossChecks(settings: Checked, context: z.core.$RefinementCtx): void {
  const add = (path: (string | number)[], message: string, fix: string) =>
    context.addIssue({ code: 'custom', path, message: encodeProblem({ message, fix }) });
  checkMounts(settings, add);
  settings.tolerations.forEach((toleration, at) => {
    const { key, operator, value, effect, tolerationSeconds } = toleration;
    if (operator === 'Exists' && value !== undefined)
      add(['tolerations', at, 'value'], 'has no meaning with operator Exists', 'leave it out, or write Equal');
    if (key === undefined && operator !== 'Exists')
      add(['tolerations', at, 'key'], 'is required unless operator is Exists', 'add the key of the taint');
    if (tolerationSeconds !== undefined && effect !== 'NoExecute')
      add(['tolerations', at, 'tolerationSeconds'], 'needs effect NoExecute', 'leave it out, or set the effect');
  });
}

type Add = (path: (string | number)[], message: string, fix: string) => void;

function checkMounts({ artifacts, cache, volumes }: Checked, add: Add): void {
  const names = new Set(OWN_VOLUMES);
  const paths = new Map([[plain(artifacts.mountPath), 'artifacts']]);
  const mount = (path: (string | number)[], mountPath: string, owner: string) => {
    const other = paths.get(plain(mountPath));
    if (other !== undefined) add(path, `is where ${other} is mounted already`, 'choose another folder');
    paths.set(plain(mountPath), owner);
  };
  if (cache !== null) mount(['cache', 'mountPath'], cache.mountPath, 'cache');
  volumes.forEach(({ name, mountPath }, at) => {
    if (names.has(name)) add(['volumes', at, 'name'], `'${name}' is the name of another volume`, 'choose another name');
    names.add(name);
    mount(['volumes', at, 'mountPath'], mountPath, name);
  });
}

function plain(path: string): string {
  return path.replace(/\/+/g, '/').replace(/\/$/, '');
}
