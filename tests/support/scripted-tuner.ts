/** A tuner that suggests from a list: searches without Python, where it is not Optuna that is tested. */
import {
  ADVANCE_STUDY,
  type AdvanceStudyInput,
  type AdvanceStudyOutput,
  TUNER_TASK_QUEUE,
} from '@lamina/domain/contract/search.ts';
import { Worker } from '@temporalio/worker';
import type { Orchestra } from './orchestra.ts';

/** Suggests learning rates, the same for the same number. */
export async function startScriptedTuner({ temporal }: Orchestra): Promise<{ close(): Promise<void> }> {
  const ends = new Map<string, AdvanceStudyInput['told'][number]['state']>();
  async function advanceStudy({ study, told, asked }: AdvanceStudyInput): Promise<AdvanceStudyOutput> {
    for (const { number, state } of told) ends.set(`${study.name}/${number}`, state);
    const finished = { complete: 0, pruned: 0, failed: 0 };
    for (const [name, state] of ends) if (name.startsWith(`${study.name}/`)) finished[state] += 1;
    const suggestions = asked.map((number) => ({
      number,
      parameters: { 'training.learningRate': 0.1 / (number + 1) },
    }));
    return { suggestions, prune: [], finished };
  }
  const worker = await Worker.create({
    connection: temporal.nativeConnection,
    namespace: temporal.namespace ?? 'default',
    taskQueue: TUNER_TASK_QUEUE,
    activities: { [ADVANCE_STUDY]: advanceStudy },
  });
  const running = worker.run();
  return {
    async close() {
      worker.shutdown();
      await running;
    },
  };
}
