import { mkdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_MS = 500;
/** How often the holder of a lock renews it; a holder that has not renewed it for `DEAD_MS` is dead. */
const TOUCH_MS = 2_000;
const DEAD_MS = 10_000;

/**
 * One at a time, across processes and containers that share a folder: who can make the lock's folder has it.
 * @template T
 * @param {string} path
 * @param {() => void} onWait called once where another one has it
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function exclusively(path, onWait, work) {
  mkdirSync(dirname(path), { recursive: true });
  for (let waits = 0; !taken(path); waits += 1) {
    if (waits === 0) onWait();
    if (silentMs(path) > DEAD_MS) bury(path);
    else await sleep(LOOK_MS);
  }
  const touch = setInterval(() => utimesSync(path, new Date(), new Date()), TOUCH_MS);
  try {
    return await work();
  } finally {
    clearInterval(touch);
    rmSync(path, { recursive: true, force: true });
  }
}

function taken(path) {
  try {
    mkdirSync(path);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

/** 0 where it has just been let go. */
function silentMs(path) {
  try {
    return Date.now() - statSync(path).mtimeMs;
  } catch {
    return 0;
  }
}

/** Takes a dead lock away: of several processes that find it dead, only one can rename it. */
function bury(path) {
  const grave = `${path}.${process.pid}`;
  try {
    renameSync(path, grave);
    rmSync(grave, { recursive: true, force: true });
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}
