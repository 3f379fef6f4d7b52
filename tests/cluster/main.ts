/** `npm run cluster:up`, `cluster:down`, `cluster:status`. */
import { build } from './build.ts';
import { down, status, up } from './cluster.ts';
import { startKueue } from './kueue.ts';
import { startKwok } from './kwok.ts';

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

async function main([command, ...options]: readonly string[]): Promise<void> {
  switch (command) {
    case 'build':
      return build(say);
    case 'up': {
      await up(say);
      if (options.includes('--kwok')) await startKwok();
      if (options.includes('--kueue')) await startKueue();
      const { kubeconfig, nodes } = await status();
      say(`The cluster is up: nodes ${nodes.join(' and ')}.\nexport KUBECONFIG=${kubeconfig}`);
      return;
    }
    case 'down':
      await down();
      return say('The cluster is down.');
    case 'status': {
      const now = await status();
      if (options.includes('--json')) return say(JSON.stringify(now, null, 2));
      say(now.up ? 'The cluster is up.' : `The cluster is down${now.obstacle === null ? '.' : `: ${now.obstacle}.`}`);
      say(`  kubeconfig   ${now.kubeconfig}`);
      say(`  binaries     ${now.binaries}${now.built ? '' : ' (not built yet)'}`);
      say(`  logs         ${now.logs}`);
      say(`  host         ${now.hostAddress} as pods reach it`);
      for (const [name, pid] of Object.entries(now.components)) say(`  ${name.padEnd(28)}${pid ?? 'not running'}`);
      return;
    }
    default:
      throw new Error('cluster build | up [--kwok] [--kueue] | down | status [--json]');
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
