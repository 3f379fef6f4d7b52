import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sampleSettings } from '../contract/testing/settings.ts';
import { cellId, trialId } from './identity.ts';
import { initialPlan, likeKey } from './plan.ts';

const settings = sampleSettings();
/** With everything in them that can be asked for by itself. */
const all = sampleSettings({
  evaluation: {
    tasks: {
      files: [{ path: '/quiz.yaml', fingerprint: null, data: [] }],
      maxSamples: 10,
      fewShot: 2,
      batchSize: 4,
    },
  },
});

type Path = readonly (string | number)[];

function leaves(value: unknown, path: Path = []): readonly Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]));
}

function changed<T>(value: T, path: Path): T {
  const copy = structuredClone(value) as Record<string, unknown>;
  let at = copy;
  for (const key of path.slice(0, -1)) at = at[key] as Record<string, unknown>;
  const last = path.at(-1) as string;
  const old = at[last];
  at[last] = typeof old === 'number' ? old + 1 : typeof old === 'boolean' ? !old : `${old}x`;
  return copy as T;
}

test('changing any leaf of the settings, or the trainer, changes the id', () => {
  const paths = leaves(all);
  assert.ok(paths.length > 40);
  const ids = paths.map((path) => trialId(changed(all, path), 'r1'));
  assert.equal(new Set([...ids, trialId(all, 'r1'), trialId(all, 'r2')]).size, paths.length + 2);
});

test('changing two different sets of leaves gives two different ids', () => {
  const some = fc.uniqueArray(fc.constantFrom(...leaves(all)), { selector: String, minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(some, some, (one, other) => {
      const id = (paths: readonly Path[]) => trialId(paths.reduce(changed, all), 'r1');
      const same = one.map(String).toSorted().join() === other.map(String).toSorted().join();
      assert.equal(id(one) === id(other), same);
    }),
  );
});

test('a file counts by its content where that is known, and by its path where it is not', () => {
  const at = (path: string, fingerprint: string | null) =>
    trialId({ ...settings, model: { source: 'gguf', path, fingerprint } }, 'r1');
  assert.equal(at('/a.gguf', 'f1'), at('/elsewhere/b.gguf', 'f1'));
  assert.notEqual(at('/a.gguf', 'f1'), at('/a.gguf', 'f2'));
  assert.notEqual(at('/a.gguf', null), at('/b.gguf', null));
  const data = (path: string) =>
    trialId({ ...settings, dataset: { ...settings.dataset, path, fingerprint: 'f' } as never }, 'r1');
  assert.equal(data('/a'), data('/b'));
});

test('what can be said of bad records and of what is scored counts only where it is said', () => {
  const { onBadRecord: _, evaluation: _same, ...older } = settings.dataset;
  const id = (dataset: object) => trialId({ ...settings, dataset: dataset as never }, 'r1');
  assert.equal(id(settings.dataset), id(older));
  const scored = (path: string, fingerprint: string | null) =>
    id({ ...older, evaluation: { path, format: 'jsonl', fingerprint } });
  assert.equal(scored('/a', 'f'), scored('/b', 'f'));
  const others = [older, { ...older, onBadRecord: 'skip' }, { ...older, evaluation: { group: 'author' } }].map(id);
  assert.equal(new Set([...others, scored('/a', 'f'), scored('/a', 'g'), scored('/a', null)]).size, 6);
});

test('an id is the hash that anyone can compute: SHA-256 over RFC 8785 JSON', () => {
  assert.match(trialId(settings, 'r1'), /^[0-9a-f]{64}$/);
  // Computed with Python's hashlib and json.dumps(sort_keys=True).
  assert.equal(trialId(settings, 'r1'), '213879b0288ef0590f1ef122045100a32d278cbba2a0081b1e2bec04b641615a');
});

test('cells do not depend on seed and trainer', () => {
  const { seed: _, ...cell } = settings;
  assert.match(cellId(cell), /^[0-9a-f]{16}$/);
  assert.notEqual(cellId(cell), cellId({ ...cell, precision: 'fp4' }));
});

test('trials that need the same memory have the same key, others do not', () => {
  assert.equal(
    likeKey(settings),
    likeKey({ ...settings, seed: 2, training: { ...settings.training, learningRate: 1, steps: 9 } }),
  );
  assert.notEqual(likeKey(settings), likeKey({ ...settings, layers: { strategy: 'all' } }));
  assert.notEqual(likeKey(settings), likeKey({ ...settings, training: { ...settings.training, maxLength: 128 } }));
});

test('the first plan keeps the effective batch of the settings', () => {
  assert.deepEqual(initialPlan(settings, 1024), {
    gpuClass: null,
    gpus: 0,
    microBatch: 1,
    accumulation: 4,
    checkpointing: false,
    memoryBytes: 1024,
    excludedNodes: [],
  });
});

test('what a record becomes counts where the document says it; what it leaves out is what it was before', () => {
  const id = (dataset: object) => trialId({ ...settings, dataset: { ...settings.dataset, ...dataset } as never }, 'r1');
  assert.equal(id({ fields: null }), id({}));
  assert.equal(id({ loss: undefined, chatTemplate: undefined, specialTokens: undefined }), id({}), 'stored by 0.1.0');
  const ids = [
    {},
    { loss: 'all' },
    { chatTemplate: 'x' },
    { specialTokens: 'text' },
    { fields: { messages: 'm' } },
  ].map(id);
  assert.equal(new Set(ids).size, ids.length);
});
