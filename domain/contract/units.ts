import { z } from 'zod';

export const CONTRACT_VERSION = 'lamina/v1';

export const bytes = z.number().int().nonnegative();
export const seconds = z.number().nonnegative();
