/** Reads the settings of a cluster and says everything that is wrong with them at once. */
import { check, type Issue } from '@lamina/domain/spec/problems.ts';
import { readText } from '@lamina/domain/spec/text.ts';
import { type KubernetesSettings, kubernetesSettings } from './settings.ts';

export type ReadSettings =
  | { readonly ok: true; readonly settings: KubernetesSettings }
  | { readonly ok: false; readonly issues: readonly Issue[] };

/** From YAML or JSON text, or from parsed JSON, with every default filled in. */
export function readKubernetesSettings(input: string | object): ReadSettings {
  const read = typeof input === 'string' ? readText(input) : { value: input };
  if ('issues' in read) return { ok: false, issues: read.issues };
  const checked = check(kubernetesSettings, read.value, []);
  return 'issues' in checked ? { ok: false, issues: checked.issues } : { ok: true, settings: checked.value };
}
