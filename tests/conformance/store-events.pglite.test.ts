import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { openNewPGlite } from '../support/pglite.ts';
import { storeEventsConformance } from './store-events.ts';

const folder = mkdtempSync(join(tmpdir(), 'lamina-events-'));
after(() => rmSync(folder, { recursive: true, force: true }));

storeEventsConformance('PGlite', () => openNewPGlite(folder));
