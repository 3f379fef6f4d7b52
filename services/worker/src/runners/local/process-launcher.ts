import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Launcher, LaunchItem } from './launcher.ts';
import { identify, type ProcessIdentity } from './processes.ts';

/**
 * Waits for the trainer in our place, because we may be gone by then. A trapped signal is not inherited by the
 * command, and a shell that waits for a foreground command runs its trap only afterwards: so the trainer alone reacts
 * to a SIGTERM to the group, and the shell lives to write down how it ended. Field 22 of stat is the start time.
 */
const WRAPPER = `
trap : TERM INT HUP
cd "$1" || exit 1
shift
read -r a b c d e f g h i j k l m n o p q r s t u ticks rest < /proc/$$/stat
echo "{\\"pid\\":$$,\\"startTicks\\":$ticks}" > process.json.tmp && mv process.json.tmp process.json
"$@" < /dev/null
code=$?
signal=null
if [ $code -gt 128 ]; then
  signal="\\"SIG$(kill -l $((code - 128)))\\""
  code=null
fi
echo "{\\"code\\":$code,\\"signal\\":$signal,\\"endedAt\\":\\"$(date -u +%Y-%m-%dT%H:%M:%SZ)\\"}" > status.json.tmp
mv status.json.tmp status.json
`;

/** Starts each attempt as a process of its own: `command` followed by `--request <path>`. */
export function createProcessLauncher(options: {
  readonly command: readonly string[];
  /** The whole environment of the trainer; an attempt's own variables are laid over it. */
  readonly env: Readonly<Record<string, string>>;
}): Launcher {
  return {
    name: 'process',
    async start({ attemptDir, env }: LaunchItem): Promise<ProcessIdentity> {
      const log = openSync(join(attemptDir, 'log.txt'), 'a');
      try {
        const request = join(attemptDir, 'request.json');
        const child = spawn('/bin/sh', ['-c', WRAPPER, 'sh', attemptDir, ...options.command, '--request', request], {
          detached: true,
          stdio: ['ignore', log, log],
          env: { ...options.env, ...env },
        });
        await new Promise<void>((resolve, reject) => {
          child.once('spawn', resolve);
          child.once('error', reject);
        });
        child.unref();
        // It may have ended already; then status.json tells the rest.
        return identify(child.pid as number) ?? { pid: child.pid as number, startTicks: -1 };
      } finally {
        closeSync(log);
      }
    },
    close: async () => undefined,
  };
}
