import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { openDatabase } from '@lamina/platform/database/open.ts';
import { storeWaitingConformance } from './store-waiting.ts';

const folder = mkdtempSync(join(tmpdir(), 'lamina-waiting-'));
after(() => rmSync(folder, { recursive: true, force: true }));

storeWaitingConformance('PGlite', () => openDatabase({ kind: 'pglite', dataDir: folder }));
