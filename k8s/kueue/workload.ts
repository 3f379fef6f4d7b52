/** What is read of Kueue's Workloads: the fields that v1beta1 and v1beta2 have in common. */
import { z } from 'zod';

const time = z.union([z.string(), z.date().transform((date) => date.toISOString())]);

const workload = z.object({
  metadata: z.object({
    name: z.string(),
    creationTimestamp: time,
    ownerReferences: z.array(z.object({ uid: z.string(), controller: z.boolean().optional() })).default([]),
  }),
  spec: z.object({
    queueName: z.string().default(''),
    priority: z.number().default(0),
    active: z.boolean().default(true),
  }),
  status: z
    .object({
      conditions: z
        .array(
          z.object({
            type: z.string(),
            status: z.string(),
            reason: z.string().default(''),
            message: z.string().default(''),
            lastTransitionTime: time.optional(),
          }),
        )
        .default([]),
      admissionChecks: z
        .array(z.object({ name: z.string(), state: z.string(), message: z.string().default('') }))
        .default([]),
      requeueState: z.object({ requeueAt: time.nullish() }).nullish(),
    })
    .prefault({}),
});
export type Workload = z.infer<typeof workload>;
export type WorkloadCondition = Workload['status']['conditions'][number];

/** Null where the object is not a Workload that can be understood. */
export function readWorkload(object: object): Workload | null {
  return workload.safeParse(object).data ?? null;
}

/** The condition of that type where it holds. */
export function holds(workload: Workload, type: string): WorkloadCondition | null {
  return workload.status.conditions.find((one) => one.type === type && one.status === 'True') ?? null;
}

/** Workloads by the uid of the Job that each was made for. */
export function workloadsByJob(objects: readonly object[]): ReadonlyMap<string, object> {
  const byJob = new Map<string, object>();
  for (const object of objects) {
    for (const { uid } of readWorkload(object)?.metadata.ownerReferences ?? []) byJob.set(uid, object);
  }
  return byJob;
}
