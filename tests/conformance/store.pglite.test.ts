import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { openNewPGlite } from '../support/pglite.ts';
import { storeConformance } from './store.ts';

const folder = mkdtempSync(join(tmpdir(), 'lamina-store-'));
after(() => rmSync(folder, { recursive: true, force: true }));

storeConformance('PGlite', () => openNewPGlite(folder));
