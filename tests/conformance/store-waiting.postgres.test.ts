import { after } from 'node:test';
import { openDatabase } from '@lamina/platform/database/open.ts';
import { postgresMissing, startPostgres, type TestPostgres } from '../support/postgres.ts';
import { storeWaitingConformance } from './store-waiting.ts';

const missing = postgresMissing();
let postgres: TestPostgres | null = null;
after(() => postgres?.stop());

storeWaitingConformance(
  'PostgreSQL',
  async () => {
    postgres = await startPostgres();
    return openDatabase({ kind: 'postgres', url: await postgres.createDatabase('waiting') });
  },
  missing === null ? {} : { skip: missing },
);
