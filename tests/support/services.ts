/** API and worker as processes of their own. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const mainOf = (service: string) => fileURLToPath(new URL(`../../services/${service}/src/main.ts`, import.meta.url));

export interface Service {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly exit: Promise<number | null>;
}

export function launch(service: 'api' | 'worker', env: Readonly<Record<string, string>>): Service {
  const child = spawn(process.execPath, [mainOf(service)], { env: { ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  return { child, output: () => output, exit: new Promise((resolve) => child.once('exit', resolve)) };
}

/** The address under `name` in the line that says that the service is up. */
export async function upAt({ output, child }: Service, name: string): Promise<string> {
  const giveUpAt = performance.now() + 90_000;
  for (;;) {
    const found = new RegExp(`"${name}":"(http[^"]+)"[^\n]*"msg":"(?:serving|working)"`).exec(output())?.[1];
    if (found !== undefined) return found;
    assert.ok(child.exitCode === null && performance.now() < giveUpAt, output());
    await sleep(50);
  }
}
