/** Checks of a dataset that is to be generated, over several of its fields. */
import type { Report, Subject } from './check-subject.ts';
import { placeOf, valuesAt } from './check-subject.ts';
import type { GeneratedDataset } from './generated.ts';

/** Variables that are ours: trainers do not see them, and no endpoint may. */
const OURS = /^(LAMINA_|NODE_|npm_)/;

export function generatedChecks(subject: Subject, report: Report): void {
  const { dataset } = subject.document;
  if (dataset?.source !== 'generated') return;
  templates(dataset, report);
  keys(dataset, report);
  lengths(dataset, report);
  scored(dataset, subject, report);
}

function templates({ prompts }: GeneratedDataset, report: Report): void {
  if (prompts.source === 'file') {
    if (fieldsOf(prompts.template).length === 0)
      report.issue(['dataset', 'prompts', 'template'], 'has no field of the records in it', 'write one, e.g. {prompt}');
    return;
  }
  for (const [index, template] of prompts.templates.entries()) {
    const other = fieldsOf(template).find((field) => field !== 'topic');
    const at = ['dataset', 'prompts', 'templates', index];
    if (other !== undefined)
      report.issue(at, `has the field {${other}}, and topics have no other than {topic}`, 'write {{ and }} for braces');
    else if (fieldsOf(template).length === 0) report.issue(at, 'has no {topic} in it', 'say where each topic goes');
  }
}

/** What stands in single braces; double ones are braces. */
function fieldsOf(template: string): readonly string[] {
  return [...template.replaceAll(/\{\{|\}\}/g, '').matchAll(/\{([^{}]*)\}/g)].map(([, name = '']) => name);
}

function keys({ endpoint: { apiKeyVariable, apiKeySecret } }: GeneratedDataset, report: Report): void {
  if (apiKeyVariable !== null && apiKeySecret !== null)
    report.issue(
      ['dataset', 'endpoint', 'apiKeySecret'],
      'is given together with apiKeyVariable: the key is in one place',
      'write apiKeyVariable where trials run on this machine, apiKeySecret where they run in a cluster',
    );
  if (apiKeyVariable !== null && OURS.test(apiKeyVariable))
    report.issue(
      ['dataset', 'endpoint', 'apiKeyVariable'],
      'names a variable of Lamina itself',
      'use a name of your own',
    );
}

function lengths({ filters }: GeneratedDataset, report: Report): void {
  for (const unit of ['Characters', 'Words'] as const) {
    const [least, most] = [filters[`min${unit}`], filters[`max${unit}`]];
    if (most !== null && least > most)
      report.issue(
        ['dataset', 'filters', `min${unit}`],
        `is ${least}, more than max${unit}, ${most}: no answer would be left`,
        `write at most ${most}`,
      );
  }
}

/** The trainer's held-out share is chosen by content: checked against another share, it is not the one that is scored. */
function scored({ contamination: { fraction } }: GeneratedDataset, subject: Subject, report: Report): void {
  const held = valuesAt(subject, 'evaluation.fraction');
  const other = held.find((value) => value !== fraction);
  if (fraction === null || other === undefined) return;
  report.issue(
    ['dataset', 'contamination', 'fraction'],
    `is ${fraction}, and ${placeOf(subject, 'evaluation.fraction').join('.')} holds out ${other}: what is checked would not be what is scored`,
    held.length === 1 ? `write ${other}` : 'write null, or give evaluation.fraction one value',
  );
}
