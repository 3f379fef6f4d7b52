import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { TaskFile, TaskSettings } from '@lamina/domain/contract/settings.ts';
import type { Issue } from '@lamina/domain/spec/parse.ts';
import { taskDataFiles } from '@lamina/domain/spec/task-files.ts';
import type { Fingerprints } from './fingerprints.ts';
import type { InputCopy, InputFiles } from './input-files.ts';
import { missingFile, type Places, placesFrom } from './paths.ts';

interface Context {
  readonly places: Places;
  readonly fingerprints: Fingerprints;
  readonly inputFiles: InputFiles;
}

export interface ResolvedTasks {
  readonly tasks: TaskSettings | null;
  readonly issues: readonly Issue[];
  readonly copies: readonly InputCopy[];
}

/** Finds task files and the data that they name, and fills in paths and fingerprints. */
export async function resolveTasks(tasks: TaskSettings | null, context: Context): Promise<ResolvedTasks> {
  if (tasks === null) return { tasks, issues: [], copies: [] };
  const found = await Promise.all(
    tasks.files.map((file, index) => resolveTask(file, `evaluation.tasks.files[${index}]`, context)),
  );
  return {
    tasks: { ...tasks, files: found.map(({ file }) => file) },
    issues: found.flatMap(({ issues }) => issues),
    copies: found.flatMap(({ copies }) => copies),
  };
}

interface ResolvedTask {
  readonly file: TaskFile;
  readonly issues: readonly Issue[];
  readonly copies: readonly InputCopy[];
}

async function resolveTask(file: TaskFile, at: string, context: Context): Promise<ResolvedTask> {
  const path = context.places.absolute(file.path);
  const refused = (problem: Pick<Issue, 'message' | 'fix'>): ResolvedTask => ({
    file,
    issues: [{ path: `${at}.path`, ...problem }],
    copies: [],
  });
  const task = await located(path, context);
  if ('problem' in task) return refused(task.problem);
  if (file.fingerprint !== null && file.fingerprint !== task.fingerprint) {
    return refused({
      message: `${path} is not the file that the fingerprint was taken of`,
      fix: 'bring the old file back, or leave the fingerprint out and submit a new experiment',
    });
  }
  // Data that an earlier submission has found may by now lie elsewhere than next to the task file.
  const known = new Map(file.data.map((data) => [data.name, data]));
  const read = taskDataFiles(await readFile(path, 'utf8'));
  if (!('names' in read)) return refused({ message: `${path} ${read.message}`, fix: read.fix });
  const nextToFile = placesFrom(dirname(path));
  const data = await Promise.all(
    read.names.map(async (name) => ({
      name,
      ...(await located(known.get(name)?.path ?? nextToFile.absolute(name), context)),
    })),
  );
  const problems = data.flatMap((one) => ('problem' in one ? [one.problem] : []));
  if (problems.length > 0) return { file, issues: problems.map((each) => ({ path: at, ...each })), copies: [] };
  const files = data.flatMap((one) => ('problem' in one ? [] : [one]));
  return {
    file: {
      path: task.path,
      fingerprint: task.fingerprint,
      data: files.map(({ name, path: where, fingerprint }) => ({ name, path: where, fingerprint })),
    },
    issues: [],
    copies: [task, ...files].flatMap(({ copy }) => copy ?? []),
  };
}

type LocatedFile =
  | { readonly path: string; readonly fingerprint: string; readonly copy: InputCopy | null }
  | { readonly problem: Pick<Issue, 'message' | 'fix'> };

async function located(path: string, { fingerprints, inputFiles }: Context): Promise<LocatedFile> {
  const missing = await missingFile(path, 'file');
  if (missing !== null) return { problem: missing };
  const fingerprint = await fingerprints.file(path);
  const found = await inputFiles.locate(path, { sha256: fingerprint });
  return 'problem' in found ? found : { path: found.path, fingerprint, copy: found.copy };
}
