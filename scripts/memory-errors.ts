/** Prints the memory estimator's error against published measurements: `npm run memory:errors`. */
import { publishedErrors } from '../domain/memory/errors.ts';
import { errorTables } from '../domain/memory/tables.ts';

console.log(errorTables(publishedErrors()));
