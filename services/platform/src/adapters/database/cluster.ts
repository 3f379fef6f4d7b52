import { sql } from 'kysely';
import type { ClusterStore } from '../../application/ports/cluster-store.ts';
import { json } from './json.ts';
import type { Db } from './schema.ts';

export function cluster(db: Db): ClusterStore {
  return {
    async announce(runnerFacts) {
      await sql`INSERT INTO surroundings (id, content) VALUES (1, ${json(runnerFacts)}::jsonb)
        ON CONFLICT (id) DO UPDATE SET content = excluded.content, at = now()`.execute(db);
    },

    async getRunnerFacts() {
      const row = await db.selectFrom('surroundings').select('content').executeTakeFirst();
      return row?.content ?? null;
    },

    async claimGpuRefresh(everySeconds) {
      const claimed = await sql`UPDATE gpu_inventory SET claimed_at = now()
        WHERE claimed_at <= now() - make_interval(secs => ${everySeconds}::float8)`.execute(db);
      return claimed.numAffectedRows === 1n;
    },

    async putGpuInventory(inventory) {
      await sql`UPDATE gpu_inventory SET content = ${json(inventory)}::jsonb`.execute(db);
    },

    async getGpuInventory() {
      const row = await db.selectFrom('gpu_inventory').select('content').executeTakeFirst();
      return row?.content ?? null;
    },

    async setDeviceAside(setAside) {
      await sql`INSERT INTO devices_set_aside (device, content) VALUES (${setAside.device}, ${json(setAside)}::jsonb)
        ON CONFLICT (device) DO UPDATE SET content = excluded.content`.execute(db);
    },

    async devicesSetAside() {
      const rows = await db.selectFrom('devices_set_aside').select('content').orderBy('device').execute();
      return rows.map(({ content }) => content);
    },

    async takeDeviceBack(device) {
      const gone = await db.deleteFrom('devices_set_aside').where('device', '=', device).executeTakeFirst();
      return gone.numDeletedRows === 1n;
    },
  };
}
