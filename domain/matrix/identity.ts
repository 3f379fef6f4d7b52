/**
 * Ids of trials and cells: SHA-256 over canonical JSON (RFC 8785) of whatever can change the numbers.
 * Workflows must not import this module, which computes hashes: ids are made once, at submission.
 */
import type { DatasetRef, TaskFile, TrialSettings } from '../contract/settings.ts';
import { canonical } from '../vocabulary/canonical.ts';
import { sha256 } from '../vocabulary/sha256.ts';

export type CellSettings = Omit<TrialSettings, 'seed'>;

/** 64 hex digits. Files count by content fingerprint where there is one; where they lie does not matter then. */
export function trialId(settings: TrialSettings, trainerRevision: string): string {
  return sha256(canonical({ settings: identity(settings), trainerRevision }));
}

/** 16 hex digits; the same cell has the same id in every experiment. */
export function cellId(settings: CellSettings): string {
  return sha256(canonical(identity(settings))).slice(0, 16);
}

/** What is measured or kept on request counts only where it is asked for: without it, ids are as they were before it could be. */
function identity<S extends CellSettings>(settings: S) {
  const { artifacts, evaluation, ...rest } = settings;
  const { inference, gguf, tasks, ...scoring } = evaluation;
  const { masterWeights, ...training } = settings.training;
  return {
    ...rest,
    training: masterWeights === 'none' ? training : settings.training,
    model: content(settings.model),
    dataset: dataContent(settings.dataset),
    evaluation: {
      ...scoring,
      ...(gguf === null && inference === null ? {} : { inference }),
      ...(gguf === null ? {} : { gguf }),
      ...(tasks === null ? {} : { tasks: { ...tasks, files: tasks.files.map(taskContent) } }),
    },
    ...(artifacts.adapter || artifacts.merged ? { artifacts } : {}),
  };
}

/** Where a task's files lie and what they are called does not matter once their content is known. */
function taskContent(file: TaskFile) {
  const { path: _, ...rest } = file;
  return { ...(file.fingerprint === null ? file : rest), data: file.data.map(({ fingerprint }) => fingerprint) };
}

/** What is left at its default has no part: ids are as they were before it could be chosen. The shape of records that is not named was text then. */
function dataContent(reference: DatasetRef) {
  const { fields, loss, chatTemplate, specialTokens, onBadRecord, evaluation, ...dataset } = reference;
  const scored = typeof evaluation === 'object' && evaluation !== null && 'path' in evaluation;
  return {
    ...content(dataset),
    fields: fields ?? { text: 'text' },
    ...(loss ? { loss } : {}),
    ...(chatTemplate ? { chatTemplate } : {}),
    ...(specialTokens ? { specialTokens } : {}),
    ...((onBadRecord ?? 'fail') === 'fail' ? {} : { onBadRecord }),
    ...((evaluation ?? null) === null ? {} : { evaluation: scored ? content(evaluation) : evaluation }),
  };
}

/** A file by its content, where that is known. */
function content<R extends object>(reference: R): Omit<R, 'path'> {
  if (!('fingerprint' in reference) || reference.fingerprint === null || !('path' in reference)) return reference;
  const { path: _, ...rest } = reference;
  return rest;
}
