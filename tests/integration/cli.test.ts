import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createClient } from '@lamina/cli/client.ts';
import { stringify } from 'yaml';
import { smallDocument, testApi } from '../support/api.ts';
import { createCli, playTrial } from '../support/cli.ts';

let api: Awaited<ReturnType<typeof testApi>>;
let url: string;
let cli: ReturnType<typeof createCli>;
let salt = 1000;

before(async () => {
  api = await testApi();
  url = await api.app.listen({ host: '127.0.0.1', port: 0 });
  cli = createCli(api, url);
  await writeFile(join(api.folder, 'small.yaml'), stringify(smallDocument()));
});
after(() => api.close());

/** An experiment of two cells and two seeds that no other test has measured. */
async function submitted(): Promise<string> {
  salt += 2;
  const { stdout, code } = await cli.run(['submit', 'small.yaml', '--seeds', `${salt},${salt + 1}`, '--json']);
  assert.equal(code, 0);
  return JSON.parse(stdout).id;
}

/** Plays all four trials, as many of them failing as said, and ends the experiment. */
async function played(id: string, failing = 0): Promise<void> {
  for (let index = 0; index < 4; index += 1) {
    const failed = index < failing;
    await playTrial(
      api,
      id,
      index,
      failed ? { state: 'failed', message: 'no space left' } : { state: 'succeeded', message: null },
    );
  }
  await api.store.setExperimentState(id, failing > 0 ? 'failed' : 'succeeded');
}

