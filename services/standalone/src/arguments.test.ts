import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseArguments, UsageError } from './arguments.ts';

test('without options the quickstart runs and the service stays', () => {
  assert.deepEqual(parseArguments([], 'quickstart.yaml'), {
    file: 'quickstart.yaml',
    seeds: null,
    once: false,
    variables: {},
  });
});

test('every option is taken', () => {
  assert.deepEqual(parseArguments(['--file', 'a.yaml', '--seeds', '3, 4', '--once', '--port=0'], 'quickstart.yaml'), {
    file: 'a.yaml',
    seeds: [3, 4],
    once: true,
    variables: { LAMINA_PORT: '0' },
  });
  assert.deepEqual(parseArguments(['--cluster', 'c.yaml', '--kubeconfig', 'k'], 'q').variables, {
    LAMINA_RUNNER: 'kubernetes',
    LAMINA_CLUSTER: 'c.yaml',
    LAMINA_KUBECONFIG: 'k',
  });
  assert.equal(parseArguments(['--no-run'], 'quickstart.yaml').file, null);
});

for (const args of [['--seeds', '1,x'], ['--port', '-1'], ['--once', '--no-run'], ['--unknown'], ['stray']]) {
  test(`${args.join(' ')} is refused with the usage`, () => {
    assert.throws(
      () => parseArguments(args, 'q'),
      (error) => error instanceof UsageError && error.message.includes('npm start'),
    );
  });
}
