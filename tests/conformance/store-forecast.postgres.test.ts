import { after } from 'node:test';
import { openDatabase } from '@lamina/platform/adapters/database/open.ts';
import { postgresMissing, startPostgres, type TestPostgres } from '../support/postgres.ts';
import { storeForecastConformance } from './store-forecast.ts';

const missing = postgresMissing();
let postgres: TestPostgres | null = null;
after(() => postgres?.stop());

storeForecastConformance(
  'PostgreSQL',
  async () => {
    postgres = await startPostgres();
    return openDatabase({ kind: 'postgres', url: await postgres.createDatabase('waiting') });
  },
  missing === null ? {} : { skip: missing },
);
