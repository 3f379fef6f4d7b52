import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './paths.mjs';

/** @typedef {{ passed: number, failed: number, skipped: readonly { name: string, reason: string }[] }} Counts */
/** @typedef {{ name: string, why: string }} Failure */
/** @typedef {{ ok: boolean, output: string, counts: Counts | null, failures: readonly Failure[], note?: string }} Result `counts` is null where a tool counts no tests */

const LIMIT_MS = 60 * 60_000;

/**
 * Runs a command in its own process group and gathers what it prints; a stage that hangs is ended.
 * @param {readonly string[]} command
 * @param {{ cwd?: string, env: Record<string, string | undefined> }} options
 * @returns {Promise<{ code: number | null, output: string }>}
 */
function run([program, ...args], { cwd = root, env }) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let output = '';
    const add = (text) => {
      output += text;
    };
    child.stdout.setEncoding('utf8').on('data', add);
    child.stderr.setEncoding('utf8').on('data', add);
    const limit = setTimeout(() => {
      add(`\nended after ${LIMIT_MS / 60_000} minutes\n`);
      process.kill(-child.pid, 'SIGKILL');
    }, LIMIT_MS);
    child.once('error', (error) => {
      clearTimeout(limit);
      resolve({ code: null, output: `${output}${error.message}\n` });
    });
    child.once('close', (code) => {
      clearTimeout(limit);
      resolve({ code, output });
    });
  });
}

/** A tool that says yes or no. */
export async function check(command, options) {
  const { code, output } = await run(command, options);
  const failures =
    code === 0 ? [] : [{ name: command.join(' '), why: output.trimEnd().split('\n').slice(-15).join('\n') }];
  return { ok: code === 0, output, counts: null, failures };
}

/** A process that outlives its tests for a moment may still write there: then the folder stays. */
function discard(folder) {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // It is a temporary one.
  }
}

/** Files of node:test, by glob. */
export async function nodeTests(globs, { env, concurrency = 1 }) {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-test-'));
  const file = join(folder, 'counts.jsonl');
  const reporter = fileURLToPath(new URL('count-reporter.mjs', import.meta.url));
  try {
    const reporters = ['--test-reporter=spec', '--test-reporter-destination=stdout'];
    reporters.push(`--test-reporter=${reporter}`, `--test-reporter-destination=${file}`);
    const limits = ['--test-timeout=1200000', `--test-concurrency=${concurrency}`];
    const { code, output } = await run(['node', '--test', ...limits, ...reporters, ...globs], { env });
    const tests = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').filter(Boolean).map(JSON.parse) : [];
    const failures = tests
      .filter((test) => test.outcome === 'failed')
      .map((test) => ({ name: `${relative(root, test.file ?? '')}: ${test.name}`, why: test.why }));
    const failed = failures.length;
    const counts = {
      passed: tests.filter((test) => test.outcome === 'passed').length,
      failed,
      skipped: tests.filter((test) => test.outcome === 'skipped').map(({ name, reason }) => ({ name, reason })),
    };
    if (tests.length === 0)
      return { ok: false, output: `${output}\nNo test was found by ${globs.join(' ')}\n`, counts, failures };
    return { ok: code === 0 && failed === 0, output, counts, failures };
  } finally {
    discard(folder);
  }
}

/** The trainer's tests, and how much of the trainer they run; less than pyproject.toml asks for is a failure. */
export async function pytest(python, { cwd, env }) {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-test-'));
  // Some attempts run as another user.
  chmodSync(folder, 0o1777);
  const file = join(folder, 'junit.xml');
  const coverage = (...args) =>
    run([python, '-m', 'coverage', ...args], { cwd, env: { ...env, COVERAGE_FILE: join(folder, 'coverage') } });
  try {
    const tests = await coverage('run', '-m', 'pytest', '-rsfE', '--durations=10', `--junitxml=${file}`);
    const xml = existsSync(file) ? readFileSync(file, 'utf8') : '';
    const number = (name) => Number(new RegExp(`<testsuite [^>]*\\b${name}="(\\d+)"`).exec(xml)?.[1] ?? 0);
    const failed = number('failures') + number('errors');
    const skipped = [...xml.matchAll(/<testcase [^>]*\bname="([^"]*)"[^>]*><skipped [^>]*\bmessage="([^"]*)"/g)].map(
      ([, name, reason]) => ({ name, reason }),
    );
    const passed = number('tests') - failed - number('skipped');
    const counts = { passed, failed, skipped };
    const failures = [...tests.output.matchAll(/^(?:FAILED|ERROR) (\S+)(?: - (.*))?$/gm)].map(
      ([, name, why = 'no reason given']) => ({ name, why }),
    );
    if (tests.code !== 0) return { ok: false, output: tests.output, counts, failures };
    const combined = await coverage('combine', '--quiet');
    const report = await coverage('report');
    return {
      ok: combined.code === 0 && report.code === 0,
      output: tests.output + combined.output + report.output,
      counts,
      failures: report.code === 0 ? [] : [{ name: 'coverage', why: report.output.trimEnd().split('\n').at(-1) ?? '' }],
      note: `${/^TOTAL\s.*?([\d.]+%)$/m.exec(report.output)?.[1] ?? 'nothing'} of the trainer's lines run`,
    };
  } finally {
    discard(folder);
  }
}
