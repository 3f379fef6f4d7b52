/** Checks of the section `search`: parameters against the settings that they set, and how well its parts go together. */

import { hasAdapters } from '../vocabulary/methods.ts';
import { AXIS_NAMES, axisSchemas, isAxis, SETTING_PATHS, type SettingPath } from './axes.ts';
import { boundsAt, type Report, type Subject } from './check-subject.ts';
import { countCells } from './combinations.ts';
import { isRecord } from './matrix.ts';
import { check, described, type PathSegment } from './problems.ts';
import {
  countValues,
  isSettingPath,
  numberKind,
  rangeOf,
  readableSearch,
  type Searched,
  type SearchedRange,
  type SearchObjective,
  type SearchSection,
} from './search.ts';
import { closest } from './suggest.ts';

/** Objectives that the training loss, which pruners look at, says something about. */
const PRUNABLE: readonly SearchObjective[] = ['loss', 'perplexity', 'accuracy'];

export function searchChecks(subject: Subject, report: Report): void {
  const { given } = subject;
  const search = subject.document.search ?? (isRecord(given.search) ? readableSearch(given.search) : null);
  if (search === null) return;
  const named = Object.entries(search.parameters);
  if (named.length === 0 && subject.document.search !== undefined)
    report.issue(['search', 'parameters'], 'names no setting', 'name one, e.g. training.learningRate');
  const sound = named.filter(([path, searched]) => parameterIsSound(subject, path, searched, report));
  objectiveChecks(subject, search, report);
  prunerChecks(subject, search, report);
  scopeChecks(subject, search, report);
  if (sound.length === named.length && named.length > 0) samplerChecks(subject, search, report);
}

const at = (...further: readonly PathSegment[]): readonly PathSegment[] => ['search', 'parameters', ...further];

function parameterIsSound(subject: Subject, path: string, searched: Searched, report: Report): boolean {
  let sound = true;
  const watched: Report = {
    issue: (where, message, fix) => {
      sound = false;
      report.issue(where, message, fix);
    },
    warn: report.warn,
  };
  if (isSettingPath(path)) {
    placeChecks(subject, path, watched);
    if (sound) valueChecks(path, searched, watched);
  } else unknownSetting(path, watched);
  return sound;
}

function unknownSetting(path: string, report: Report): void {
  if (isAxis(path))
    return report.issue(
      at(path),
      'is an axis of the matrix, not a setting',
      path === 'seed'
        ? 'list seeds in matrix.seed; suggestions have the first one'
        : `list its values in matrix.${path}; with search.per: matrix the search chooses among the cells`,
    );
  const near = SETTING_PATHS.find((name) => name.endsWith(`.${path}`)) ?? closest(path, SETTING_PATHS);
  report.issue(
    at(path),
    'is not a setting',
    near === null ? 'write the path of one, e.g. training.learningRate or lora.r' : `did you mean '${near}'?`,
  );
}

function placeChecks({ matrix, sound }: Subject, path: SettingPath, report: Report): void {
  if (path.startsWith('evaluation.'))
    report.issue(
      at(path),
      'changes how trials are scored, so that their scores could not be compared',
      'search settings of training or lora',
    );
  if (path === 'quantization.doubleQuant')
    report.issue(
      at(path),
      'is part of the precision',
      'list nf4 and nf4-dq in matrix.precision; with search.per: matrix the search chooses among the cells',
    );
  if (matrix[path] !== undefined || matrix.include.some((entry) => entry[path] !== undefined))
    report.issue(at(path), 'is listed in the matrix too', 'take it out of the matrix, or out of the search');
  if (path.startsWith('lora.') && sound('method') && !methodsOf(matrix).some(hasAdapters))
    report.issue(
      at(path),
      'has no effect: no method of the matrix has adapters',
      'remove it, or add lora or qlora to matrix.method',
    );
}

function methodsOf(matrix: Subject['matrix']) {
  return [...matrix.method, ...matrix.include.flatMap((entry) => entry.method ?? [])];
}

function valueChecks(path: SettingPath, searched: Searched, report: Report): void {
  if ('choices' in searched) return choiceChecks(path, searched.choices, report);
  const kind = numberKind(path);
  if (kind === null)
    return report.issue(
      at(path),
      `is a range, but ${path} has no numbers`,
      'write choices: [...] with the values to choose from',
    );
  for (const bound of ['low', 'high'] as const) settingCheck(path, searched[bound], [bound], report);
  if (kind === 'int' && searched.step !== null && !Number.isInteger(searched.step))
    report.issue(at(path, 'step'), `must be a whole number, as ${path} is, got ${searched.step}`, 'write 1 or more');
  rangeChecks(path, searched, report);
}

function rangeChecks(path: SettingPath, { low, high, log, step }: SearchedRange, report: Report): void {
  if (low >= high)
    report.issue(at(path, 'low'), `is ${low}, not below high: ${high}`, 'exchange them, or set it in its section');
  else if (step !== null && step > high - low)
    report.issue(at(path, 'step'), `is more than the range: ${step} from ${low} to ${high}`, 'write a smaller one');
  if (log && low <= 0)
    report.issue(at(path, 'low'), `has no logarithm: ${low}`, 'write a bound above 0, or leave log out');
  if (log && step !== null)
    report.issue(at(path, 'step'), 'cannot be given with log', 'leave one of them out, or write choices');
}

