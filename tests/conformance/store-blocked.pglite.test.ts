import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { openNewPGlite } from '../support/pglite.ts';
import { storeBlockedConformance } from './store-blocked.ts';

const folder = mkdtempSync(join(tmpdir(), 'lamina-blocked-'));
after(() => rmSync(folder, { recursive: true, force: true }));

storeBlockedConformance('PGlite', () => openNewPGlite(folder));
