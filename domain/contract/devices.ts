/** GPUs of one machine, which its runner hands out one by one. */
import { z } from 'zod';

const bytes = z.number().int().nonnegative();

export const deviceProcess = z.object({
  pid: z.number().int().positive(),
  name: z.string().nullable().describe('null where it cannot be read'),
  memoryBytes: bytes.nullable(),
});

/** A whole GPU, or a MIG slice of one: printed by `lamina_trainer gpus`. */
export const device = z.object({
  uuid: z.string().describe('what CUDA_VISIBLE_DEVICES takes'),
  index: z.string().describe('as nvidia-smi counts; "0:1" is a slice of GPU 0'),
  name: z.string().describe('product, of a slice with its profile: the class of GPU that it belongs to'),
  mig: z.string().nullable().describe('profile of a slice; null for a whole GPU'),
  computeCapability: z.string().nullable(),
  memoryBytes: bytes.nullable().describe('null where memory is shared with the host, and is not counted'),
  freeBytes: bytes.nullable(),
  processes: z.array(deviceProcess).describe('what holds memory of it'),
  uncorrectedErrors: z
    .number()
    .int()
    .nullable()
    .describe('ECC errors since the driver was loaded; null where they are not counted'),
  problem: z.string().nullable().describe('why it cannot be used; null where nothing is known against it'),
});
export type Device = Readonly<z.infer<typeof device>>;

/** A device that gets no attempt, because one has failed on it. */
export const setAside = z.object({
  device: z.string().describe('its UUID'),
  faults: z.number().int().positive().describe('since it last measured a trial, or was taken back'),
  since: z.iso.datetime({ offset: true }),
  until: z.iso.datetime({ offset: true }).nullable().describe('null: until a person takes it back'),
  reason: z.string(),
  attemptId: z.string().describe('the attempt that failed on it'),
});
export type SetAside = Readonly<z.infer<typeof setAside>>;

/** What is to be seen of a device: `GET /v1/gpus`. */
export const deviceView = device.extend({
  attemptId: z.string().nullable().describe('the attempt that it was given to; null: none'),
  setAside: setAside.nullable().describe('null where it gets attempts'),
});
export type DeviceView = Readonly<z.infer<typeof deviceView>>;
