/** The closed lists of `domain/vocabulary`, as the documents of the contract name them. */
import { z } from 'zod';
import { METHODS } from '../vocabulary/methods.ts';
import { PRECISIONS } from '../vocabulary/precisions.ts';
import { COMPUTE_DTYPES, LR_SCHEDULES, OPTIMIZERS } from '../vocabulary/training.ts';

export const precision = z.enum(PRECISIONS);
export const method = z.enum(METHODS);
export const computeDtype = z.enum(COMPUTE_DTYPES);
/** What `auto` has become on a device. */
export const resolvedDtype = z.enum(['fp32', 'bf16', 'fp16']);
export const lrSchedule = z.enum(LR_SCHEDULES);
export const optimizer = z.enum(OPTIMIZERS);
