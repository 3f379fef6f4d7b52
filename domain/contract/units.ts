/** Values that many fields of the contract have in common; each is a named type of the trainer's models as well. */
import { z } from 'zod';

export const CONTRACT_VERSION = 'lamina/v1';

export const integer = z.int();
export const count = z.int().min(0);
export const positive = z.int().min(1);
export const bytes = z.int().min(0);
export const seconds = z.number().min(0);
export const nonNegative = z.number().min(0);
export const positiveNumber = z.number().gt(0);
export const share = z.number().min(0).max(1);
export const text = z.string().min(1);
export const timestamp = z.iso.datetime({ offset: true });
