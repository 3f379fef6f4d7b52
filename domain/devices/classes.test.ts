import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeviceView } from '../contract/devices.ts';
import { classesOf } from './classes.ts';
import { deviceOf } from './testing/devices.ts';

const view = (index: number, more: Partial<DeviceView> = {}): DeviceView => ({
  ...deviceOf(index),
  attemptId: null,
  setAside: null,
  ...more,
});

test('classes of a machine from small to large; what is held, broken or of others is not free', () => {
  const setAside = { device: 'GPU-2', faults: 1, since: '', until: null, reason: 'Xid 79', attemptId: 'a' };
  const slice = { name: 'H100 MIG 3g.40gb', mig: '3g.40gb', memoryBytes: 40 * 2 ** 30, freeBytes: 40 * 2 ** 30 };
  const classes = classesOf([
    view(0),
    view(1, { attemptId: 'a' }),
    view(2, { setAside }),
    view(3, { problem: 'GPU is lost' }),
    view(4, { freeBytes: 2 ** 30 }),
    view(5, slice),
    view(6, slice),
  ]);
  assert.deepEqual(
    classes.map(({ name, perNode, total, free, memoryBytes }) => [name, perNode, total, free, memoryBytes]),
    [
      ['H100 MIG 3g.40gb', 1, 2, 2, 40 * 2 ** 30],
      ['H100', 5, 3, 1, 80 * 2 ** 30],
    ],
  );
});
