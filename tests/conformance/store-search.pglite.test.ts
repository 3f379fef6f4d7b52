import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { openNewPGlite } from '../support/pglite.ts';
import { storeSearchConformance } from './store-search.ts';

const folder = mkdtempSync(join(tmpdir(), 'lamina-search-'));
after(() => rmSync(folder, { recursive: true, force: true }));

storeSearchConformance('PGlite', () => openNewPGlite(folder));
