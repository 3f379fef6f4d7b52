import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { openDatabase } from '@lamina/platform/database/open.ts';
import { storeConformance } from './store.ts';

const folder = mkdtempSync(join(tmpdir(), 'lamina-store-'));
after(() => rmSync(folder, { recursive: true, force: true }));

storeConformance('PGlite', () => openDatabase({ kind: 'pglite', dataDir: folder }));
