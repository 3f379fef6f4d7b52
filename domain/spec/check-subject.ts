/** What checks over several fields look at, and how they report. */
import type { AxisName, AxisValue, Matrix, PartialCell, SettingPath } from './axes.ts';
import type { ExperimentDocument } from './document.ts';
import type { PathSegment } from './problems.ts';
import { extremes } from './search.ts';

/** What could be read of a document; sections with mistakes are missing. */
export interface Subject {
  readonly document: Partial<Omit<ExperimentDocument, 'matrix' | 'baseline'>>;
  readonly matrix: Matrix;
  readonly baseline: PartialCell;
  /** Whether an axis was given without a mistake, or not given at all. */
  readonly sound: (axis: AxisName) => boolean;
  /** The document as given, to tell what was written from what was filled in. */
  readonly given: Readonly<Record<string, unknown>>;
}

/** Collects what checks find. */
export interface Report {
  issue(path: readonly PathSegment[], message: string, fix?: string): void;
  warn(path: readonly PathSegment[], message: string, fix?: string): void;
}

/** Every value that a setting has somewhere in the matrix; empty where its section has a mistake. */
export function valuesAt({ document, matrix }: Subject, path: SettingPath): readonly AxisValue[] {
  const [section, key] = path.split('.') as ['training' | 'lora' | 'quantization' | 'evaluation', string];
  const base = (document[section] as Readonly<Record<string, AxisValue>> | null | undefined)?.[key];
  const own = matrix[path] ?? (base === undefined ? [] : [base]);
  return [...own, ...matrix.include.flatMap((entry) => (entry[path] ?? []) as readonly AxisValue[])];
}

/** The same, with what a search may set it to. */
export function reachedAt(subject: Subject, path: SettingPath): readonly AxisValue[] {
  const searched = subject.document.search?.parameters[path];
  return [...valuesAt(subject, path), ...(searched === undefined ? [] : extremes(searched))] as readonly AxisValue[];
}

/** Smallest and largest number that a setting reaches; null where it has none. */
export function boundsAt(
  subject: Subject,
  path: SettingPath,
): { readonly least: number; readonly most: number } | null {
  const numbers = reachedAt(subject, path).filter((value) => typeof value === 'number');
  return numbers.length === 0 ? null : { least: Math.min(...numbers), most: Math.max(...numbers) };
}

/** Where a setting is written: in the search, on its axis, else in its section. */
export function placeOf({ document, matrix }: Subject, path: SettingPath): readonly PathSegment[] {
  if (document.search?.parameters[path] !== undefined) return ['search', 'parameters', path];
  return matrix[path] === undefined ? path.split('.') : ['matrix', path];
}
