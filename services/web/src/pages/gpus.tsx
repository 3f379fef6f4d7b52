import type { DeviceView } from '@lamina/domain/contract/devices.ts';
import type { GpuClassInventory, GpuInventory } from '@lamina/domain/contract/gpus.ts';
import { useQuery } from '@tanstack/react-query';
import { gpusQuery } from '../api/queries.ts';
import { ago, bytes, DASH } from '../format.ts';
import { Empty, ErrorMessage, Loading, Skeleton } from '../ui/messages.tsx';
import { useNow } from '../ui/now.ts';
import { Card } from '../ui/section.tsx';
import styles from './experiments.module.css';

export default function GpusPage() {
  const query = useQuery(gpusQuery());
  return (
    <>
      <title>GPUs · Lamina</title>
      <div className={styles.head}>
        <h1>GPUs</h1>
        {query.data ? <Seen inventory={query.data} /> : null}
      </div>
      {query.isError ? (
        <ErrorMessage title="The GPUs cannot be listed" error={query.error} onRetry={() => void query.refetch()} />
      ) : null}
      {query.isPending ? (
        <Loading what="GPUs">
          <Skeleton height={80} />
        </Loading>
      ) : null}
      {query.data ? <Classes inventory={query.data} /> : null}
    </>
  );
}

function Seen({ inventory: { source, at } }: { inventory: GpuInventory }) {
  const now = useNow(1000);
  return (
    <span className={styles.dim}>
      {source}, seen {ago(at, now)}
    </span>
  );
}

function Classes({ inventory: { classes, devices = [], note } }: { inventory: GpuInventory }) {
  if (classes.length === 0) {
    return (
      <Card>
        <Empty title="No GPUs">
          <p>{note}</p>
        </Empty>
      </Card>
    );
  }
  return (
    <>
      <Card>
        <div className={styles.scroll}>
          <table className={styles.table}>
            <caption className="visually-hidden">Classes of GPUs that trials can run on</caption>
            <thead>
              <tr>
                <th scope="col">Class</th>
                {['Memory', 'CUDA', 'Nodes', 'In a node', 'Free', 'Price an hour'].map((title) => (
                  <th key={title} scope="col" className={styles.end}>
                    {title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {classes.map((each) => (
                <Row key={each.name} {...each} />
              ))}
            </tbody>
          </table>
        </div>
      </Card>
      {devices.length === 0 ? null : <Devices devices={devices} />}
      {note === null ? null : <p className={styles.dim}>{note}</p>}
    </>
  );
}

function Row({
  name,
  mig,
  memoryBytes,
  computeCapability,
  nodes,
  perNode,
  free,
  total,
  pricePerHour,
}: GpuClassInventory) {
  return (
    <tr className={styles.row}>
      <th scope="row">
        {name}
        {mig === null || name.includes(mig) ? '' : ` (${mig})`}
      </th>
      <td className={styles.end}>{bytes(memoryBytes)}</td>
      <td className={styles.end}>{computeCapability ?? DASH}</td>
      <td className={styles.end}>{nodes}</td>
      <td className={styles.end}>{perNode}</td>
      <td className={styles.end}>
        {free ?? '?'} of {total}
      </td>
      <td className={styles.end}>{pricePerHour === null ? DASH : pricePerHour.toFixed(2)}</td>
    </tr>
  );
}

function Devices({ devices }: { devices: readonly DeviceView[] }) {
  return (
    <Card>
      <div className={styles.scroll}>
        <table className={styles.table}>
          <caption className="visually-hidden">GPUs of this machine, and who uses each</caption>
          <thead>
            <tr>
              <th scope="col">GPU</th>
              <th scope="col">Class</th>
              <th scope="col" className={styles.end}>
                Free
              </th>
              <th scope="col">Used by</th>
            </tr>
          </thead>
          <tbody>
            {devices.map((device) => (
              <tr key={device.uuid} className={styles.row}>
                <th scope="row">{device.index}</th>
                <td>{device.name}</td>
                <td className={styles.end}>{bytes(device.freeBytes)}</td>
                <td>{userOf(device)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

/** What keeps attempts from a GPU, else who has it. */
function userOf({ attemptId, setAside, problem, processes }: DeviceView): string {
  if (problem !== null) return `Nobody: ${problem}`;
  if (attemptId !== null) return attemptId;
  if (setAside !== null)
    return `Nobody: set aside ${setAside.until === null ? '' : `until ${setAside.until} `}(${setAside.reason})`;
  return processes.map(({ pid, name }) => `${name ?? 'process'} ${pid}`).join(', ') || DASH;
}
