import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Config } from './config.ts';
import { startFailure } from './failure.ts';

const config = { port: 7070, intake: { host: '10.0.0.1', port: 7071 }, dataDirectory: '/nowhere' } as Config;
const system = (code: string, more: object) => Object.assign(new Error(code), { code, ...more });

test('a taken port is named with the variable that changes it', () => {
  assert.match(startFailure(system('EADDRINUSE', { port: 7070 }), config), /Port 7070 .* LAMINA_PORT, or 0/);
  assert.match(
    startFailure(system('EADDRINUSE', { port: 7071 }), config),
    /Port 7071 .* LAMINA_INTAKE_PORT, .* eventsUrl/,
  );
});

test('an address of another machine is named', () => {
  const failure = system('EADDRNOTAVAIL', { address: '10.0.0.1', port: 7071 });
  assert.match(startFailure(failure, config), /10\.0\.0\.1 .* LAMINA_INTAKE_HOST/);
});
