import { after } from 'node:test';
import { openDatabase } from '@lamina/platform/adapters/database/open.ts';
import { postgresMissing, startPostgres, type TestPostgres } from '../support/postgres.ts';
import { storeFitConformance } from './store-fit.ts';

const missing = postgresMissing();
let postgres: TestPostgres | null = null;
after(() => postgres?.stop());

storeFitConformance(
  'PostgreSQL',
  async () => {
    postgres = await startPostgres();
    return openDatabase({ kind: 'postgres', url: await postgres.createDatabase('fit') });
  },
  missing === null ? {} : { skip: missing },
);
