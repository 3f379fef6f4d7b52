/** The images built from the project's Dockerfile: over Postgres and Temporal in containers, with trials in pods. */
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { createClient } from '@lamina/cli/client.ts';
import { GenericContainer, Network, type StartedNetwork, type StartedTestContainer, Wait } from 'testcontainers';
import { run } from '../cluster/shell.ts';
import { cluster } from '../support/cluster.ts';
import { trialDetails, untilEnded } from '../support/following.ts';
import { type PodSettings, podSettings } from '../support/pod-settings.ts';
import { saveTinyModel, tinyDocument } from '../support/tiny.ts';
import { dockerObstacle, startDocker } from './docker.ts';
import { buildImages, imageOf, SERVICES } from './images.ts';

const PATIENCE_MS = 300_000;
const START_MS = 60_000;
const PORT = 7070;
const HEALTH_PORT = 7072;
const SECRET = 'a secret of this test, long enough';

/** As pods run it: a read-only root file system, no capabilities, one folder that may be written. */
class RestrictedContainer extends GenericContainer {
  constructor(image: string) {
    super(image);
    this.hostConfig.ReadonlyRootfs = true;
    this.withTmpFs({ '/tmp': 'mode=1777' }).withDroppedCapabilities('ALL').withSecurityOpt('no-new-privileges');
  }
}

const found = await cluster();
const obstacle = await dockerObstacle();

