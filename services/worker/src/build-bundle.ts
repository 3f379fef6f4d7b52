/** Writes the workflow bundle into the file that is named: a process of its own, since webpack's memory never comes back. */
import { writeFileSync } from 'node:fs';
import { bundleWorkflowCode } from '@temporalio/worker';

const [, , workflowsPath = '', file = ''] = process.argv;
const quiet = () => undefined;
const logger = { log: quiet, trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet };
const { code } = await bundleWorkflowCode({ workflowsPath, logger });
writeFileSync(file, code);
