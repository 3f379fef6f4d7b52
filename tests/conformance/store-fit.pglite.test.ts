import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { openNewPGlite } from '../support/pglite.ts';
import { storeFitConformance } from './store-fit.ts';

const folder = mkdtempSync(join(tmpdir(), 'lamina-fit-'));
after(() => rmSync(folder, { recursive: true, force: true }));

storeFitConformance('PGlite', () => openNewPGlite(folder));