describe('images of the services', { skip: obstacle ?? false }, () => {
  const endings = new AsyncDisposableStack();
  let base: string;

  before(async () => {
    const docker = await startDocker();
    endings.defer(() => docker.stop());
    ({ base } = await buildImages());
  });
  after(() => endings.disposeAsync());

  async function started(container: GenericContainer): Promise<StartedTestContainer> {
    let output = '';
    const listen = (stream: Readable): unknown => stream.on('data', (chunk) => (output += String(chunk)));
    try {
      const running = await container.withLogConsumer(listen).withStartupTimeout(START_MS).start();
      endings.defer(async () => void (await running.stop()));
      return running;
    } catch (error) {
      throw new Error(`the container did not start: ${output}`, { cause: error });
    }
  }

  test('each runs as a user that is not root, and names what its environment lacks', async () => {
    for (const name of SERVICES) {
      const user = await run('docker', ['image', 'inspect', '--format', '{{.Config.User}}', imageOf(name)]);
      assert.equal(user.trim(), '65532:65532');
    }
    for (const name of ['api', 'worker'] as const) {
      const said = run('docker', ['run', '--rm', '--read-only', imageOf(name)]);
      await assert.rejects(said, /LAMINA_DATABASE_URL(.|\n)*LAMINA_ARTIFACTS(.|\n)*LAMINA_SECRET/);
    }
    assert.match(await run('docker', ['run', '--rm', '--read-only', imageOf('cli'), '--version']), /^\d+\.\d+\.\d+/);
  });

  const pods = 'skip' in found ? found.skip : false;
  test('an experiment runs in pods, and every container ends when it is told to', { skip: pods }, async () => {
    if ('skip' in found) return;
    const settings = await podSettings(found);
    endings.defer(() => settings.remove());
    await saveTinyModel(settings.artifacts);

    const network = await new Network().start();
    endings.defer(async () => void (await network.stop()));
    const { api, worker } = await startServices(settings, network, found.kubeconfig);
    const url = `http://localhost:${api.getMappedPort(PORT)}`;
    const page = await fetch(url, { headers: { accept: 'text/html' } });
    assert.match(await page.text(), /<title>Lamina/);
    const health = await fetch(`http://localhost:${worker.getMappedPort(HEALTH_PORT)}/readyz`);
    assert.deepEqual(await health.json(), { status: 'ok', checks: { database: 'ok', engine: 'ok', worker: 'ok' } });

    const client = createClient(url);
    const document = tinyDocument({ name: 'in images', steps: 5, seeds: [1], maxParallel: 2, layers: [2] });
    const submission = { document: JSON.stringify(document), baseDirectory: settings.artifacts, reuse: true };
    const { id } = await client.submit(submission);
    const ended = await untilEnded(client, id, PATIENCE_MS);
    assert.deepEqual(ended.counts, { succeeded: 2 });
    for (const { attemptList } of await trialDetails(client, id))
      assert.notEqual(attemptList[0]?.lastEventAt, null, 'the trainer has posted to the intake');

    const compare = ['--network', network.getName(), imageOf('cli'), 'compare', id, '--url', `http://api:${PORT}`];
    assert.match(await run('docker', ['run', '--rm', '--read-only', ...compare]), /Best held-out loss: /);

    for (const service of [worker, api]) {
      const id = service.getId();
      await run('docker', ['stop', '--time', '60', id]);
      const code = await run('docker', ['inspect', '--format', '{{.State.ExitCode}}', id]);
      assert.equal(code.trim(), '0', await text(await service.logs()));
    }
  });

  /** Postgres, Temporal, API and worker, each in a container. */
  async function startServices(settings: PodSettings, network: StartedNetwork, adminKubeconfig: string) {
    // Readable for the user of the image.
    const kubeconfig = join(settings.cache, 'kubeconfig');
    copyFileSync(adminKubeconfig, kubeconfig);
    chmodSync(kubeconfig, 0o644);
    const temporal = process.env['LAMINA_TEMPORAL'] ?? '';
    const { LAMINA_CLUSTER, LAMINA_INTAKE_PORT } = settings.environment;
    const intakePort = Number(LAMINA_INTAKE_PORT);
    const listen = 'database system is ready to accept connections';
    await Promise.all([
      started(
        new GenericContainer(imageOf('postgres'))
          .withNetwork(network)
          .withNetworkAliases('postgres')
          .withWaitStrategy(Wait.forLogMessage(listen)),
      ),
      started(
        new GenericContainer(base)
          .withNetwork(network)
          .withNetworkAliases('temporal')
          .withBindMounts([{ source: temporal, target: '/usr/local/bin/temporal', mode: 'ro' }])
          .withCommand(['temporal', 'server', 'start-dev', '--ip', '0.0.0.0', '--headless', '--log-level', 'error'])
          .withWaitStrategy(Wait.forLogMessage(/Temporal Server: /)),
      ),
    ]);
    const environment = {
      LAMINA_DATABASE_URL: 'postgres://lamina:test-only@postgres/postgres',
      LAMINA_TEMPORAL_ADDRESS: 'temporal:7233',
      LAMINA_ARTIFACTS: settings.artifacts,
      LAMINA_SECRET: SECRET,
    };
    const service = (name: 'api' | 'worker') =>
      new RestrictedContainer(imageOf(name)).withNetwork(network).withNetworkAliases(name);
    const artifacts = { source: settings.artifacts, target: settings.artifacts };
    const api = await started(
      service('api')
        .withEnvironment({
          ...environment,
          LAMINA_HOST: '0.0.0.0',
          LAMINA_ALLOWED_HOSTS: 'api,localhost',
          LAMINA_INTAKE_PORT: String(intakePort),
        })
        .withExposedPorts(PORT, { container: intakePort, host: intakePort })
        .withBindMounts([artifacts])
        .withWaitStrategy(Wait.forHttp('/healthz', PORT)),
    );
    const worker = await started(
      service('worker')
        .withEnvironment({
          ...environment,
          LAMINA_RUNNER: 'kubernetes',
          LAMINA_CLUSTER,
          LAMINA_KUBECONFIG: kubeconfig,
          LAMINA_HEALTH_HOST: '0.0.0.0',
        })
        .withExposedPorts(HEALTH_PORT)
        .withBindMounts([
          artifacts,
          { source: LAMINA_CLUSTER, target: LAMINA_CLUSTER, mode: 'ro' },
          { source: kubeconfig, target: kubeconfig, mode: 'ro' },
        ])
        .withWaitStrategy(Wait.forHttp('/readyz', HEALTH_PORT)),
    );
    return { api, worker };
  }
});

async function text(stream: Readable): Promise<string> {
  let whole = '';
  for await (const chunk of stream) whole += String(chunk);
  return whole;
}
