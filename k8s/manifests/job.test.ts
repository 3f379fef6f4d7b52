import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DNS_LABEL } from '../names.ts';
import { jobManifest, jobName } from './job.ts';
import { ManifestProblem } from './problem.ts';
import { goldenFiles, goldenSettings, readGolden } from './testing/golden.ts';
import { sampleGeneration, sampleLaunch } from './testing/launch.ts';

test('the reviewed manifests are what is built today (node k8s/manifests/testing/golden.ts writes them again)', () => {
  assert.deepEqual(Object.fromEntries(readGolden()), Object.fromEntries(goldenFiles()));
});

test('a job is named after its attempt', () => {
  assert.equal(jobName('e-01kb0c9h3v7m2x9dqk-7c2d1f0e9b8a7c6d-12'), 'lamina-e-01kb0c9h3v7m2x9dqk-7c2d1f0e9b8a7c6d-12');
});

const anyId = fc.oneof(
  fc.string({ minLength: 1, maxLength: 120, unit: 'grapheme' }),
  fc.string({ minLength: 1, maxLength: 120, unit: fc.constantFrom('a', 'h', '-', '0', 'A', '.', '/') }),
);

test('any id gives a valid name that leaves room for what pods add', () => {
  fc.assert(
    fc.property(anyId, (id) => {
      const name = jobName(id);
      assert.match(name, DNS_LABEL);
      assert.ok(name.length <= 57, name);
      assert.equal(jobName(id), name);
    }),
  );
});

test('two ids never share a name, not even if one is made from the name of the other', () => {
  fc.assert(
    fc.property(anyId, anyId, (a, b) => {
      const ids = new Set([a, b, jobName(a), a.toLowerCase(), `h-${jobName(a)}`, jobName(a).replace(/^laminah?-/, '')]);
      assert.equal(new Set([...ids].map(jobName)).size, ids.size);
    }),
  );
});

test('the request and the token reach the container as they are, whatever they contain', () => {
  const text = 'a $(HOME) b $$ c $';
  const launch = sampleLaunch({ launch: { token: text } });
  const { env } = container(launch);
  const token = env?.find(({ name }) => name === 'LAMINA_ATTEMPT_TOKEN')?.value ?? '';
  assert.equal(expanded(token), text);
  const request = env?.find(({ name }) => name === 'LAMINA_REQUEST')?.value ?? '';
  assert.deepEqual(JSON.parse(expanded(request)), launch.request);
});

test('settings replace our variables, and none is there twice', () => {
  const env = container(sampleLaunch(), { env: { HF_HOME: '/mnt/hub', A: '1' } }).env ?? [];
  assert.equal(env.find(({ name }) => name === 'HF_HOME')?.value, '/mnt/hub');
  assert.equal(new Set(env.map(({ name }) => name)).size, env.length);
});

test('the key of an endpoint comes from its Secret, and stands nowhere in the Job', () => {
  const launch = sampleGeneration({ name: 'writer', key: 'token' });
  const manifest = jobManifest(launch, { ...goldenSettings(), apiKeySecrets: ['writer'] });
  const { env, resources } = manifest.spec?.template.spec?.containers[0] ?? {};
  assert.deepEqual(
    env?.find(({ name }) => name === 'LAMINA_API_KEY'),
    {
      name: 'LAMINA_API_KEY',
      valueFrom: { secretKeyRef: { name: 'writer', key: 'token' } },
    },
  );
  const request = JSON.parse(expanded(env?.find(({ name }) => name === 'LAMINA_REQUEST')?.value ?? ''));
  assert.deepEqual(request, launch.request);
  assert.equal(resources?.limits?.['nvidia.com/gpu'], undefined);
  assert.equal(resources?.limits?.['memory'], '2147483648');
});

test('a Secret that the settings do not allow is refused with what to do', () => {
  const launch = sampleGeneration({ name: 'registry', key: 'password' });
  assert.throws(
    () => jobManifest(launch, { ...goldenSettings(), apiKeySecrets: ['writer'] }),
    (error) => error instanceof ManifestProblem && /'registry'.*apiKeySecrets/.test(error.message),
  );
  const keyless = jobManifest(sampleGeneration(null), goldenSettings());
  assert.ok(!JSON.stringify(keyless).includes('LAMINA_API_KEY'));
});

test("the plan's memory goes before that of the settings", () => {
  const planned = container(sampleLaunch({ plan: { memoryBytes: 123_456_789 } }), { memory: '8Gi' }).resources;
  assert.deepEqual([planned?.requests?.memory, planned?.limits?.memory], ['123456789', '123456789']);
  const set = container(sampleLaunch(), { memory: '8Gi' }).resources;
  assert.deepEqual([set?.requests?.memory, set?.limits?.memory], ['8Gi', '8Gi']);
});

test('only where a queue may take the pod away does another one go on from the checkpoint', () => {
  const resumes = (settings: object) => {
    const env = container(sampleLaunch(), settings).env ?? [];
    return JSON.parse(env.find(({ name }) => name === 'LAMINA_REQUEST')?.value ?? '').resume;
  };
  assert.equal(resumes({}), false);
  assert.equal(resumes({ queue: 'trials' }), true);
});

test('a class that cannot be the name of a product is refused with a sentence', () => {
  const launch = sampleLaunch({ plan: { gpuClass: '80 GB (H100)' } });
  assert.throws(
    () => jobManifest(launch, goldenSettings()),
    (error) => error instanceof ManifestProblem && /'80 GB \(H100\)' is neither a class/.test(error.message),
  );
});

function container(launch: Parameters<typeof jobManifest>[0], settings: object = {}) {
  const [first] = jobManifest(launch, goldenSettings(settings)).spec?.template.spec?.containers ?? [];
  assert.ok(first);
  return first;
}

/** As the kubelet puts variables into a value, with HOME defined. */
function expanded(value: string): string {
  return value.replace(/\$\$|\$\(HOME\)/g, (found) => (found === '$$' ? '$' : '/home'));
}
