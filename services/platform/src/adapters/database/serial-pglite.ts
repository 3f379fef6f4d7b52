import type { PGlite } from '@electric-sql/pglite';
import { type DatabaseConnection, type Driver, PGliteDialect } from 'kysely';

/**
 * Kysely's PGlite driver hands its one connection to everybody at once: a query that runs during a transaction would
 * land inside that transaction, and a second transaction would overwrite the first one's commit handle. Here the
 * caller that acquires the connection has it alone until it releases it.
 */
export class SerialPGliteDialect extends PGliteDialect {
  constructor(pglite: PGlite) {
    super({ pglite });
  }

  override createDriver(): Driver {
    return serial(super.createDriver());
  }
}

function serial(driver: Driver): Driver {
  let last: Promise<void> = Promise.resolve();
  const releases = new WeakMap<DatabaseConnection, () => void>();
  return new Proxy(driver, {
    get(target, property) {
      if (property === 'acquireConnection') {
        return async (): Promise<DatabaseConnection> => {
          const { promise, resolve } = Promise.withResolvers<void>();
          const before = last;
          last = promise;
          await before;
          try {
            const connection = await target.acquireConnection();
            releases.set(connection, resolve);
            return connection;
          } catch (error) {
            resolve();
            throw error;
          }
        };
      }
      if (property === 'releaseConnection') {
        return async (connection: DatabaseConnection): Promise<void> => releases.get(connection)?.();
      }
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