/** Nobody should need a wide terminal, or knowledge of our insides. */
function assertReadable(text: string): void {
  for (const line of text.split('\n')) assert.ok(line.length <= 100, `too long: ${line}`);
  assert.doesNotMatch(text, /undefined|NaN|\[object|null/);
}

describe('submit and preview', () => {
  test('submit tells id and size, and is found again', async () => {
    const { code, stdout, stderr } = await cli.run([
      'submit',
      'small.yaml',
      '--set',
      'name=by hand',
      '--seeds',
      '11,12',
    ]);
    assert.equal(code, 0);
    assert.match(stdout, /^by hand {2}e-\w+\n4 trials in 2 cells\nfollow it: lamina watch e-\w+\n$/);
    assert.equal(stderr, '');
    const list = await cli.run(['list']);
    assert.match(list.stdout, /by hand +running +░{8} 0\/4 +just now/);
    assertReadable(list.stdout);
  });

  test('the same idempotency key submits once', async () => {
    const words = ['submit', 'small.yaml', '--seeds', '21,22', '--idempotency-key', 'once', '--json'];
    const [first, second] = [await cli.run(words), await cli.run(words)];
    assert.equal(JSON.parse(first.stdout).id, JSON.parse(second.stdout).id);
    const other = await cli.run(['submit', 'small.yaml', '--seeds', '23', '--idempotency-key', 'once']);
    assert.equal(other.code, 5);
  });

  test('preview lists cells, what is left out and why, and stores nothing', async () => {
    const before = (await api.store.listExperiments({ limit: 100, cursor: null })).items.length;
    const { code, stdout } = await cli.run(['preview', 'small.yaml', '--set', 'matrix.precision=[bf16, nf4]']);
    assert.equal(code, 0);
    assert.match(stdout, /^small: 4 trials in 2 cells, 4 to run\n/);
    assert.match(stdout, /Left out \(2 combinations\)/);
    assertReadable(stdout);
    assert.equal((await api.store.listExperiments({ limit: 100, cursor: null })).items.length, before);
    assert.equal(JSON.parse((await cli.run(['preview', '-f', 'small.yaml', '--json'])).stdout).trials, 4);
  });

  test('every mistake is listed with its path and fix, and the code is that of wrong use', async () => {
    const changes = ['matrix.layers=[0, 99]', 'policy.maxParallel=0', 'matrix.precision=[bf61]', 'datset=x'];
    const { code, stdout, stderr } = await cli.run([
      'submit',
      'small.yaml',
      ...changes.flatMap((change) => ['--set', change]),
    ]);
    assert.equal(code, 2);
    assert.equal(stdout, '');
    for (const path of ['matrix.layers', 'policy.maxParallel', 'matrix.precision', 'datset'])
      assert.ok(stderr.includes(path), path);
    assert.ok(stderr.includes('→'));
    assertReadable(stderr);
    const json = await cli.run(['submit', 'small.yaml', '--set', 'policy.maxParallel=0', '--json']);
    assert.equal(JSON.parse(json.stdout).error.errors[0].path, 'policy.maxParallel');
  });

  test('reused results are counted', async () => {
    const id = await submitted();
    await played(id);
    const { stdout } = await cli.run(['submit', 'small.yaml', '--seeds', `${salt},${salt + 1}`]);
    assert.match(stdout, /4 reused from earlier experiments/);
    const again = await cli.run(['submit', 'small.yaml', '--seeds', `${salt},${salt + 1}`, '--no-reuse', '--json']);
    assert.deepEqual(JSON.parse(again.stdout).counts, { pending: 4 });
  });
});

describe('watching', () => {
  test('line by line to the end, with exit code 1 where a trial failed', async () => {
    const id = await submitted();
    const { ended } = cli.start(['watch', id]);
    await played(id, 1);
    const { code, stdout } = await ended;
    assert.equal(code, 1);
    assert.match(stdout, /^small \(e-\w+\): 4 trials in 2 cells, end.*$/m);
    assert.match(stdout, /seed \d+ {2}failed: no space left {2}\(\d of 4\)$/m);
    assert.match(stdout, /small failed\. Results: lamina compare e-\w+\n$/);
    assertReadable(stdout);
  });

  test('in place on a terminal, ending with bars that are full', async () => {
    const id = await submitted();
    const { io, ended } = cli.start(['watch', id], { interactive: true });
    await played(id);
    assert.equal((await ended).code, 0);
    assert.match(io.frames.at(-1) ?? '', /100 %[\s\S]*4 of 4 trials ended[\s\S]*2\/2 {2}loss \d\.\d{3}, \d\.\d{3}/);
    for (const frame of io.frames) assertReadable(frame);
  });

  test('as JSON: a line per event, the experiment as the last', async () => {
    const id = await submitted();
    const { ended } = cli.start(['watch', id, '--json']);
    await played(id);
    const { code, stdout } = await ended;
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.equal(code, 0);
    assert.deepEqual([...new Set(lines.map(({ type }) => type))].sort(), [
      'attempt',
      'end',
      'experiment',
      'metrics',
      'trial',
    ]);
    assert.equal(lines.at(-1).data.state, 'succeeded');
  });

  test('an experiment that has ended needs no waiting; Ctrl-C leaves the experiment alone', async () => {
    const id = await submitted();
    const { io, ended } = cli.start(['watch', id]);
    setTimeout(() => io.interrupt(), 200);
    const stopped = await ended;
    assert.equal(stopped.code, 130);
    assert.match(stopped.stderr, /the experiment goes on/);
    await played(id);
    assert.equal((await cli.run(['watch', id])).code, 0);
  });

  test('submit --watch ends with the comparison', async () => {
    salt += 2;
    const { ended } = cli.start(['submit', 'small.yaml', '--watch', '--seeds', `${salt},${salt + 1}`]);
    let id: string | undefined;
    while (id === undefined)
      id = (await createClient(url).list({ limit: 1 })).items.find(({ counts }) => counts.pending === 4)?.id;
    await played(id);
    const { code, stdout } = await ended;
    assert.equal(code, 0);
    assert.match(stdout, /Best held-out loss: /);
  });
});

describe('results', () => {
  test('show lists trials, messages and what was left out', async () => {
    const id = await submitted();
    await played(id, 1);
    const { code, stdout } = await cli.run(['show', id]);
    assert.equal(code, 0);
    assert.match(stdout, /What they wait for, and what happened\n {2}\w{10} {2}.*seed \d+\n {4}no space left/);
    assertReadable(stdout);
    const json = JSON.parse((await cli.run(['show', '--json'])).stdout);
    assert.equal(json.id, id, 'the newest is the default');
    assert.equal(json.trials.length, 4);
  });

  test('show tells once what happened to several trials', async () => {
    const id = await submitted();
    await played(id, 3);
    const { stdout } = await cli.run(['show', id]);
    assert.match(stdout, /seed \d+ and 2 more trials\n {4}no space left/);
    assert.equal(stdout.split('no space left').length, 2);
  });

  test('compare prints, and writes every format', async () => {
    const id = await submitted();
    await played(id);
    const { code, stdout } = await cli.run(['compare', id]);
    assert.equal(code, 0);
    for (const title of ['Training matrix', 'Depth', 'Total bits', 'Notes']) assert.ok(stdout.includes(title), title);
    assertReadable(stdout);
    const json = JSON.parse((await cli.run(['compare', id, '--json'])).stdout);
    assert.equal(json.rows.length, 2);
    const csv = ['compare', id, '--format', 'csv'];
    assert.match((await cli.run(csv)).stdout, /^cellId,.*,tokensPerSecond_mean,/);
    assert.match((await cli.run([...csv, '--table', 'gguf'])).stdout, /^cellId,label,type,bitsPerWeight,/);
    const two = await cli.run([...csv, '-t', 'gguf', '-t', 'bits']);
    assert.equal(two.code, 2);
    assert.match(two.stderr, /one table.*\n.*--table gguf/);
    const written = await cli.run(['compare', id, '--format', 'md', '-o', 'result.md']);
    assert.equal(written.stdout, '');
    assert.match(await readFile(join(api.folder, 'result.md'), 'utf8'), /^# small\n/);
    const limited = JSON.parse((await cli.run(['compare', id, '--json', '--max-memory', '1KiB'])).stdout);
    assert.equal(limited.recommendation.cellId, null);
  });

  test('colours follow the terminal: tinted with, none without', async () => {
    const id = await submitted();
    await played(id);
    assert.ok((await cli.run(['compare', id], { colors: 3 })).stdout.includes('\u001b[48;2;34;94;168m'));
    assert.ok(!(await cli.run(['compare', id])).stdout.includes('\u001b['));
  });

  test('logs: the trial that failed, a named one, the last lines', async () => {
    const id = await submitted();
    await played(id, 1);
    const failed = await cli.run(['logs', id]);
    assert.equal(failed.stdout, 'loading\nstep 5\n');
    assert.match(failed.stderr, /: failed$/m);
    const trialId = (await createClient(url).trials(id)).find(({ state }) => state === 'succeeded')?.id ?? '';
    assert.equal((await cli.run(['logs', id, trialId.slice(0, 12), '-n', '1'])).stdout, 'step 5\n');
    assert.equal((await cli.run(['logs', id, trialId, '--attempt', '1', '-f'])).stdout, 'loading\nstep 5\n');
    assert.equal((await cli.run(['logs', id, trialId, '--attempt', '9'])).code, 4);
    assert.equal((await cli.run(['logs', id, 'ffff-none'])).code, 4);
  });
});

describe('control', () => {
  test('pause, resume, cancel, retry and extend say what they did', async () => {
    const id = await submitted();
    assert.match((await cli.run(['pause', id])).stdout, /^paused small; go on: lamina resume /);
    assert.match((await cli.run(['resume', id])).stdout, /^resumed small$/m);
    assert.match((await cli.run(['extend', id, '--axis', `seed=${salt + 500}`])).stdout, /^2 trials added to small$/m);
    await playTrial(api, id, 0, { state: 'failed', message: 'no space left' });
    const retried = await cli.run(['retry', id, '--json']);
    assert.equal(JSON.parse(retried.stdout).affected, 1);
    assert.match((await cli.run(['retry', id])).stdout, /^nothing to run again$/m);
    assert.match((await cli.run(['cancel', id])).stdout, /^cancelling small: /);
  });

  test('an axis that the matrix lacks is refused with a fix', async () => {
    const id = await submitted();
    const { code, stderr } = await cli.run(['extend', id, '--axis', 'lora.r=8']);
    assert.equal(code, 2);
    assert.match(stderr, /matrix\.lora\.r[\s\S]*→/);
  });
});

describe('exit codes', () => {
  test('wrong use is 2, not found is 4, no server is 3', async () => {
    assert.equal((await cli.run(['show', 'e-none'])).code, 4);
    assert.equal((await cli.run(['submit', 'none.yaml'])).code, 4);
    for (const words of [
      [],
      ['lst'],
      ['show', '--bogus'],
      ['submit'],
      ['cancel'],
      ['compare', '--format', 'x'],
      ['list', '-n'],
      ['list', '--limit', '2', '--limit', '3'],
    ]) {
      const { code, stderr, stdout } = await cli.run(words);
      assert.equal(code, 2, words.join(' '));
      assert.equal(stdout, '');
      assertReadable(stderr);
    }
    const away = await cli.run(['list', '--url', 'http://127.0.0.1:1']);
    assert.equal(away.code, 3);
    assert.match(away.stderr, /lamina up/);
  });

  test('help and completion', async () => {
    const help = await cli.run(['--help']);
    assert.equal(help.code, 0);
    assert.match(help.stdout, /Exit codes:\n +0 {2}done/);
    assertReadable(help.stdout);
    for (const command of ['submit', 'preview', 'list', 'show', 'watch', 'compare', 'logs', 'extend', 'up']) {
      assertReadable((await cli.run([command, '--help'])).stdout);
    }
    const id = await submitted();
    assert.match((await cli.run(['completion'])).stdout, /complete -o/);
    const ids = await cli.run(['--get-yargs-completions', 'lamina', 'show', 'e-']);
    assert.equal(ids.stdout.split('\n')[0], id);
  });

  test('the command itself runs, and ends with the exit code', async () => {
    const bin = fileURLToPath(new URL('../../services/cli/bin/lamina.mjs', import.meta.url));
    const options = { env: { ...process.env, LAMINA_URL: url } };
    const { stdout } = await promisify(execFile)(process.execPath, [bin, 'list', '--json'], options);
    assert.ok(JSON.parse(stdout).items.length > 0);
    const refused = promisify(execFile)(process.execPath, [bin, 'show', 'e-none'], options);
    await assert.rejects(refused, (error) => error instanceof Error && 'code' in error && error.code === 4);
  });
});
