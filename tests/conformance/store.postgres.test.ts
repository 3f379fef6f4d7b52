import { after } from 'node:test';
import { openDatabase } from '@lamina/platform/adapters/database/open.ts';
import { postgresMissing, startPostgres, type TestPostgres } from '../support/postgres.ts';
import { storeConformance } from './store.ts';

const missing = postgresMissing();
let postgres: TestPostgres | null = null;
after(() => postgres?.stop());

storeConformance(
  'PostgreSQL',
  async () => {
    postgres = await startPostgres();
    return openDatabase({ kind: 'postgres', url: await postgres.createDatabase('store') });
  },
  missing === null ? {} : { skip: missing },
);
