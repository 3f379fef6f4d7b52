import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { openDatabase } from '@lamina/platform/database/open.ts';
import { storeEventsConformance } from './store-events.ts';

const folder = mkdtempSync(join(tmpdir(), 'lamina-events-'));
after(() => rmSync(folder, { recursive: true, force: true }));

storeEventsConformance('PGlite', () => openDatabase({ kind: 'pglite', dataDir: folder }));
