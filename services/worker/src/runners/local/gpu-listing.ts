/** What NVML says of this machine's GPUs, asked of a process of the trainer that stays: starting one takes a second. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { device } from '@lamina/domain/contract/devices.ts';
import { z } from 'zod';
import type { LocalTrainer } from './trainer.ts';

const gpuReport = z.object({ driver: z.string().nullable(), gpus: z.array(device), problem: z.string().nullable() });
export type GpuReport = Readonly<z.infer<typeof gpuReport>>;

export interface GpuListing {
  /** @throws Error where the trainer does not answer */
  look(): Promise<GpuReport>;
  close(): void;
}

/** A driver that hangs keeps nobody waiting for ever. */
const LOOK_TIMEOUT_MS = 60_000;

export function createGpuListing(
  { python }: Pick<LocalTrainer, 'python'>,
  env: Readonly<Record<string, string>>,
): GpuListing {
  let running: ChildProcessByStdio<Writable, Readable, Readable> | null = null;
  let last: Promise<unknown> = Promise.resolve();

  async function ask(): Promise<GpuReport> {
    running ??= spawn(python, ['-m', 'lamina_trainer', 'gpus', '--follow'], { env, stdio: ['pipe', 'pipe', 'pipe'] });
    const child = running;
    try {
      return gpuReport.parse(JSON.parse(await answerOf(child)));
    } catch (error) {
      running = null;
      child.kill('SIGKILL');
      throw error;
    }
  }

  return {
    look() {
      const result = last.then(ask);
      last = result.catch(() => undefined);
      return result;
    },
    close() {
      // It ends with its input.
      running?.stdin.end();
      running = null;
    },
  };
}

/** One line for one line. */
function answerOf(child: ChildProcessByStdio<Writable, Readable, Readable>): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    const lines = createInterface({ input: child.stdout });
    const timer = setTimeout(() => end(() => reject(new Error('the trainer does not answer'))), LOOK_TIMEOUT_MS);
    const onError = (error: Error) => end(() => reject(error));
    const onExit = () => end(() => reject(new Error(`the trainer ended: ${said.trim().split('\n').at(-1) ?? ''}`)));
    const onStderr = (chunk: Buffer) => {
      said += chunk.toString();
    };
    function end(settle: () => void): void {
      clearTimeout(timer);
      lines.close();
      child.off('error', onError).off('close', onExit);
      child.stderr.off('data', onStderr);
      child.stdin.off('error', onError);
      settle();
    }
    lines.once('line', (line) => end(() => resolve(line)));
    child.once('error', onError).once('close', onExit);
    child.stderr.on('data', onStderr);
    child.stdin.once('error', onError);
    child.stdin.write('\n');
  });
}
