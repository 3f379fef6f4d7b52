/** The shape of a dataset's records, as their columns say, and mistakes in what a document makes of them. */
import type { DatasetRef, RecordFields } from '@lamina/domain/contract/settings.ts';
import type { Issue } from '@lamina/domain/spec/parse.ts';
import { closest } from '@lamina/domain/spec/suggest.ts';

type Columns = Readonly<Record<string, unknown>>;

/**
 * The shape of records that the document does not name, or what to do where their columns do not tell. Text goes first:
 * a document without `fields` has always meant it. The trainer has the same rule for what only it can read
 * (`data/shapes.py`).
 */
export function shapeOf(record: Columns): RecordFields | Issue {
  if ('text' in record) return { text: 'text' };
  const shapes: RecordFields[] = [];
  if ('prompt' in record && 'completion' in record) shapes.push({ prompt: 'prompt', completion: 'completion' });
  for (const messages of ['messages', 'conversations'])
    if (messages in record) shapes.push({ messages, tools: 'tools' });
  const [shape] = shapes;
  if (shape !== undefined && shapes.length === 1) return shape;
  const columns = Object.keys(record).join(', ') || 'none';
  return {
    path: 'dataset.fields',
    message:
      shape === undefined
        ? `the columns do not say what a record is; they are: ${columns}`
        : `the columns fit several shapes; they are: ${columns}`,
    fix: 'write fields: {text: COLUMN}, {prompt: COLUMN, completion: COLUMN} or {messages: COLUMN}',
  };
}

/** Columns that some of the records lack, or that hold something else. */
export function checkColumns(records: readonly Columns[], fields: RecordFields): Issue[] {
  if (!('messages' in fields))
    return Object.entries(fields).flatMap(([role, column]) => checkColumn(records, role, column, TEXT));
  return checkColumn(records, 'messages', fields.messages, MESSAGES);
}

interface Content {
  readonly fits: (value: unknown) => boolean;
  /** What is wrong with a value that does not fit. */
  readonly problem: string;
  readonly fix?: string;
}

const TEXT: Content = { fits: (value) => typeof value === 'string', problem: 'is not text' };
const MESSAGES: Content = {
  fits: (value) => Array.isArray(value) && value.every(isMessage),
  problem: 'is not a list of messages',
  fix: 'a message is {role, content} or {from, value}',
};

function isMessage(value: unknown): boolean {
  return typeof value === 'object' && value !== null && ('role' in value || 'from' in value);
}

function checkColumn(records: readonly Columns[], role: string, column: string, content: Content): Issue[] {
  const path = `dataset.fields.${role}`;
  const lacking = records.findIndex((record) => !(column in record));
  if (lacking >= 0) {
    const columns = Object.keys(records[lacking] ?? {});
    const near = closest(column, columns);
    const list = columns.length === 0 ? 'none' : columns.join(', ');
    const message = `record ${lacking + 1} has no column '${column}'; it has: ${list}`;
    return [{ path, message, fix: near === null ? 'name a column that it has' : `did you mean '${near}'?` }];
  }
  const wrong = records.findIndex((record) => !content.fits(record[column]));
  if (wrong < 0) return [];
  const message = `column '${column}' of record ${wrong + 1} ${content.problem}`;
  const fix =
    content.fix ?? (MESSAGES.fits(records[wrong]?.[column]) ? `write fields: {messages: ${column}}` : undefined);
  return [{ path, message, ...(fix === undefined ? {} : { fix }) }];
}

/** Settings that the records' shape has no use for, where it is known. */
export function checkUse({ fields, loss, chatTemplate }: DatasetRef): Issue[] {
  if (fields === null || 'messages' in fields) return [];
  const issues: Issue[] = [];
  if (loss === 'answers' && 'text' in fields) {
    const fix = 'name the columns of prompts and completions, or of messages, in dataset.fields';
    issues.push({ path: 'dataset.loss', message: 'answers: records of one text have none', fix });
  }
  if (chatTemplate !== null) {
    const fix = 'leave it out, or name the column of messages in dataset.fields';
    issues.push({ path: 'dataset.chatTemplate', message: 'only messages are rendered by a template', fix });
  }
  return issues;
}
