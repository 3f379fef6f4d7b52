/** One attempt as this machine sees it: where it is, whether it lives, and how it ended. */
import { type FSWatcher, watch } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { refOf } from '@lamina/domain/contract/attempt.ts';
import type { PendingReason } from '@lamina/domain/contract/pending.ts';
import type { AttemptObservation } from '@lamina/domain/contract/runner.ts';
import { z } from 'zod';
import type { IndexEntry } from './attempt-index.ts';
import { diagnose, type StopReason } from './diagnosis.ts';
import { gatherTraces, readStatus } from './evidence.ts';
import { readJson } from './files.ts';
import { bootId, isAlive, outOfMemoryKills, type ProcessIdentity, signalGroup } from './processes.ts';

const identityFile = z.object({ pid: z.number().int().positive(), startTicks: z.number().int() });

const STARTING: PendingReason = { kind: 'starting', text: 'The trainer is being started.' };
const QUEUED: PendingReason = { kind: 'queued', text: 'Waits for a GPU of this machine.' };
/** How long after a process has gone its status may still be on its way. */
const SETTLE_MS = 1_500;
/** How long an attempt that was being launched when we were killed may wait to be launched again. */
const RELAUNCH_MS = 60_000;

export class Attempt {
  readonly dir: string;
  entry: IndexEntry;
  identity: ProcessIdentity | null = null;
  /** Set while a launcher is at work on it. */
  starting: Promise<void> | null = null;
  /** Why it was not given its GPUs yet. */
  waitsFor: PendingReason | null = null;
  private readonly save: (entry: IndexEntry) => void;
  private readonly knownSinceMs = Date.now();
  private goneSinceMs: number | null = null;
  private watcher: FSWatcher | null = null;

  constructor(dir: string, entry: IndexEntry, save: (entry: IndexEntry) => void) {
    this.dir = dir;
    this.entry = entry;
    this.save = save;
  }

  update(change: Partial<IndexEntry>): void {
    this.entry = { ...this.entry, ...change };
    this.save(this.entry);
  }

  process(): ProcessIdentity | null {
    if (this.identity === null && this.entry.bootId === bootId()) {
      this.identity = identityFile.safeParse(readJson(join(this.dir, 'process.json'))).data ?? null;
    }
    return this.identity;
  }

  /** Whether it waits for GPUs of this machine. */
  isWaiting(): boolean {
    return this.entry.end === null && this.entry.waiting != null;
  }

  /** It gets no GPU now. While other trials have their turn no deadline counts. */
  wait(reason: PendingReason): void {
    this.waitsFor = reason;
    const admittedAt = reason.kind === 'queued' ? null : (this.entry.admittedAt ?? new Date().toISOString());
    if (admittedAt !== this.entry.admittedAt) this.update({ admittedAt });
  }

  /** Its GPUs are given to it: it is launched now, and its deadline counts from here. */
  admit(devices: readonly string[]): void {
    const { deadlineSeconds } = this.entry;
    const now = Date.now();
    this.update({
      waiting: null,
      devices,
      admittedAt: new Date(now).toISOString(),
      deadlineAt: deadlineSeconds === null ? null : new Date(now + deadlineSeconds * 1000).toISOString(),
      bootId: bootId(),
      outOfMemoryKills: outOfMemoryKills(),
    });
  }

  /** True where nothing of it has ever run: it may be started without running twice. */
  neverStarted(): boolean {
    return !this.isWaiting() && this.starting === null && this.process() === null && readStatus(this.dir) === null;
  }

  requestStop(reason: StopReason, graceSeconds: number): void {
    if (this.entry.end !== null || this.entry.stop !== null) return;
    this.update({ stop: { reason, killAt: new Date(Date.now() + graceSeconds * 1000).toISOString() } });
    const identity = this.process();
    if (identity !== null) signalGroup(identity, 'SIGTERM');
  }

  /** Looks at the process and its files, enforces the deadline, and finds out whether it has ended. */
  inspect(nowMs: number): void {
    if (this.entry.end !== null || this.starting !== null) return;
    if (this.isWaiting() && this.entry.stop === null) return;
    if (readStatus(this.dir) !== null) return this.conclude();
    const identity = this.process();
    if (identity === null) {
      const lost = this.entry.bootId !== bootId() || nowMs - this.knownSinceMs > RELAUNCH_MS;
      if (lost || this.entry.stop !== null) this.conclude();
      return;
    }
    if (!isAlive(identity)) {
      this.goneSinceMs ??= nowMs;
      if (nowMs - this.goneSinceMs >= SETTLE_MS) this.conclude();
      return;
    }
    const { deadlineAt, stop, graceSeconds } = this.entry;
    if (stop === null && deadlineAt !== null && Date.parse(deadlineAt) <= nowMs) {
      this.requestStop('deadline', graceSeconds);
    } else if (stop !== null && Date.parse(stop.killAt) <= nowMs) {
      signalGroup(identity, 'SIGKILL');
    }
  }

  /** When `inspect` has something to do at the latest, apart from the slow poll. */
  dueAtMs(): number | null {
    if (this.entry.end !== null) return null;
    if (this.goneSinceMs !== null) return this.goneSinceMs + SETTLE_MS;
    const at = this.entry.stop?.killAt ?? this.entry.deadlineAt;
    return at === null ? null : Date.parse(at);
  }

  /** Calls back when its status appears; the slow poll finds what this misses. */
  follow(onStatus: () => void): void {
    if (this.watcher !== null || this.entry.end !== null) return;
    try {
      this.watcher = watch(this.dir, { persistent: false }, (_type, name) => {
        if (name === 'status.json') onStatus();
      });
      this.watcher.on('error', () => this.unfollow());
    } catch {
      // Out of inotify watches: the poll does it.
    }
  }

  unfollow(): void {
    this.watcher?.close();
    this.watcher = null;
  }

  fail(message: string, outcome: 'crashed' | 'invalid' = 'crashed'): void {
    this.end({ outcome, message, exitCode: null });
  }

  observation(): AttemptObservation {
    const { end, admittedAt } = this.entry;
    const ref = { ...refOf(this.entry), ...(admittedAt === undefined ? {} : { admittedAt }) };
    if (end !== null) return { ...ref, state: 'ended', reason: null, end };
    if (this.starting === null && this.process() !== null) return { ...ref, state: 'running', reason: null, end: null };
    const reason = this.isWaiting() ? (this.waitsFor ?? QUEUED) : STARTING;
    return { ...ref, state: 'pending', reason, end: null };
  }

  private conclude(): void {
    const status = readStatus(this.dir);
    const kills = outOfMemoryKills();
    const before = this.entry.outOfMemoryKills;
    this.end(
      diagnose({
        status,
        ...gatherTraces(this.dir, this.entry),
        stop: this.entry.stop?.reason ?? null,
        deadlineSeconds: this.entry.deadlineSeconds,
        memoryKills: kills === null || before === null ? null : kills > before,
      }),
      status?.endedAt,
    );
  }

  /** The one GPU that further attempts avoid after a fault; null where it is not to be told from others. */
  private faulty({ outcome }: ReturnType<typeof diagnose>): string | null {
    const { devices = [] } = this.entry;
    return outcome === 'gpu-fault' && devices.length === 1 ? (devices[0] ?? null) : null;
  }

  private end(finding: ReturnType<typeof diagnose>, endedAt = new Date().toISOString()): void {
    this.unfollow();
    this.update({
      ...(this.isWaiting() ? { waiting: null } : {}),
      end: { ...finding, node: this.faulty(finding) ?? hostname(), endedAt },
    });
  }
}
