import { readFileSync } from 'node:fs';
import { readKubernetesSettings } from '@lamina/k8s/settings/read.ts';
import type { KubernetesSettings } from '@lamina/k8s/settings/settings.ts';
import { InvalidConfig } from '@lamina/platform/process/config.ts';

/** @throws InvalidConfig with every mistake at once */
export function readClusterFile(file: string): KubernetesSettings {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new InvalidConfig(`the cluster's settings cannot be read: ${(error as Error).message}`);
  }
  const read = readKubernetesSettings(text);
  if (read.ok) return read.settings;
  const lines = read.issues.map(({ path, message, fix }) => {
    return `  ${path === '' ? 'the document' : path}: ${message}${fix === undefined ? '' : `; ${fix}`}`;
  });
  throw new InvalidConfig(`${file} is not usable:\n${lines.join('\n')}`);
}
