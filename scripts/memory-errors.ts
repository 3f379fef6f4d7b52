/** Prints the memory estimator's error against published measurements: `npm run memory:errors`. */
import { publishedErrors } from '../domain/memory/testing/errors.ts';
import { errorTables } from '../domain/memory/testing/tables.ts';

console.log(errorTables(publishedErrors()));
