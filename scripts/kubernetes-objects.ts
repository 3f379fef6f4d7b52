/**
 * Prints what an administrator applies so that the worker may do its work, and nothing else:
 * `npm run -s kubernetes:objects -- SETTINGS.yaml [SERVICE-ACCOUNT [NAMESPACE]] | kubectl apply -f -`
 */
import { readFileSync } from 'node:fs';
import { installation } from '../k8s/manifests/install.ts';
import { readKubernetesSettings } from '../k8s/settings/read.ts';

const [file, name = 'lamina-worker', namespace] = process.argv.slice(2);
if (file === undefined) {
  console.error('kubernetes:objects SETTINGS.yaml [SERVICE-ACCOUNT [NAMESPACE]]');
  process.exit(2);
}
const read = readKubernetesSettings(readFileSync(file, 'utf8'));
if (!read.ok) {
  for (const { path, message, fix } of read.issues) {
    console.error(`${file}: ${path} ${message}${fix === undefined ? '' : `; ${fix}`}`);
  }
  process.exit(1);
}
const account = { name, namespace: namespace ?? read.settings.namespace };
console.log(installation(read.settings, account));
