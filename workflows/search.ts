/**
 * The search of an experiment: looks what has become of suggestions, asks the tuner, adds what it suggests, waits for
 * news. It decides nothing, and keeps nothing: the store knows the studies, the tuner knows what it was told.
 */
import {
  ADVANCE_STUDY,
  type AdvanceStudyInput,
  type AdvanceStudyOutput,
  TUNER_TASK_QUEUE,
} from '@lamina/domain/contract/search.ts';
import { INPUT_VERSION, type SearchInput, type SearchNews, SIGNALS } from '@lamina/domain/contract/workflow.ts';
import { upgradedSearchInput } from '@lamina/domain/run/protocol/versions.ts';
import {
  ActivityFailure,
  CancellationScope,
  condition,
  defineSignal,
  isCancellation,
  makeContinueAsNewFunc,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { Answer, Question, SearchActivities } from './search-activities.ts';

const { searchStep, applySearch } = proxyActivities<SearchActivities>({
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '5 seconds',
  retry: { initialInterval: '200 milliseconds', backoffCoefficient: 2, maximumInterval: '10 seconds' },
});

interface Tuner {
  [ADVANCE_STUDY](input: AdvanceStudyInput): Promise<AdvanceStudyOutput>;
}

/** A tuner that is away delays a search and loses nothing: what it has drawn, it answers again. */
const tuner = proxyActivities<Tuner>({
  taskQueue: TUNER_TASK_QUEUE,
  startToCloseTimeout: '60 seconds',
  retry: { initialInterval: '200 milliseconds', backoffCoefficient: 2, maximumInterval: '30 seconds' },
});

const searchNews = defineSignal<[SearchNews]>(SIGNALS.searchNews);

/** Where workers are versioned, the next history belongs to the build that new searches start with. */
const goOn = makeContinueAsNewFunc<typeof search>({ initialVersioningBehavior: 'AUTO_UPGRADE' });

export async function search(written: SearchInput): Promise<void> {
  const { experimentId } = upgradedSearchInput(written);
  let news = 0;
  let asking: CancellationScope | null = null;
  setHandler(searchNews, ({ over }) => {
    news += 1;
    if (over) asking?.cancel();
  });
  for (;;) {
    const seen = news;
    const { over, questions, lookAgainMs } = await searchStep(experimentId);
    if (over && news === seen) return;
    if (over) continue;
    asking = new CancellationScope();
    const answers = await answersTo(questions, asking);
    asking = null;
    const again = answers.length > 0 && (await applySearch({ experimentId, answers })).again;
    if (!again) await condition(() => news !== seen, lookAgainMs);
    const { continueAsNewSuggested, targetWorkerDeploymentVersionChanged } = workflowInfo();
    if (continueAsNewSuggested || targetWorkerDeploymentVersionChanged) {
      await goOn({ version: INPUT_VERSION, experimentId });
    }
  }
}

/** None where the scope was cancelled. */
async function answersTo(questions: readonly Question[], scope: CancellationScope): Promise<readonly Answer[]> {
  try {
    return await scope.run(() => Promise.all(questions.map(answerTo)));
  } catch (error) {
    if (isCancellation(error)) return [];
    throw error;
  }
}

async function answerTo(question: Question): Promise<Answer> {
  try {
    return { ...question, output: await tuner[ADVANCE_STUDY](question.input) };
  } catch (error) {
    // Everything but a refusal is tried again.
    if (error instanceof ActivityFailure && !isCancellation(error)) {
      return { ...question, failure: error.cause?.message ?? error.message };
    }
    throw error;
  }
}
