import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { openNewPGlite } from '../support/pglite.ts';
import { storeForecastConformance } from './store-forecast.ts';

const folder = mkdtempSync(join(tmpdir(), 'lamina-waiting-'));
after(() => rmSync(folder, { recursive: true, force: true }));

storeForecastConformance('PGlite', () => openNewPGlite(folder));
