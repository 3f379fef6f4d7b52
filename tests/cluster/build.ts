/**
 * Builds the cluster's binaries from Go modules, once for a set of modules; nothing is downloaded but Go modules.
 * About 25 minutes on two cores with nothing cached, seconds afterwards.
 */
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FOLDERS } from './layout.ts';
import { run, type Say } from './shell.ts';

const MODULES = join(FOLDERS.source, 'modules');
const KUBERNETES = { version: 'v1.34.4', major: '1', minor: '34' };
const KUBERNETES_FLAGS = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version']
  .flatMap((path) => [
    `-X ${path}.gitVersion=${KUBERNETES.version}`,
    `-X ${path}.gitMajor=${KUBERNETES.major}`,
    `-X ${path}.gitMinor=${KUBERNETES.minor}`,
    `-X ${path}.gitTreeState=clean`,
  ])
  .join(' ');

interface Program {
  readonly name: string;
  readonly module: string;
  readonly package: string;
  readonly flags?: string;
}

const PROGRAMS: readonly Program[] = [
  { name: 'pause', module: 'tools', package: './pause' },
  { name: 'etcd', module: 'tools', package: 'go.etcd.io/etcd/server/v3' },
  { name: 'kube', module: 'kubernetes', package: './kube', flags: KUBERNETES_FLAGS },
  { name: 'kubectl', module: 'tools', package: 'k8s.io/kubernetes/cmd/kubectl', flags: KUBERNETES_FLAGS },
  { name: 'helm', module: 'tools', package: 'helm.sh/helm/v3/cmd/helm' },
  {
    name: 'kwok',
    module: 'kwok',
    package: 'sigs.k8s.io/kwok/cmd/kwok',
    flags: '-X sigs.k8s.io/kwok/pkg/consts.Version=v0.8.0',
  },
  {
    name: 'kueue',
    module: 'kueue',
    package: 'sigs.k8s.io/kueue/cmd/kueue',
    flags: '-X sigs.k8s.io/kueue/pkg/version.GitVersion=v0.17.0',
  },
];

const KATIB = 'github.com/kubeflow/katib/cmd';
/** Built where a benchmark asks for it. */
const KATIB_PROGRAMS: readonly Program[] = [
  { name: 'katib-controller', module: 'katib', package: `${KATIB}/katib-controller/v1beta1` },
  { name: 'katib-db-manager', module: 'katib', package: `${KATIB}/db-manager/v1beta1` },
  { name: 'katib-goptuna', module: 'katib', package: `${KATIB}/suggestion/goptuna/v1beta1` },
];
const KATIB_CRDS = 'manifests/v1beta1/components/crd';

/** Manifests that programs ship in their module: copied, so that a cached build needs no module cache. */
const MANIFESTS = [
  { name: 'kueue-crds', module: 'kueue', path: 'sigs.k8s.io/kueue', folders: ['config/components/crd/bases'] },
  {
    name: 'kwok-stages',
    module: 'kwok',
    path: 'sigs.k8s.io/kwok',
    folders: ['kustomize/stage/node/fast', 'kustomize/stage/node/heartbeat-with-lease', 'kustomize/stage/pod/fast'],
  },
] as const;

/** Where the binaries of these modules are, whether built or not. */
export const binaries = join(FOLDERS.cache, `cluster-${hashOfModules()}`);
export const binary = (name: string): string => join(binaries, name);
const complete = join(binaries, '.complete');
export const isBuilt = (): boolean => existsSync(complete);

const GO_ENVIRONMENT = { CGO_ENABLED: '0', GOFLAGS: '-mod=readonly -buildvcs=false -trimpath' };

export async function build(say: Say): Promise<void> {
  if (isBuilt()) return;
  const go = await goOrThrow();
  await buildPrograms(go, PROGRAMS, say);
  for (const { name, module, path, folders } of MANIFESTS) await copyManifests(go, name, module, path, folders);
  writeFileSync(complete, '');
}

/** The peer of a benchmark, with its CRDs in the folder `katib-crds`. */
export async function buildKatib(say: Say): Promise<void> {
  const go = await goOrThrow();
  await buildPrograms(go, KATIB_PROGRAMS, say);
  await copyManifests(go, 'katib-crds', 'katib', 'github.com/kubeflow/katib', [KATIB_CRDS]);
}

async function buildPrograms(go: string, programs: readonly Program[], say: Say): Promise<void> {
  mkdirSync(binaries, { recursive: true });
  for (const program of programs) {
    if (existsSync(binary(program.name))) continue;
    await timed(say, `building ${program.name}`, async () => {
      const partial = `${binary(program.name)}.partial`;
      const args = ['build', '-ldflags', `-s -w ${program.flags ?? ''}`, '-o', partial, program.package];
      await run(go, args, { cwd: join(MODULES, program.module), env: GO_ENVIRONMENT });
      renameSync(partial, binary(program.name));
    });
  }
}

async function copyManifests(
  go: string,
  name: string,
  module: string,
  path: string,
  folders: readonly string[],
): Promise<void> {
  const options = { cwd: join(MODULES, module), env: GO_ENVIRONMENT };
  const source = (await run(go, ['list', '-m', '-f', '{{.Dir}}', path], options)).trim();
  rmSync(binary(name), { recursive: true, force: true });
  for (const folder of folders) {
    cpSync(join(source, folder), binary(name), {
      recursive: true,
      filter: (file) => !/(testdata|\.go|\.md|kustomization\.yaml)$/.test(file),
    });
  }
}

async function goOrThrow(): Promise<string> {
  const go = await findGo();
  if (go === null) throw new Error(NO_GO);
  return go;
}

async function timed(say: Say, what: string, work: () => Promise<void>): Promise<void> {
  const from = performance.now();
  const seconds = (): string => ((performance.now() - from) / 1000).toFixed(0);
  say(`  … ${what}`);
  const reminder = setInterval(() => say(`  … ${what}: ${seconds()} s so far`), 60_000);
  try {
    await work();
  } finally {
    clearInterval(reminder);
  }
  say(`  ✓ ${what} (${seconds()} s)`);
}

export const NO_GO = 'the test cluster is built with Go 1.21 or newer, which is neither in PATH nor in /usr/local/go';

/** A Go that is new enough; since 1.21 it fetches the toolchain that a module asks for, as a Go module. */
export async function findGo(): Promise<string | null> {
  for (const candidate of ['go', '/usr/local/go/bin/go', '/usr/lib/go/bin/go']) {
    const version = await run(candidate, ['env', 'GOVERSION']).catch(() => '');
    const minor = Number(/^go1\.(\d+)/.exec(version)?.[1] ?? 0);
    if (minor >= 21) return candidate;
  }
  return null;
}

function hashOfModules(): string {
  const hash = createHash('sha256').update(`${process.platform}-${process.arch}\0${JSON.stringify(PROGRAMS)}\0`);
  const visit = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) visit(path);
      else
        hash
          .update(`${path.slice(MODULES.length)}\0`)
          .update(readFileSync(path))
          .update('\0');
    }
  };
  for (const module of [...new Set(PROGRAMS.map((each) => each.module))].sort()) visit(join(MODULES, module));
  return hash.digest('hex').slice(0, 16);
}
