import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { openDatabase } from '@lamina/platform/database/open.ts';
import { storeFitConformance } from './store-fit.ts';

const folder = mkdtempSync(join(tmpdir(), 'lamina-fit-'));
after(() => rmSync(folder, { recursive: true, force: true }));

storeFitConformance('PGlite', () => openDatabase({ kind: 'pglite', dataDir: folder }));
