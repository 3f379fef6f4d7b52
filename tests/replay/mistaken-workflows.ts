/** Today's experiment with one mistake in the protocol, or none: the workflow's id names it, as `RULE|MISTAKE|HISTORY`. */
import { RULES } from '@lamina/domain/run/protocol/rules.ts';
import { experiment as right } from '@lamina/workflows/experiment.ts';
import { workflowInfo } from '@temporalio/workflow';
import { MISTAKES, type RuleName } from './mistakes.ts';

/** @public The bundler takes it. */
export async function experiment(input: Parameters<typeof right>[0]): Promise<void> {
  const [rule = '', mistake = ''] = workflowInfo().workflowId.split('|');
  if (rule !== '') Object.assign(RULES, { [rule]: MISTAKES[rule as RuleName][mistake]?.rule });
  return right(input);
}
