import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { openNewPGlite } from '../support/pglite.ts';
import { storeGenerationConformance } from './store-generation.ts';

const folder = mkdtempSync(join(tmpdir(), 'lamina-preparation-'));
after(() => rmSync(folder, { recursive: true, force: true }));

storeGenerationConformance('PGlite', () => openNewPGlite(folder));