function choiceChecks(path: SettingPath, choices: readonly unknown[], report: Report): void {
  for (const [index, choice] of choices.entries()) {
    settingCheck(path, choice, ['choices', index], report);
    if (choices.indexOf(choice) < index)
      report.issue(at(path, 'choices', index), `repeats ${described(choice)}`, 'write each value once');
  }
}

/** What the setting's own schema says of a value. */
function settingCheck(path: SettingPath, value: unknown, below: readonly PathSegment[], report: Report): void {
  const read = check(axisSchemas[path], value, []);
  if ('issues' in read) for (const { message, fix } of read.issues) report.issue(at(path, ...below), message, fix);
}

function objectiveChecks({ document: { resources } }: Subject, search: SearchSection, report: Report): void {
  const objectives = search.objectives ?? [];
  for (const [index, objective] of objectives.entries())
    if (objectives.indexOf(objective) < index)
      report.issue(['search', 'objectives', index], `repeats ${objective}`, 'write each objective once');
  const cost = objectives.indexOf('cost');
  if (cost >= 0 && resources?.pricePerHour === null)
    report.issue(['search', 'objectives', cost], 'needs a price to be computed from', 'give resources.pricePerHour');
  if (objectives.length < 2) return;
  if (search.sampler === 'cma-es')
    report.issue(
      ['search', 'sampler'],
      `cma-es searches for one objective, not for ${objectives.length}`,
      'write tpe or nsga-ii, or one objective',
    );
  if (search.pruner !== null)
    report.issue(
      ['search', 'pruner'],
      `cannot judge trade-offs between ${objectives.length} objectives`,
      'remove it, or search for one objective',
    );
}

function prunerChecks(subject: Subject, { pruner, objectives }: SearchSection, report: Report): void {
  if (pruner === null) return;
  const other = objectives?.find((objective) => !PRUNABLE.includes(objective));
  if (other !== undefined && objectives?.length === 1)
    report.issue(
      ['search', 'pruner'],
      `looks at the training loss, which says nothing about ${other}`,
      `remove it, or search for ${PRUNABLE.join(', ')}`,
    );
  const steps = boundsAt(subject, 'training.steps')?.least;
  for (const name of ['every', 'warmupSteps'] as const)
    if (steps !== undefined && pruner[name] >= steps)
      report.issue(
        ['search', 'pruner', name],
        `is ${pruner[name]}, and a training of ${steps} steps is over by then: no trial would be stopped`,
        `write less than ${steps}`,
      );
  const logged = boundsAt(subject, 'training.logEvery')?.most;
  if (logged !== undefined && logged > pruner.every)
    report.issue(
      ['search', 'pruner', 'every'],
      `is ${pruner.every}, and losses are reported every ${logged} steps only`,
      `write at least ${logged}, or lower training.logEvery`,
    );
}

function scopeChecks({ matrix, sound }: Subject, search: SearchSection, report: Report): void {
  if (!AXIS_NAMES.every(sound)) return;
  if (search.per === 'matrix' && countCells(matrix) === 1)
    report.issue(['search', 'per'], 'is matrix, and the matrix has one cell', 'write cell, or add values to an axis');
  const named = Object.keys(search.parameters);
  if (search.per === 'cell' && named.length > 0 && named.every((path) => path.startsWith('lora.'))) {
    const without = [...new Set(methodsOf(matrix).filter((method) => !hasAdapters(method)))];
    if (without.length > 0)
      report.warn(
        ['search', 'parameters'],
        `are settings of adapters: cells of method ${without.join(', ')} have none and are not searched`,
      );
  }
}

function samplerChecks({ matrix }: Subject, search: SearchSection, report: Report): void {
  const ranges = Object.entries(search.parameters).flatMap(([path, searched]) =>
    isSettingPath(path) ? [{ path, range: rangeOf(path, searched) }] : [],
  );
  if (search.sampler === 'cma-es' && ranges.every(({ range }) => range.kind === 'categorical'))
    report.issue(
      ['search', 'sampler'],
      'cma-es searches among numbers, and every parameter has choices',
      'write tpe or random, or give a parameter low and high',
    );
  if (search.sampler !== 'grid') return;
  const endless = ranges.filter(({ range }) => countValues(range) === Number.POSITIVE_INFINITY);
  for (const { path } of endless)
    report.issue(at(path), 'has no end of values for a grid', 'give it a step, or choices, or another sampler');
  const points = ranges.reduce(
    (count, { range }) => count * countValues(range),
    search.per === 'matrix' ? countCells(matrix) : 1,
  );
  if (endless.length === 0 && points < search.trials)
    report.warn(
      ['search', 'trials'],
      `is ${search.trials}, and the grid has ${points} points: a study ends after them`,
    );
}
